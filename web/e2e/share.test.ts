import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findings } from "./findings";
import { startBrowser, Visitor } from "./people";
import { binary, Program } from "./program";

const secret = "a secret of the tests, at least 32 bytes long";

let open: Program; // where whoever comes is owner of everything
let closed: Program; // where whoever shows nothing is refused
let browser: Browser;

beforeAll(async () => {
  [open, closed] = await Promise.all([Program.start(), Program.start({ settings: ["--token-secret", secret] })]);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await Promise.all([open.stop(), closed.stop()]);
});

test("an owner makes a link to view, and revokes it while somebody reads by it", async () => {
  const ada = await Visitor.arrive(browser, closed.url);
  await ada.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await ada.page.goto(await invitation(closed, "team/plan"));
  await ada.connected();
  await write(ada, "team/plan", "For the board.");

  await ada.page.getByRole("button", { name: "Share" }).click();
  const dialog = ada.page.getByRole("dialog", { name: "Share “team/plan”" });
  await dialog.getByRole("heading", { name: "No links yet" }).waitFor();
  await dialog.getByLabel("Ends").selectOption("After a week");
  await dialog.getByLabel("Note").fill("board");
  await dialog.getByRole("button", { name: "Make link" }).click();
  await dialog.getByText("it won't be shown again").waitFor();
  await dialog.getByRole("button", { name: "Copy" }).click();
  await dialog.getByText("Copied.").waitFor();
  const link = await ada.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(`${closed.url}/d/team%2Fplan#link=inkwire-link-`);

  const ben = await Visitor.arrive(browser, closed.url);
  await ben.page.goto(link);
  await ben.page.getByLabel("Your name").fill("Ben");
  await ben.page.getByRole("button", { name: /^Join/ }).click();
  await ben.page.getByText("For the board.").click();
  await ben.page.getByText("Read only").waitFor();
  await ben.page.keyboard.type("I was here");
  expect(await ben.page.getByRole("button", { name: "Share" }).count()).toBe(0);
  expect(await ben.page.getByText("I was here").count()).toBe(0);
  expect(await ada.read()).toBe("For the board.");

  await dialog.getByRole("button", { name: "Revoke “board”" }).click();
  await dialog.getByRole("status").getByText("“board” is revoked").waitFor();
  await dialog.getByRole("heading", { name: "No links yet" }).waitFor();
  expect(await dialog.getByText("it won't be shown again").count()).toBe(0);
  await ben.page.locator("[data-connection=refused]").waitFor();
  await ben.page.getByText("The server refused this document").waitFor();
  await ben.shoot("share-revoked");
  expect(ada.errors).toEqual([]);
  expect(ben.errors).toEqual([]);
  await Promise.all([ada.leave(), ben.leave()]);
});

test("a link's role is changed in the list, and stays so", async () => {
  const ada = await Visitor.arrive(browser, closed.url);
  await ada.page.goto(await invitation(closed, "roles"));
  await ada.connected();
  await write(ada, "roles", "Something");
  const share = ada.page.getByRole("button", { name: "Share" });
  await share.click();
  await ada.page.getByLabel("Note").fill("guests");
  await ada.page.getByRole("button", { name: "Make link" }).click();
  const role = ada.page.getByLabel("Role of “guests”");
  await role.selectOption("Can edit");
  await ada.page.getByRole("status").getByText("Whoever has “guests” can edit now.").waitFor();
  await ada.page.keyboard.press("Escape");
  await share.click();
  expect(await role.inputValue()).toBe("writer");
  expect(ada.errors).toEqual([]);
  await ada.leave();
});

test("where nobody has written there is nothing to share yet", async () => {
  const ada = await Visitor.arrive(browser, open.url);
  await ada.join("Ada", "fresh");
  await ada.page.getByRole("button", { name: "Share" }).click();
  await ada.page.getByRole("dialog").getByText("Write something first").waitFor();
  expect(await ada.page.getByRole("button", { name: "Make link" }).count()).toBe(0);
  expect(await findings(ada.page)).toEqual([]);
  await ada.shoot("share-unborn");
  await ada.page.keyboard.press("Escape");
  await write(ada, "fresh", "Something");
  await ada.page.getByRole("button", { name: "Share" }).click();
  await ada.page.getByRole("button", { name: "Make link" }).waitFor();
  await ada.leave();
});

test("the keyboard goes in, around and back", async () => {
  const ada = await Visitor.arrive(browser, open.url);
  await ada.join("Ada", "keys");
  await write(ada, "keys", "Something");
  const share = ada.page.getByRole("button", { name: "Share" });
  const focused = () => ada.page.evaluate(() => document.activeElement?.closest("label, select, button, input, h3")?.textContent);
  await share.focus();
  await ada.page.keyboard.press("Enter");
  const dialog = ada.page.getByRole("dialog");
  await expect.poll(() => dialog.getByLabel("Whoever has the link").evaluate((one) => one === document.activeElement)).toBe(true);
  await dialog.getByLabel("Note").press("Enter");
  await expect.poll(focused).toBe("Copy");
  await dialog.getByRole("button", { name: "Make another" }).press("Enter");
  await expect.poll(() => dialog.getByLabel("Whoever has the link").evaluate((one) => one === document.activeElement)).toBe(true);
  await dialog.getByRole("button", { name: /^Revoke/ }).press("Enter");
  await expect.poll(focused).toBe("No links yet");
  await ada.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  expect(await focused()).toBe("Share");
  await ada.leave();
});

test("what goes wrong is said in the dialog, and what was there stays", async () => {
  const ada = await Visitor.arrive(browser, open.url);
  await ada.join("Ada", "deleted");
  await write(ada, "deleted", "Something");
  await ada.page.getByRole("button", { name: "Share" }).click();
  const dialog = ada.page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Make link" }).click();
  await dialog.getByRole("heading", { name: "1 link" }).waitFor();
  expect((await fetch(`${open.url}/api/v1/docs/deleted`, { method: "DELETE" })).status).toBe(204);
  await dialog.getByRole("button", { name: "Make another" }).click();
  await dialog.getByRole("button", { name: "Make link" }).click();
  await dialog.getByRole("alert").getByText("That didn't work: the document was deleted.").waitFor();
  await dialog.getByRole("heading", { name: "1 link" }).waitFor();
  await ada.leave();
});

describe.each([
  { look: "light", dark: false },
  { look: "dark", dark: true },
])("axe finds nothing, $look", ({ look, dark }) => {
  test("in the dialog, empty, with a new link, and with a list", async () => {
    const ada = await Visitor.arrive(browser, open.url, dark);
    await ada.join("Ada Lovelace", `report-${look}`);
    await write(ada, `report-${look}`, "Something");
    await ada.page.getByRole("button", { name: "Share" }).click();
    const dialog = ada.page.getByRole("dialog");
    await dialog.getByRole("heading", { name: "No links yet" }).waitFor();
    expect(await findings(ada.page)).toEqual([]);
    await ada.shoot(`share-${look}`);
    for (const note of ["", "For the board, and for whoever else it may concern in the course of the year"]) {
      await dialog.getByLabel("Ends").selectOption("After a month");
      await dialog.getByLabel("Note").fill(note);
      await dialog.getByRole("button", { name: "Make link" }).click();
      await dialog.getByText("it won't be shown again").waitFor();
      if (note === "") await dialog.getByRole("button", { name: "Make another" }).click();
    }
    expect(await findings(ada.page)).toEqual([]);
    await ada.shoot(`share-made-${look}`);
    await ada.page.setViewportSize({ width: 360, height: 740 });
    expect(await findings(ada.page)).toEqual([]);
    expect(await overflow(ada)).toEqual([]);
    await ada.shoot(`share-made-phone-${look}`);
    await dialog.getByRole("button", { name: "Make another" }).click();
    await dialog.getByRole("button", { name: "Revoke “Link" }).click();
    await dialog.getByText("is revoked").waitFor();
    expect(await findings(ada.page)).toEqual([]);
    expect(await overflow(ada)).toEqual([]);
    await ada.shoot(`share-phone-${look}`);
    await ada.page.keyboard.press("Escape");
    await ada.shoot(`share-bar-phone-${look}`);
    expect(ada.errors).toEqual([]);
    await ada.leave();
  });
});

/** What of the dialog is wider than the dialog. */
async function overflow(visitor: Visitor): Promise<string[]> {
  return visitor.page.getByRole("dialog").evaluate((dialog) => {
    const edge = dialog.getBoundingClientRect().right;
    return Array.from(dialog.querySelectorAll("*"))
      .filter((part) => part.getBoundingClientRect().right > edge)
      .map((part) => part.outerHTML);
  });
}

/** Writes, and waits until the server has it: only then there is a document to share. */
async function write(visitor: Visitor, document: string, text: string): Promise<void> {
  await visitor.text.click();
  await visitor.page.keyboard.type(text);
  const shares = `/api/v1/docs/${encodeURIComponent(document)}/shares`;
  const headers = { "Sec-Fetch-Site": "same-origin" };
  await expect.poll(async () => (await visitor.page.request.get(shares, { headers })).status()).toBe(200);
}

/** A link by which somebody named Ada is owner of a document. */
async function invitation(program: Program, document: string): Promise<string> {
  const asked = ["token", "--token-secret", secret, "--doc", document, "--role", "owner", "--name", "Ada", "--url", program.url];
  const { stdout } = await promisify(execFile)(binary, asked);
  const link = stdout.split(/\s+/).find((word) => word.startsWith(program.url));
  if (link === undefined) throw new Error(`no link in ${stdout}`);
  return link;
}
