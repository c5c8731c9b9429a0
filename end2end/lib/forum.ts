import { join } from "node:path";
import { Server } from "./server.ts";

/** A forum with a database of its own. */
export class Forum extends Server {
  static async start(environment: Record<string, string> = {}): Promise<Forum> {
    const { port, folder } = await Server.place();
    // Everybody in these tests has the same address.
    const own = { DATABASE_URL: `sqlite:${join(folder, "forum.db")}`, REQUESTS_PER_ADDRESS: "0" };
    const program = { name: "the forum", binary: "FORUM_BIN", environment: { ...own, ...environment } };
    const forum = new Forum(program, port, folder);
    await forum.boot();
    return forum;
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
