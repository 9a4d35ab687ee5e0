import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";

const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** A folder for screenshots, when somebody wants to look. */
const shots = process.env.SHOTS;

/** Starts Chromium without a window. It talks to nobody but the page's server. */
export async function startBrowser(...flags: string[]): Promise<Browser> {
  if (!existsSync(executable)) throw new Error(`${executable} isn't there; install Chromium or set CHROMIUM`);
  return chromium.launch({
    executablePath: executable,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags,
    ],
  });
}

/** What a browser itself logs, as an error, for each try while the server is down. */
const serverDown = /WebSocket connection to .* failed|ERR_CONNECTION_(REFUSED|RESET)/;

/** Somebody at a browser of their own: nothing is shared with the others but the server. */
export class Visitor {
  /** What the page reported as errors. */
  readonly errors: string[] = [];
  /** Set while the server is meant to be down: then failing connections are no errors. */
  serverIsDown = false;

  private constructor(readonly page: Page) {
    page.on("pageerror", (error) => this.errors.push(`uncaught: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      if (this.serverIsDown && serverDown.test(message.text())) return;
      this.errors.push(`${message.type()}: ${message.text()}`);
    });
  }

  static async arrive(browser: Browser, url: string, dark = false): Promise<Visitor> {
    const context = await browser.newContext({
      baseURL: url,
      colorScheme: dark ? "dark" : "light",
      viewport: { width: 1200, height: 720 },
    });
    return new Visitor(await context.newPage());
  }

  /** Opens a document by its address, giving the name that the page asks for. */
  async join(name: string, document: string): Promise<void> {
    await this.follow(name, `/d/${encodeURIComponent(document)}`);
  }

  /** Follows a link to a document, likewise. */
  async follow(name: string, link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: /^Join/ }).click();
    await this.connected();
  }

  async connected(): Promise<void> {
    await this.page.locator("[data-connection=connected]").waitFor();
    await this.text.waitFor();
  }

  async offline(): Promise<void> {
    await this.page.locator("[data-connection=offline]").waitFor();
  }

  get text(): Locator {
    return this.page.getByRole("textbox", { name: /^Text of/ });
  }

  /** The document's text as it is: without carets, their names, or line breaks of the layout. */
  async read(): Promise<string> {
    return this.text.evaluate((element) => {
      const copy = element.cloneNode(true) as HTMLElement;
      for (const drawn of copy.querySelectorAll(".caret, .ProseMirror-trailingBreak")) drawn.remove();
      return Array.from(copy.children, (block) => block.textContent).join("\n");
    });
  }

  /** The names beside the carets of others. */
  async carets(): Promise<string[]> {
    return this.page.locator(".caret-label").allTextContents();
  }

  /** Names in the list of who is here. */
  async people(): Promise<string[]> {
    return this.page.locator("[popover] li").allTextContents();
  }

  async shoot(file: string): Promise<void> {
    if (shots !== undefined) await this.page.screenshot({ path: join(shots, `${file}.png`) });
  }

  async leave(): Promise<void> {
    await this.page.context().close();
  }
}
