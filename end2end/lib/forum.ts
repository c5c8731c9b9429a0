import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

/** A forum with a database of its own, on a port of its own, that can be restarted. */
export class Forum {
  private process?: ChildProcess;
  private output = "";

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly environment: Record<string, string>,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<Forum> {
    const folder = await mkdtemp(join(tmpdir(), "forum-"));
    const forum = new Forum(await freePort(), folder, environment);
    await forum.boot();
    return forum;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async boot(): Promise<void> {
    const binary = process.env.FORUM_BIN;
    if (!binary) throw new Error("FORUM_BIN is not set: run these tests with `cargo xtask test`");
    const child = spawn(binary, {
      env: {
        ...process.env,
        LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`,
        DATABASE_URL: `sqlite:${join(this.folder, "forum.db")}`,
        RUST_LOG: "warn",
        ...this.environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    child.stdout.on("data", (data) => (this.output += data));
    child.stderr.on("data", (data) => (this.output += data));
    const deadline = Date.now() + 20_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the forum ended at its start:\n${this.output}`);
      const answer = await fetch(this.url).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error(`the forum does not answer:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
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

  /** Signs in by name alone, and returns the session: the cookie's value, which is a token too. */
  async signIn(name: string): Promise<string> {
    return session(await this.submit("look_around", { name }), name);
  }

  /** Makes an account, and returns its first session. */
  async signUp(name: string, password: string): Promise<string> {
    return session(await this.submit("sign_up", { name, password }), name);
  }

  /** Posts as a person, without a browser, and returns the post's id. */
  async post(session: string, board: number, title: string, body = "…"): Promise<number> {
    return (await this.written("create_post", { board, title, body }, session)).id;
  }

  /** Comments as a person, and returns the comment's id. */
  async comment(session: string, post: number, body: string, parent?: number): Promise<number> {
    const answering = parent === undefined ? {} : { parent };
    return (await this.written("create_comment", { post, body, ...answering }, session)).id;
  }

  /** Calls a server function as a person, and returns what it answers. */
  async written(name: string, fields: Record<string, string | number>, session: string): Promise<any> {
    const answer = await this.submit(name, fields, session);
    if (!answer.ok) throw new Error(`${name} was refused: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Sends a form to a server function. */
  async submit(name: string, fields: Record<string, string | number>, session?: string): Promise<Response> {
    const texts = Object.entries(fields).map(([field, value]) => [field, String(value)]);
    const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded" };
    if (session) headers.cookie = `forum_session=${encodeURIComponent(session)}`;
    return fetch(`${this.url}/api/${name}`, { method: "POST", headers, body: new URLSearchParams(texts), redirect: "manual" });
  }
}

async function session(answer: Response, name: string): Promise<string> {
  const cookie = answer.headers.getSetCookie().find((text) => text.startsWith("forum_session="));
  if (!cookie) throw new Error(`no session for ${name}: ${answer.status} ${await answer.text()}`);
  return decodeURIComponent(cookie.slice("forum_session=".length).split(";")[0]);
}
