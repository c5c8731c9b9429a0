import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Forum } from "./forum.ts";
import { freePort } from "./server.ts";

const SHIPPED = new URL("../../deploy/nginx/forum.conf", import.meta.url);

/** nginx as a site would run it: with `deploy/nginx/forum.conf`, in which nothing but addresses is changed. */
export class Nginx {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    readonly url: string,
  ) {}

  static async before(one: Forum, other: Forum): Promise<Nginx> {
    const folder = await mkdtemp(join(tmpdir(), "end2end-nginx-"));
    // Started by root, its workers are somebody else.
    await chmod(folder, 0o755);
    const port = await freePort();
    await writeFile(join(folder, "forum.conf"), await site(port, one, other));
    await writeFile(join(folder, "nginx.conf"), around(folder));
    const file = process.env.NGINX ?? "nginx";
    const child = spawn(file, ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: ["ignore", "ignore", "pipe"] });
    let output = "";
    child.stderr.on("data", (data) => (output += data));
    child.once("error", (error) => (output += error));
    const nginx = new Nginx(child, folder, `http://127.0.0.1:${port}`);
    const deadline = Date.now() + 20_000;
    while (!(await fetch(`${nginx.url}/health/live`).catch(() => undefined))?.ok) {
      if (child.exitCode !== null || !child.pid) throw new Error(`nginx ended at its start:\n${output}`);
      if (Date.now() > deadline) throw new Error(`nginx does not answer:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return nginx;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = once(this.process, "exit");
      this.process.kill("SIGTERM");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What is shipped, with the three addresses of a test. */
async function site(port: number, one: Forum, other: Forum): Promise<string> {
  let text = await readFile(SHIPPED, "utf8");
  for (const [shipped, ours] of [
    ["server forum-1:3000;", `server 127.0.0.1:${one.port};`],
    ["server forum-2:3000;", `server 127.0.0.1:${other.port};`],
    ["listen 80;", `listen 127.0.0.1:${port};`],
  ]) {
    if (text.split(shipped).length !== 2) throw new Error(`deploy/nginx/forum.conf should say "${shipped}" once`);
    text = text.replace(shipped, ours);
  }
  return text;
}

/** What a distribution has around it, without a place of the system's own. Two workers, as on a machine with two cores. */
function around(folder: string): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${join(folder, name)};`);
  return `daemon off;
worker_processes 2;
pid ${join(folder, "nginx.pid")};
error_log stderr warn;
events {}
http {
  access_log off;
  ${places.join("\n  ")}
  include ${join(folder, "forum.conf")};
}
`;
}
