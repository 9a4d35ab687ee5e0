import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { build } from "vite";
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

test.each([
  { editor: "Tiptap", from: "@tiptap/core", text: ".tiptap", name: ".collaboration-carets__label" },
  { editor: "CodeMirror", from: "codemirror", text: ".cm-content", name: ".cm-ySelectionInfo" },
])("the README's $editor lines connect as they stand", async ({ from, text, name }) => {
  const code = await example(from);
  expect(code).toContain("ws://127.0.0.1:8000/");
  const script = await bundle(code.replace("ws://127.0.0.1:8000", program.url.replace("http", "ws")));

  const site = await serve(`<!doctype html><title>A page</title><div id="editor"></div><script type="module">${script}</script>`);
  const open = async () => {
    const visitor = await Visitor.arrive(browser, site.url);
    await visitor.page.goto("/");
    return visitor;
  };
  const one = await open();
  const two = await open();
  await one.page.locator(text).click();
  await one.page.keyboard.type("written in one");
  await two.page.locator(text).getByText("written in one").waitFor();
  await expect.poll(() => two.page.locator(name).allTextContents()).toEqual(["Ada"]);
  await two.page.locator(text).click();
  await two.page.keyboard.press("Control+End");
  await two.page.keyboard.type(" and the other");
  await one.page.locator(text).getByText("written in one").waitFor();
  await expect.poll(async () => (await one.page.locator(text).innerText()).includes("and the other")).toBe(true);
  expect([one.errors, two.errors]).toEqual([[], []]);
  await Promise.all([one.leave(), two.leave()]);
  site.close();
});

/** A developer's own site, which is another origin than Inkwire's. */
async function serve(html: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    if (request.url === "/") response.setHeader("Content-Type", "text/html; charset=utf-8").end(html);
    else response.writeHead(204).end(); // the icon that browsers ask for
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

/** The README's example that imports a package. */
async function example(from: string): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  const blocks = Array.from(readme.matchAll(/^```js\n(.*?)^```$/gms), (match) => match[1] ?? "");
  const found = blocks.find((block) => block.includes(`from "${from}"`));
  if (found === undefined) throw new Error(`README.md has no example that imports ${from}`);
  return found;
}

/** What a developer's bundler makes of it. */
async function bundle(code: string): Promise<string> {
  const entry = "readme-example.js";
  const result = await build({
    configFile: false,
    logLevel: "warn",
    root: join(import.meta.dirname, ".."),
    publicDir: false,
    plugins: [
      {
        name: "readme-example",
        enforce: "pre",
        resolveId: (id) => (id === entry ? join(import.meta.dirname, entry) : null),
        load: (id) => (id.endsWith(entry) ? code : null),
      },
    ],
    build: { write: false, chunkSizeWarningLimit: 2000, rolldownOptions: { input: entry } },
  });
  if (!("output" in result)) throw new Error("the bundler gave no single output");
  return result.output[0].code.replaceAll("</script", "<\\/script");
}
