import { spawn, type ChildProcess } from "node:child_process";
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

/** The real inkwire in a process of its own, on a free port and with a data folder to itself. */
export class Program {
  private child: ChildProcess | null = null;
  private log = "";

  private constructor(
    private readonly port: number,
    private readonly data: string,
    private readonly settings: readonly string[],
  ) {}

  /** Starts it with these settings beside its address and folder. */
  static async start(...settings: string[]): Promise<Program> {
    if (!existsSync(binary)) throw new Error(`${binary} isn't there; run \`make build\``);
    const program = new Program(await freePort(), await mkdtemp(join(tmpdir(), "inkwire-e2e-")), settings);
    await program.run();
    return program;
  }

  /** Where the page is. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it again after a kill, on the same port and data. */
  async run(): Promise<void> {
    const child = spawn(binary, ["--addr", `127.0.0.1:${this.port}`, "--data", this.data, ...this.settings], {
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
