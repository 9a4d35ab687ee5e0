import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findings } from "./findings";
import { startBrowser, Visitor } from "./people";
import { Program } from "./program";

let program: Program;
let browser: Browser;

beforeAll(async () => {
  program = await Program.start();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await program.stop();
});

describe.each([
  { look: "light", dark: false },
  { look: "dark", dark: true },
])("axe finds nothing, $look", ({ look, dark }) => {
  test("on the start page", async () => {
    const ada = await Visitor.arrive(browser, program.url, dark);
    await ada.page.goto("/");
    await ada.page.getByLabel("Your name").waitFor();
    await ada.page.evaluate(() => document.fonts.ready);
    expect(await findings(ada.page)).toEqual([]);
    await ada.shoot(`start-${look}`);
    await ada.page.getByRole("button", { name: "Join document" }).click();
    await ada.page.getByText("Give a name").waitFor();
    expect(await findings(ada.page)).toEqual([]);
    await ada.shoot(`start-problem-${look}`);
    await ada.leave();
  });

  test("in a document with company", async () => {
    const document = `report-${look}`;
    const ada = await Visitor.arrive(browser, program.url, dark);
    const ben = await Visitor.arrive(browser, program.url, dark);
    await ada.join("Ada Lovelace", document);
    await ben.join("Ben", document);
    await ada.shoot(`empty-${look}`);
    expect(await findings(ada.page)).toEqual([]);
    await ada.text.click();
    for (const line of ["# Field notes", "Everyone sees every word.", "- one", "two", "", "> Said and done.", "", "`code`"]) {
      await ada.page.keyboard.type(line);
      await ada.page.keyboard.press("Enter");
    }
    await expect.poll(async () => (await ben.read()).includes("code")).toBe(true);
    await ben.page.getByText("Everyone sees").click({ clickCount: 3 });
    await expect.poll(() => ada.carets()).toEqual(["Ben"]);
    expect(await findings(ada.page)).toEqual([]);
    await ada.shoot(`document-${look}`);
    await ada.page.getByRole("button", { name: "2 people are here" }).click();
    expect(await findings(ada.page)).toEqual([]);
    await ada.shoot(`people-${look}`);
    await ada.page.setViewportSize({ width: 360, height: 740 });
    expect(await findings(ada.page)).toEqual([]);
    await ada.page.keyboard.press("Escape");
    await ada.shoot(`phone-${look}`);
    expect([ada.errors, ben.errors]).toEqual([[], []]);
    await Promise.all([ada.leave(), ben.leave()]);
  });
});
