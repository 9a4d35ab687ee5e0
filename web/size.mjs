// Fails when the built page has outgrown its budget: what a visitor downloads, gzipped, before the
// start page and before a document can be used. Fonts are counted apart, by the browser's choice.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budget = { start: 120_000, editor: 350_000 };

const assets = new URL("./dist/assets/", import.meta.url);
const size = { start: 0, editor: 0 };
for (const name of readdirSync(assets)) {
  if (!/\.(js|css)$/.test(name)) continue;
  // index-* is what index.html loads; all else is loaded when a document is opened.
  size[name.startsWith("index-") ? "start" : "editor"] += gzipSync(readFileSync(new URL(name, assets))).length;
}
if (size.start === 0 || size.editor === 0) throw new Error("web/dist holds no whole build; run `npm run build`");

for (const [part, bytes] of Object.entries(size)) {
  console.log(`${part}: ${(bytes / 1000).toFixed(1)} kB of ${budget[part] / 1000} kB, gzipped`);
  if (bytes > budget[part]) process.exitCode = 1;
}
