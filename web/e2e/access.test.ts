import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { startBrowser, Visitor } from "./people";
import { Program } from "./program";

const secret = "a secret of the tests, longer than 32 bytes";

let open: Program; // nothing is set
let guarded: Program;
let browser: Browser;

beforeAll(async () => {
  open = await Program.start();
  guarded = await Program.start({ settings: ["--token-secret", secret] });
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await open.stop();
  await guarded.stop();
});

/** The server denies a socket and then holds it for 5 s: whoever must wait for its end waits longer. */
const soon = { timeout: 4_000 };

const noAccess = (name: string) => `You have no access to “${name}”.`;

test("with nothing set, none of this is in the way", async () => {
  const ada = await Visitor.arrive(browser, open.url);
  await ada.join("Ada", "free");
  await ada.text.click();
  await ada.page.keyboard.type("just so");
  expect(await ada.read()).toBe("just so");
  expect(await ada.page.getByText("Read only").count()).toBe(0);
  expect(await ada.page.context().cookies()).toEqual([]);
  expect(ada.errors).toEqual([]);
  await ada.leave();
});

test("a link with a token lets somebody write, under the token's name, and the token is nowhere to be found", async () => {
  const { token, link } = guarded.token("--doc", "team/notes", "--name", "Ada", "--color", "#8e3bb5", "--url", guarded.url);
  const ada = await Visitor.arrive(browser, guarded.url);
  const sent: string[] = [];
  ada.page.on("request", (request) => {
    sent.push(request.url(), request.headers().referer ?? "");
  });
  await ada.page.goto(link);
  await ada.connected(); // without being asked for a name
  await ada.text.click();
  await ada.page.keyboard.type("by a token");
  await expect.poll(() => ada.people()).toEqual(["AAdayou"]);
  await ada.shoot("access-writer");

  expect(ada.page.url()).toBe(`${guarded.url}/d/team/notes`);
  expect(sent.length).toBeGreaterThan(4);
  expect(sent.filter((text) => text.includes(token))).toEqual([]);
  expect(await ada.page.evaluate(whereScriptsLook)).not.toContain(token);
  expect(guarded.log).not.toContain(token);

  const [cookie, ...others] = await ada.page.context().cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ name: "inkwire-session", httpOnly: true, sameSite: "Strict", path: "/" });
  expect(cookie?.value).not.toContain(token);

  await ada.page.reload();
  await ada.connected();
  expect(await ada.read()).toBe("by a token");

  // Another link adds to what this browser may open, also in the same tab.
  await ada.page.goto(guarded.token("--doc", "plan", "--name", "Ada", "--url", guarded.url).link);
  await ada.connected();
  await ada.page.goto("/d/team/notes");
  await ada.connected();
  expect(ada.errors).toEqual([]);
  await ada.leave();
});

test("a token in the query, which others have made, is taken out as well", async () => {
  const ada = await Visitor.arrive(browser, guarded.url);
  await ada.page.goto(`/d/query?token=${guarded.token("--doc", "query", "--name", "Ada").token}`);
  await ada.connected();
  expect(ada.page.url()).toBe(`${guarded.url}/d/query`);
  await ada.leave();
});

test("who has a reader's link sees and can't type, and is told when that changes or ends", async () => {
  const owner = new Owner(guarded, "shared");
  const ada = await Visitor.arrive(browser, guarded.url);
  await ada.page.goto(guarded.token("--doc", "shared", "--name", "Ada", "--url", guarded.url).link);
  await ada.connected();
  await ada.text.click();
  await ada.page.keyboard.type("for all to see");

  const { id, url } = await owner.share("reader");
  const ben = await Visitor.arrive(browser, guarded.url);
  await ben.follow("Ben", url);
  expect(ben.page.url()).toBe(`${guarded.url}/d/shared`);
  await expect.poll(() => ben.read()).toBe("for all to see");
  await readOnly(ben).waitFor();
  expect(await ben.text.getAttribute("contenteditable")).toBe("false");
  expect(await ben.text.getAttribute("aria-readonly")).toBe("true");
  await ben.text.click();
  await ben.page.keyboard.type("not mine");
  await expect.poll(() => ada.people()).toEqual(["AAdayou", "BBen"]); // readers are seen
  await ben.shoot("access-reader");

  // While he is there, the link's role becomes another, and another again.
  await owner.change(id, "writer");
  await readOnly(ben).waitFor({ state: "detached" });
  await ben.text.click();
  await ben.page.keyboard.press("End");
  await ben.page.keyboard.type(", and to write");
  await expect.poll(() => ada.read()).toBe("for all to see, and to write");
  await owner.change(id, "reader");
  await readOnly(ben).waitFor();
  expect(await ben.text.getAttribute("contenteditable")).toBe("false");
  await ben.page.reload();
  await ben.connected();
  await readOnly(ben).waitFor();

  await owner.revoke(id);
  await ben.page.getByText("access was revoked").waitFor(soon);
  await ben.page.locator("[data-connection=refused]").waitFor();
  await expect.poll(() => ada.people()).toEqual(["AAdayou"]);
  await ben.shoot("access-revoked");
  await ben.page.reload();
  await ben.page.getByText(noAccess("shared")).waitFor();
  expect(await ada.read()).toBe("for all to see, and to write");
  expect([ada.errors, ben.errors]).toEqual([[], []]);
  await Promise.all([ada.leave(), ben.leave()]);
});

test("what a token lets do ends with it, and the page says so", async () => {
  const ada = await Visitor.arrive(browser, guarded.url);
  await ada.page.goto(guarded.token("--doc", "short", "--name", "Ada", "--for", "4s", "--url", guarded.url).link);
  await ada.connected();
  await ada.page.getByText("access has expired").waitFor();
  await expect.poll(() => ada.page.context().cookies()).toEqual([]);
  await ada.page.reload();
  await ada.page.getByText(noAccess("short")).waitFor();
  expect(ada.errors).toEqual([]);
  await ada.leave();
});

test("who has no access is told so and what to do, and comes in once there is a link", async () => {
  const ada = await Visitor.arrive(browser, guarded.url);
  await ada.page.goto("/d/private");
  await ada.page.getByRole("heading", { name: noAccess("private") }).waitFor();
  await ada.page.getByText("Somebody who has access can give you a link").waitFor();
  expect(await ada.page.getByRole("textbox").count()).toBe(0);
  await ada.shoot("access-none");

  // A link to where one is already changes nothing but the fragment.
  const { link } = guarded.token("--doc", "private", "--name", "Ada", "--url", guarded.url);
  await ada.page.goto(link);
  await ada.connected();
  expect(ada.page.url()).toBe(`${guarded.url}/d/private`);
  expect(ada.errors).toEqual([]);

  const ben = await Visitor.arrive(browser, guarded.url);
  await ben.page.goto(`${link}x`);
  await ben.page.getByText("the token isn't valid").waitFor();
  expect(await ben.page.getByRole("textbox").count()).toBe(0);
  await ben.shoot("access-bad-token");

  // It takes nothing from who has access anyway.
  await ada.page.goto("/");
  await ada.page.goto(`${link}x`);
  await ada.connected();
  await Promise.all([ada.leave(), ben.leave()]);
});

test("what others write is text, never a page's own code", async () => {
  const image = "<img src=x onerror='window.ran=1'>";
  const script = "<script>window.ran=1</script>";
  const doc = new Y.Doc();
  const mallory = new WebsocketProvider(guarded.url.replace("http", "ws") + "/yjs", "hostile", doc, {
    params: { token: guarded.token("--doc", "hostile").token },
    disableBc: true,
  });
  const text = (content: string, marks = {}) => {
    const y = new Y.XmlText();
    y.insert(0, content, marks);
    return y;
  };
  const node = (name: string, attributes: Record<string, string>, ...children: Y.XmlText[]) => {
    const y = new Y.XmlElement(name);
    for (const [key, value] of Object.entries(attributes)) y.setAttribute(key, value);
    y.insert(0, children);
    return y;
  };
  doc.getXmlFragment("default").insert(0, [
    node("paragraph", { onclick: "window.ran=1", style: "background:url(//attacker.example)" }, text(image + script)),
    node("heading", { level: image }, text("a heading")),
    node("codeBlock", { language: `"><img src=x onerror='window.ran=1'>` }, text(script)),
    node("paragraph", {}, text("press me", { link: { href: "javascript:window.ran=1", target: "_top", onclick: "window.ran=1" } })),
    node("paragraph", {}, text("and me", { link: { href: " JaVa\tScript:window.ran=1" } })),
    node("paragraph", {}, text("or me", { link: { href: "data:text/html,<script>opener.ran=1</script>" } })),
    node("img", { src: "x", onerror: "window.ran=1" }),
    node("script", {}, text("window.ran=1")),
    node("iframe", { srcdoc: script }),
    node("paragraph", {}, text("the end")),
  ]);
  mallory.awareness.setLocalState({
    user: { name: image, color: "red;background:url(//attacker.example)" },
    cursor: { anchor: { tname: "default" }, head: { tname: "default" } },
  });

  const ada = await Visitor.arrive(browser, guarded.url);
  const asked: string[] = [];
  ada.page.on("request", (request) => asked.push(new URL(request.url()).host));
  await ada.page.goto(guarded.token("--doc", "hostile", "--name", image, "--url", guarded.url).link);
  await ada.connected();
  await ada.text.getByText("the end").waitFor();
  expect(await ada.read()).toContain(image + script);
  await expect.poll(() => ada.people()).toEqual([`<${image}you`, `<${image}`].map((shown) => expect.stringContaining(shown.slice(1)) as string));
  await ada.shoot("access-hostile");

  for (const words of ["press me", "and me", "or me"]) await ada.text.getByText(words).click();
  expect(await ada.page.evaluate(() => Object.hasOwn(window, "ran"))).toBe(false);
  expect(await ada.page.evaluate(unwanted)).toEqual([]);
  expect([...new Set(asked)]).toEqual([new URL(guarded.url).host]);
  const opened = ada.page.context().pages().map((page) => page.url());
  expect(opened.filter((url) => url !== "about:blank" && url !== ada.page.url())).toEqual([]); // a link that leads nowhere leads here
  // Breaches of the policy would be among them. The editor complains of Mallory's colour, which nobody sees.
  expect(ada.errors.filter((text) => !text.startsWith("warning: A user uses an unsupported color format"))).toEqual([]);
  mallory.destroy();
  await ada.leave();
});

/** Elements and attributes that no text may bring into the page. */
function unwanted(): string[] {
  return Array.from(document.querySelectorAll("main *, [popover] *"), (element) => {
    const bad = Array.from(element.attributes).filter(
      ({ name, value }) => name.startsWith("on") || (["href", "src", "srcdoc"].includes(name) && /script:|data:|</i.test(value)),
    );
    return /^(SCRIPT|IFRAME)$/.test(element.tagName) || bad.length > 0 ? element.outerHTML : "";
  }).filter((html) => html !== "");
}

/** Whatever a script, or somebody at the keyboard, finds of where the page has been. */
function whereScriptsLook(): string {
  const { navigation } = window as unknown as { navigation: { entries: () => { url: string }[] } };
  return JSON.stringify([
    document.URL,
    document.referrer,
    document.cookie,
    navigation.entries().map((entry) => entry.url),
    performance.getEntriesByType("resource").map((entry) => entry.name),
    window.history.state,
    Object.entries(window.localStorage),
    Object.entries(window.sessionStorage),
    document.documentElement.outerHTML,
  ]);
}

function readOnly(visitor: Visitor) {
  return visitor.page.getByText("Read only");
}

/** Somebody who shares a document, by the API. */
class Owner {
  private readonly links: string;
  private readonly token: string;

  constructor(program: Program, document: string) {
    this.links = `${program.url}/api/v1/docs/${document}/shares`;
    this.token = program.token("--doc", document, "--role", "owner").token;
  }

  async share(role: string): Promise<{ id: number; url: string }> {
    return (await this.ask(this.links, "POST", { role })) as { id: number; url: string };
  }

  async change(id: number, role: string): Promise<void> {
    await this.ask(`${this.links}/${id}`, "PATCH", { role });
  }

  async revoke(id: number): Promise<void> {
    await this.ask(`${this.links}/${id}`, "DELETE");
  }

  private async ask(url: string, method: string, body?: object): Promise<unknown> {
    const answer = await fetch(url, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }
}
