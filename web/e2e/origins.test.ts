import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, Visitor } from "./people";
import { Program } from "./program";

const secret = "a secret of the tests, longer than 32 bytes";

/** A site of its own name, as it would be in the world: not loopback, to which other rules apply. */
let site: Program;
let home: string;
let browser: Browser;

beforeAll(async () => {
  site = await Program.start({ listen: "0.0.0.0", settings: ["--token-secret", secret] });
  home = site.at("docs.example");
  const names = ["docs.example", "attacker.example", "rebound.example"].map((name) => `MAP ${name} 127.0.0.1`);
  browser = await startBrowser(`--host-resolver-rules=${names.join(",")}`);
});

afterAll(async () => {
  await browser.close();
  await site.stop();
});

// Another port of the same host is another origin, but the same site: cookies go there.
test.each(["attacker.example", "docs.example"])("a page of another origin at %s can do nothing with a visitor's session", async (host) => {
  const victim = await Visitor.arrive(browser, home);
  await victim.page.goto(site.token("--doc", "notes", "--role", "owner", "--name", "Ada", "--url", home).link);
  await victim.connected();
  await victim.text.click();
  await victim.page.keyboard.type("x");
  const before = await victim.read();
  const own = await victim.page.evaluate(reach, home);
  expect(own).toEqual({
    "socket /yjs/notes": "open",
    "socket /hocuspocus": "open",
    "socket /notes": "open",
    "socket /": "open",
    "GET session?doc=notes": "read",
    "GET docs/notes/shares": "read",
  });

  const foreign = await serve(host);
  const page = await victim.page.context().newPage();
  await page.goto(foreign.url);
  const results = await page.evaluate(reach, home);
  expect(Object.keys(results)).toEqual(Object.keys(own));
  expect(new Set(Object.values(results))).toEqual(new Set(["refused"]));
  expect(await page.evaluate(change, home)).toEqual([]);
  await submit(page, `${home}/api/v1/docs/notes/shares`);
  await submit(page, `${home}/api/v1/session`);
  expect(await page.evaluate(embed, home)).toEqual({ frame: "closed", script: "error", image: "error", window: "closed" });
  for (const frame of page.frames().slice(1)) expect(frame.url()).not.toContain("/d/notes");

  // Nothing has come of it.
  const shares = await victim.page.evaluate(async () => (await fetch("/api/v1/docs/notes/shares")).text());
  expect(JSON.parse(shares)).toEqual({ shares: [] });
  await victim.page.reload();
  await victim.connected();
  expect(await victim.read()).toBe(before);
  // The header counts with https, and on loopback.
  expect(victim.errors.filter((text) => !text.includes("Cross-Origin-Opener-Policy header has been ignored"))).toEqual([]);
  foreign.close();
  await victim.leave();
});

test("a page whose name leads to a server on loopback gets nothing from it (DNS rebinding)", async () => {
  const local = await Program.start(); // whoever comes is owner of everything
  const ada = await Visitor.arrive(browser, local.url);
  await ada.page.goto("/");
  expect(await ada.page.evaluate(reach, local.url)).toMatchObject({ "socket /yjs/notes": "open", "GET session?doc=notes": "read" });

  const rebound = local.at("rebound.example");
  const answer = await ada.page.goto(`${rebound}/d/notes`);
  expect(answer?.status()).toBe(403);
  expect(await answer?.text()).toContain("this address is served for its own machine only");

  // The page came from the attacker while the name still led there.
  await ada.page.route(`${rebound}/`, (route) => route.fulfill({ contentType: "text/html", body: "<title>A page</title>" }));
  await ada.page.goto(rebound);
  const results = await ada.page.evaluate(reach, rebound);
  expect(new Set(Object.values(results))).toEqual(new Set(["refused"]));
  expect(await ada.page.evaluate(change, rebound)).toEqual([]);
  await ada.leave();
  await local.stop();
});

/** What a page can open and read of a server, with the cookies that its browser has. */
async function reach(server: string): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const path of ["/yjs/notes", "/hocuspocus", "/notes", "/"]) {
    results[`socket ${path}`] = await new Promise((resolve) => {
      const socket = new WebSocket(server.replace("http", "ws") + path);
      socket.onopen = () => {
        socket.close();
        resolve("open");
      };
      socket.onerror = () => {
        resolve("refused");
      };
    });
  }
  for (const path of ["session?doc=notes", "docs/notes/shares"]) {
    const answer = await fetch(`${server}/api/v1/${path}`, { credentials: "include" }).catch(() => null);
    results[`GET ${path}`] = answer?.ok === true ? "read" : "refused";
  }
  return results;
}

/** Tries to change something; returns what was answered with success. */
async function change(server: string): Promise<string[]> {
  const done: string[] = [];
  const json = { "Content-Type": "application/json" };
  const tries: [path: string, init: RequestInit][] = [
    ["docs", { method: "POST", headers: json, body: '{"name":"other"}' }],
    ["docs/notes/shares", { method: "POST", headers: json, body: '{"role":"writer"}' }],
    ["access/cut", { method: "POST", headers: json, body: '{"document":"notes"}' }],
    ["docs/notes", { method: "DELETE" }],
    ["session", { method: "DELETE" }],
    // What needs no leave asked for by the browser.
    ["docs/notes/shares", { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: '{"role":"writer"}' }],
    ["docs/notes/shares", { method: "POST", mode: "no-cors", body: new Blob(['{"role":"writer"}']) }],
    ["session", { method: "POST", mode: "no-cors", body: '{"token":"x"}' }],
  ];
  for (const [path, init] of tries) {
    const answer = await fetch(`${server}/api/v1/${path}`, { ...init, credentials: "include" }).catch(() => null);
    if (answer?.ok === true) done.push(`${init.method ?? ""} ${path}`);
  }
  return done;
}

/** Sends a form, which no browser asks leave for. */
async function submit(page: Page, action: string): Promise<void> {
  const answered = page.waitForResponse(action);
  await page.evaluate((to) => {
    const frame = document.createElement("iframe");
    frame.name = `answer to ${to}`;
    const form = document.createElement("form");
    Object.assign(form, { method: "post", enctype: "text/plain", action: to, target: frame.name });
    const field = document.createElement("input");
    Object.assign(field, { name: '{"role":"writer","note":"', value: '"}' });
    form.append(field);
    document.body.append(frame, form);
    form.submit();
  }, action);
  expect((await answered).status()).toBe(403);
}

/** Tries to have the server's page in a frame, its answers as code and picture, and a window of it. */
async function embed(server: string): Promise<Record<string, string>> {
  const put = (element: HTMLElement) =>
    new Promise<string>((resolve) => {
      element.onload = () => {
        resolve("load");
      };
      element.onerror = () => {
        resolve("error");
      };
      document.body.append(element);
    });
  const frame = Object.assign(document.createElement("iframe"), { src: `${server}/d/notes` });
  await put(frame); // a browser's own page of what went wrong loads too
  const script = await put(Object.assign(document.createElement("script"), { src: `${server}/api/v1/session?doc=notes` }));
  const image = await put(Object.assign(document.createElement("img"), { src: `${server}/favicon.svg` }));
  const opened = window.open(`${server}/d/notes`);
  const readable = () => {
    try {
      return opened?.document !== undefined;
    } catch {
      return false;
    }
  };
  while (readable()) await new Promise((resolve) => setTimeout(resolve, 20)); // it begins as this page's own
  opened?.close();
  return { frame: frame.contentDocument === null ? "closed" : "open", script, image, window: "closed" };
}

/** Somebody else's site. */
async function serve(host: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8").end("<!doctype html><title>A page</title><body>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://${host}:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}
