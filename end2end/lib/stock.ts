import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { io, type Socket } from "socket.io-client";
import type { Forum } from "./forum.ts";
import { expect } from "./people.ts";

export type Position = { epoch: string; seq: number };
export type Event = { seq: number; id: string; at: number; data: unknown };
type Frame = { name: string; data: any };

const PATH = "/realtime/socket.io";

/** The official client and what realtime/PROTOCOL.md says, nothing of ours: a client in another language. */
export class Stock {
  readonly socket: Socket;
  /** Everything that was heard, in order; and what no `next` has taken yet. */
  readonly heard: Frame[] = [];
  private unread: Frame[] = [];
  /** Where each room stands, by the rules of "Rooms and positions". */
  readonly positions = new Map<string, Position>();
  private frames = new Map<string, number>();
  /** Numbers that were not the next ones: none, if nothing was missed. */
  readonly gaps: string[] = [];
  private incarnation = 0;

  constructor(forum: Forum, auth: object = {}, extraHeaders: Record<string, string> = {}) {
    const session = randomUUID();
    this.socket = io(forum.url, {
      path: PATH,
      transports: ["websocket"],
      auth: (send) => send({ protocol: 1, session, incarnation: ++this.incarnation, ...auth }),
      extraHeaders,
      reconnection: false,
      forceNew: true,
    });
    this.socket.onAny((name, data) => this.hear(name, data));
    this.socket.on("connect_error", ({ message }) => this.hear("connect_error", message));
    this.socket.on("disconnect", (reason) => this.hear("disconnect", reason));
  }

  private hear(name: string, data: any): void {
    this.heard.push({ name, data });
    this.unread.push({ name, data });
    if (name === "welcome") this.frames.clear();
    if (name === "joined") {
      this.frames.set(data.room, data.frame);
      this.positions.set(data.room, data.position);
    }
    if (name === "room") this.follow(data);
  }

  private follow({ room, frame, events = [] }: { room: string; frame: number; events?: Event[] }): void {
    const last = this.frames.get(room);
    if (frame !== (last ?? NaN) + 1) this.gaps.push(`${room}: frame ${frame} after ${last}`);
    this.frames.set(room, frame);
    for (const { seq } of events) {
      const before = this.positions.get(room);
      if (seq !== (before?.seq ?? NaN) + 1) this.gaps.push(`${room}: event ${seq} after ${before?.seq}`);
      if (before) this.positions.set(room, { ...before, seq });
    }
  }

  /** The next frame of this name that fits, whatever else comes before it. */
  async next(name: string, fits: (data: any) => boolean = () => true): Promise<any> {
    let at = -1;
    await expect(() => {
      at = this.unread.findIndex((frame) => frame.name === name && fits(frame.data));
      if (at < 0) throw new Error(`no such ${name} among ${JSON.stringify(this.unread)}`);
    }).toPass({ intervals: [10], timeout: 15_000 });
    return this.unread.splice(at, 1)[0].data;
  }

  /** The next change of a room in which a field fits. */
  async change(room: string, fits: (data: any) => boolean): Promise<any> {
    return this.next("room", (data) => data.room === room && fits(data));
  }

  /** All frames of a name that were heard about a room. */
  about(room: string, name = "room"): any[] {
    return this.heard.filter((frame) => frame.name === name && frame.data.room === room).map(({ data }) => data);
  }

  /** Sends a command, and returns its acknowledgement. */
  async ask(command: string, payload: unknown): Promise<any> {
    return this.socket.timeout(15_000).emitWithAck(command, payload);
  }

  /** Joins a room, and returns its first view. */
  async join(room: string, since?: Position): Promise<any> {
    expect(await this.ask("join", { rooms: [{ room, since }] })).toEqual({ ok: true });
    return this.next("joined", (data) => data.room === room);
  }

  /** Joins a room, and waits until everybody was told. */
  async arrive(room: string): Promise<any> {
    const { user } = await this.next("welcome");
    const joined = await this.join(room);
    await this.change(room, ({ members }) => members?.some((member: any) => member.user === user.id));
    return joined;
  }

  /** Loses the line, as in a tunnel: without a word to the server. */
  async cut(): Promise<void> {
    this.socket.io.engine.close();
    await this.next("disconnect");
  }
}

/** How the server refuses a request for an upgrade. */
export async function upgrade(forum: Forum, query: string, headers: Record<string, string> = {}) {
  const asked = request(`${forum.url}${PATH}/?${query}`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": Buffer.alloc(16).toString("base64"),
      ...headers,
    },
  });
  return new Promise<{ status?: number; code: string }>((resolve, reject) => {
    asked.on("upgrade", (_, line) => {
      line.destroy();
      reject(new Error("the upgrade was not refused"));
    });
    asked.on("error", reject);
    asked.on("response", async (answer) => {
      const { code } = JSON.parse(Buffer.concat(await answer.toArray()).toString());
      resolve({ status: answer.statusCode, code });
    });
    asked.end();
  });
}

/** How the server refuses a plain request. */
export async function get(forum: Forum, query: string) {
  const answer = await fetch(`${forum.url}${PATH}/?${query}`);
  return { status: answer.status, code: (await answer.json()).code };
}
