import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The program under test: what `make build` made, or another that is named. */
export const binary = process.env.INKWIRE_BIN ?? join(import.meta.dirname, "../../bin/inkwire");

/** How long the program may take until it answers, in milliseconds. */
const startTimeout = 10_000;

interface Options {
  /** The address to listen at. */
  readonly listen?: string;
  readonly settings?: readonly string[];
}

/** The real inkwire in a process of its own, on a free port and with a data folder to itself. */
export class Program {
  private child: ChildProcess | null = null;
  /** All that it has logged. */
  log = "";

  private constructor(
    private readonly port: number,
    private readonly data: string,
    private readonly listen: string,
    private readonly settings: readonly string[],
  ) {}

  static async start({ listen = "127.0.0.1", settings = [] }: Options = {}): Promise<Program> {
    if (!existsSync(binary)) throw new Error(`${binary} isn't there; run \`make build\``);
    const data = await mkdtemp(join(tmpdir(), "inkwire-e2e-"));
    const program = new Program(await freePort(), data, listen, settings);
    await program.run();
    return program;
  }

  /** Where the page is. */
  get url(): string {
    return this.at("127.0.0.1");
  }

  /** Where the page is by another name. */
  at(host: string): string {
    return `http://${host}:${this.port}`;
  }

  /** What `inkwire token` prints with the program's own settings: a token and, for a single document, a link. */
  token(...flags: string[]): { token: string; link: string } {
    const printed = execFileSync(binary, ["token", ...this.settings, ...flags], { encoding: "utf8" });
    const [token = "", link = ""] = printed.split("\n");
    return { token, link };
  }

  /** Starts it again after a kill, on the same port and data. */
  async run(): Promise<void> {
    const child = spawn(binary, ["--addr", `${this.listen}:${this.port}`, "--data", this.data, ...this.settings], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.log += text));
    }
    const deadline = Date.now() + startTimeout;
    while (!(await this.answers())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`inkwire didn't start (exit code ${String(child.exitCode)}):\n${this.log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it as a power cut would: SIGKILL, no chance to tidy up. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Ends it politely and removes its data. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.data, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child?.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/healthz`)).ok;
    } catch {
      return false;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
