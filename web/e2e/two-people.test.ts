import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
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

/** The longest that a page may need to come back after the server did, in milliseconds. */
const reconnectLimit = 3_000;

test("two people write in one paragraph while the server is killed, and nothing is lost", async () => {
  // One comes by the start page, the other by a link.
  const ada = await Visitor.arrive(browser, program.url);
  await ada.page.goto("/");
  await ada.page.getByLabel("Your name").fill("Ada");
  await ada.page.getByLabel("Document").fill("team/notes");
  await ada.page.getByRole("button", { name: "Join document" }).click();
  await ada.connected();
  expect(new URL(ada.page.url()).pathname).toBe("/d/team/notes");
  const ben = await Visitor.arrive(browser, program.url);
  await ben.join("Ben", "team/notes");

  await expect.poll(() => ada.people()).toEqual(["AAdayou", "BBen"]);
  await expect.poll(() => ben.people()).toEqual(["BBenyou", "AAda"]);

  // Both type at once into one paragraph, Ada at its beginning and Ben at its end.
  await ada.text.click();
  await ada.page.keyboard.type("|");
  await expect.poll(() => ben.read()).toBe("|");
  await ada.page.keyboard.press("Home");
  await ben.text.click();
  await ben.page.keyboard.press("End");
  await Promise.all([
    ada.page.keyboard.type("The quick brown fox ", { delay: 15 }),
    ben.page.keyboard.type(" jumps over the lazy dog", { delay: 15 }),
  ]);
  const written = "The quick brown fox | jumps over the lazy dog";
  await expect.poll(() => ada.read()).toBe(written);
  await expect.poll(() => ben.read()).toBe(written);
  await expect.poll(() => ada.carets()).toEqual(["Ben"]);
  await expect.poll(() => ben.carets()).toEqual(["Ada"]);
  await ada.shoot("two-people");

  // A name shows while its caret moves, and then gets out of the way.
  await expect.poll(() => ada.page.locator(".caret-label").evaluate(opacity)).toBe("0");
  await ben.page.keyboard.press("ArrowLeft");
  await expect.poll(() => ada.page.locator(".caret-label").evaluate(opacity)).toBe("1");
  await ben.page.keyboard.press("End");

  // The server dies without warning; both go on writing, then it comes back.
  ada.serverIsDown = ben.serverIsDown = true;
  await program.kill();
  await Promise.all([ada.offline(), ben.offline()]);
  await ada.page.keyboard.type("and clever ");
  await ben.page.keyboard.type(" again");
  await ada.shoot("offline");
  expect(await ada.page.evaluate(asksBeforeLeaving)).toBe(true);
  await program.run();
  const back = Date.now();
  await Promise.all([ada.connected(), ben.connected()]);
  expect(Date.now() - back).toBeLessThan(reconnectLimit);
  ada.serverIsDown = ben.serverIsDown = false;
  const both = "The quick brown fox and clever | jumps over the lazy dog again";
  await expect.poll(() => ada.read()).toBe(both);
  expect(await ada.page.evaluate(asksBeforeLeaving)).toBe(false);
  await expect.poll(() => ben.read()).toBe(both);
  await expect.poll(() => ada.carets()).toEqual(["Ben"]);
  await expect.poll(() => ben.carets()).toEqual(["Ada"]);

  // Somebody who comes later sees it, and who leaves is gone at once.
  const cleo = await Visitor.arrive(browser, program.url);
  await cleo.join("Cleo", "team/notes");
  await expect.poll(() => cleo.read()).toBe(both);
  await ben.leave();
  await expect.poll(() => cleo.people()).toEqual(["CCleoyou", "AAda"]);
  await expect.poll(() => ada.people()).toEqual(["AAdayou", "CCleo"]);

  // With everybody gone and the server killed once more, only the disk has it.
  await Promise.all([ada.leave(), cleo.leave()]);
  await program.kill();
  await program.run();
  const dan = await Visitor.arrive(browser, program.url);
  await dan.join("Dan", "team/notes");
  await expect.poll(() => dan.read()).toBe(both);
  await dan.leave();

  expect([ada, ben, cleo, dan].map((visitor) => visitor.errors)).toEqual([[], [], [], []]);
});

test("undo takes back one's own edits and leaves the others'", async () => {
  const ada = await Visitor.arrive(browser, program.url);
  const ben = await Visitor.arrive(browser, program.url);
  await ada.join("Ada", "undo");
  await ben.join("Ben", "undo");
  await ada.text.click();
  await ada.page.keyboard.type("mine ");
  await expect.poll(() => ben.read()).toBe("mine ");
  await ben.text.click();
  await ben.page.keyboard.press("End");
  await ben.page.keyboard.type("theirs");
  await expect.poll(() => ada.read()).toBe("mine theirs");
  await ada.page.keyboard.press("Control+z");
  await expect.poll(() => ada.read()).toBe("theirs");
  await expect.poll(() => ben.read()).toBe("theirs");
  expect([ada.errors, ben.errors]).toEqual([[], []]);
  await Promise.all([ada.leave(), ben.leave()]);
});

test("the name is kept on the device, and an address that is nothing says so", async () => {
  const ada = await Visitor.arrive(browser, program.url);
  await ada.join("Ada", "kept");
  await ada.page.reload();
  await ada.connected(); // without being asked again
  await expect.poll(() => ada.people()).toEqual(["AAdayou"]);
  await ada.page.goto("/d/%2e%2e%2fetc");
  await ada.page.getByText("There is nothing here.").waitFor();
  expect(ada.errors).toEqual([]);
  await ada.leave();
});

function opacity(element: Element): string {
  return getComputedStyle(element).opacity;
}

/** Whether the page would keep somebody from closing it by mistake. */
function asksBeforeLeaving(): boolean {
  const event = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}
