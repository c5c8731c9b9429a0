import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

/** What to start: `cargo xtask test` names the files. */
export type Program = {
  name: string;
  /** The variable that names its file. */
  binary: string;
  environment: Record<string, string>;
};

/** The file that a variable names. */
export function fileOf(variable: string): string {
  const file = process.env[variable];
  if (!file) throw new Error(`${variable} is not set: run these tests with \`cargo xtask test\``);
  return file;
}

/** A host's server in a folder of its own, on a port of its own, that can be restarted. */
export class Server {
  private process?: ChildProcess;
  private output = "";

  protected constructor(
    private readonly program: Program,
    readonly port: number,
    protected readonly folder: string,
  ) {}

  /** A port and a folder that nobody else has. */
  protected static async place(): Promise<{ port: number; folder: string }> {
    return { port: await freePort(), folder: await mkdtemp(join(tmpdir(), "end2end-")) };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What is started. */
  protected get file(): string {
    return fileOf(this.program.binary);
  }

  /** What it has printed. */
  get log(): string {
    return this.output;
  }

  /** Starts it, with these variables besides: as another version of it, say. */
  async boot(more: Record<string, string> = {}): Promise<void> {
    const { name } = this.program;
    const child = spawn(this.file, {
      cwd: this.folder,
      env: { ...this.environment, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    child.stdout.on("data", (data) => (this.output += data));
    child.stderr.on("data", (data) => (this.output += data));
    const deadline = Date.now() + 20_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${name} ended at its start:\n${this.output}`);
      const answer = await fetch(this.url).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error(`${name} does not answer:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  private get environment() {
    return { ...process.env, LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`, RUST_LOG: "warn", ...this.program.environment };
  }

  /** Runs the executable beside the server, as its operator does on its machine, and returns what it prints. */
  async run(...options: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.file, options, { cwd: this.folder, env: this.environment });
    return stdout;
  }

  /** Ends the process: politely by default, as a deploy would. */
  async halt(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.halt("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }
}
