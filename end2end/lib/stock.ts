import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { io, type Socket } from "socket.io-client";
import type { Forum } from "./forum.ts";
import { expect } from "./people.ts";

export type Position = { epoch: string; seq: number };
export type Event = { seq: number; id: string; at: number; data: unknown };
export type Place = { room: string; since: number };
export type Member = { user: string; name: string; status: string; devices: string[]; since: number; at?: Place[] };
type Frame = { name: string; data: any };

/** What is shown of a room, by the rules of "What the server sends". */
class View {
  members = new Map<string, Member>();
  own = new Map<string, Member>();
  guests = 0;
  count?: number;

  /** Takes a `joined` or a `room` frame. */
  take({ members = [], gone = [], own, guests = this.guests, count = this.count }: any): void {
    for (const user of gone) this.members.delete(user);
    for (const member of members) {
      this.members.set(member.user, member);
      this.own.delete(member.user);
    }
    if (own) this.takeOwn(own);
    this.guests = guests;
    this.count = count;
  }

  takeOwn(members: Member[]): void {
    this.own = new Map(members.map((member) => [member.user, member]));
  }

  /** "The digest". */
  get digest(): string {
    return digest([...this.members.values()], this.guests, this.count ?? this.members.size);
  }
}

function fnv(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

export function digest(members: Member[], guests: number, count: number): string {
  const lines = ({ user, name, status, devices, since, at = [] }: Member) =>
    [user, name, status, ...devices, since, ...at.flatMap((place) => [place.room, place.since])];
  const texts = members.map((member) => lines(member).map((line) => `${line}\n`).join(""));
  const sum = [...texts, `guests=${guests}`, `count=${count}`].map(fnv).reduce((sum, hash) => sum + hash);
  return BigInt.asUintN(64, sum).toString(16).padStart(16, "0");
}

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
  private views = new Map<string, View>();
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
      const view = new View();
      view.take({ own: [], ...data });
      this.views.set(data.room, view);
    }
    if (name === "room") this.follow(data);
    if (name === "own" && this.frames.has(data.room)) this.views.get(data.room)!.takeOwn(data.members);
    if (name === "refused") this.forget(data.room);
  }

  /** The room is not joined any more: its frames that are under way are skipped. */
  private forget(room: string): void {
    this.frames.delete(room);
    this.views.delete(room);
  }

  private follow(data: { room: string; frame: number; events?: Event[] }): void {
    const { room, frame, events = [] } = data;
    const last = this.frames.get(room);
    if (last === undefined) return;
    if (frame !== last + 1) this.gaps.push(`${room}: frame ${frame} after ${last}`);
    this.frames.set(room, frame);
    this.views.get(room)!.take(data);
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

  /** Who is signed in. */
  get user(): { id: string; name: string } {
    return this.heard.findLast(({ name }) => name === "welcome")!.data.user;
  }

  /** What is shown of a joined room. */
  view(room: string): View {
    return this.views.get(room)!;
  }

  /** What a heartbeat says of a joined room. */
  seen(room: string) {
    return { room, frame: this.frames.get(room), digest: this.view(room).digest };
  }

  /** Everything heard from here on. */
  listen(): Frame[] {
    const from: Frame[] = [];
    this.socket.onAny((name, data) => from.push({ name, data }));
    return from;
  }

  /** Sends a command, and returns its acknowledgement. */
  async ask(command: string, payload: any): Promise<any> {
    if (command === "leave" && Array.isArray(payload.rooms)) payload.rooms.forEach((room: string) => this.forget(room));
    return this.socket
      .timeout(15_000)
      .emitWithAck(command, payload)
      .catch((error: Error) => {
        throw new Error(`${command}: ${error.message}; connected: ${this.socket.connected}, heard: ${JSON.stringify(this.heard)}`);
      });
  }

  /** Joins a room, and returns its first view. */
  async join(room: string, since?: Position, watch?: string[]): Promise<any> {
    // One that came unasked is no answer.
    this.unread = this.unread.filter(({ name, data }) => name !== "joined" || data.room !== room);
    expect(await this.ask("join", { rooms: [{ room, since, watch }] })).toEqual({ ok: true });
    return this.next("joined", (data) => data.room === room);
  }

  /** Joins a room, and waits until everybody was told. */
  async arrive(room: string): Promise<any> {
    const { user } = await this.next("welcome");
    const joined = await this.join(room);
    await this.change(room, ({ members }) => members?.some((member: any) => member.user === user.id));
    return joined;
  }

  /** Comes back after the line was lost, and resumes a room. */
  async resume(room: string): Promise<any> {
    this.socket.connect();
    await this.next("welcome");
    return this.join(room, this.positions.get(room));
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
