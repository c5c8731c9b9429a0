import { randomUUID } from "node:crypto";
import { io, type Socket } from "socket.io-client";
import { deaf } from "./deaf.ts";
import type { Forum } from "./forum.ts";

const GIVEN = [
  "Amara", "Bjørn", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiroshi", "Imani", "José", "Katya", "Liam", "Mei",
  "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Thandi",
];
const FAMILY = ["Abara", "Brandt", "Castro", "Dlamini", "Eriksen", "Fontaine", "García", "Horvat", "Ito", "Jensen"];

/** So many names of a small town, each another. */
export function names(count: number): string[] {
  const name = (i: number) => `${GIVEN[i % GIVEN.length]} ${FAMILY[(i + Math.floor(i / GIVEN.length)) % FAMILY.length]}`;
  return Array.from({ length: count }, (_, i) => name(i));
}

/** Somebody with a session of the forum and, while they are there, a real socket: the stock client, which hardly listens. */
export class Passer {
  private socket?: Socket;

  constructor(
    private readonly forum: Forum,
    readonly name: string,
    readonly session: string,
    private readonly device: string,
  ) {}

  get isHere(): boolean {
    return this.socket !== undefined;
  }

  /** Comes, and enters the rooms: at their device, or away from it. */
  async come(rooms: string[], active = true): Promise<void> {
    const socket = io(this.forum.url, {
      path: "/realtime/socket.io",
      transports: ["websocket"],
      auth: { protocol: 1, token: this.session, session: randomUUID(), incarnation: 1, device_kind: this.device, active },
      parser: deaf,
      reconnection: false,
      forceNew: true,
    });
    this.socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    });
    await this.enter(rooms);
  }

  async enter(rooms: string[]): Promise<void> {
    await this.ask("join", { rooms: rooms.map((room) => ({ room })) });
  }

  async leave(rooms: string[]): Promise<void> {
    await this.ask("leave", { rooms });
  }

  /** Begins to write, or stops. */
  async types(room: string, on = true): Promise<void> {
    await this.ask("typing", { room, on });
  }

  /** Goes away from their device, or comes back to it. */
  async isAt(active: boolean): Promise<void> {
    await this.ask("heartbeat", { active });
  }

  /** Votes by the page's form, and so without a socket. */
  async votes(post: number, value: -1 | 0 | 1): Promise<void> {
    await this.forum.written("vote", { subject: "post", id: post, value }, this.session);
  }

  /** Says goodbye, so that nobody waits for them. */
  async go(): Promise<void> {
    const socket = this.socket;
    this.socket = undefined;
    if (!socket) return;
    socket.emit("bye", {});
    await new Promise((resolve) => socket.once("disconnect", resolve));
  }

  private async ask(command: string, payload: object): Promise<void> {
    if (!this.socket?.connected) throw new Error(`${this.name} is not connected`);
    const answer = await this.socket.timeout(15_000).emitWithAck(command, payload);
    if (!answer.ok) throw new Error(`${command} of ${this.name} was refused: ${JSON.stringify(answer.error)}`);
  }
}

/** How many come, or sign in, at a time. */
const AT_A_TIME = 20;

/** Does it for all, a few at a time. */
export async function forEach<T>(all: T[], work: (one: T, at: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += AT_A_TIME) {
    await Promise.all(all.slice(from, from + AT_A_TIME).map((one, i) => work(one, from + i)));
  }
}

/** People, by their names: signed in, and not there yet. */
export async function crowd(forum: Forum, called: string[]): Promise<Passer[]> {
  const people: Passer[] = [];
  await forEach(called, async (name, i) => {
    people[i] = new Passer(forum, name, await forum.signIn(name), i % 3 === 0 ? "mobile" : "desktop");
  });
  return people;
}
