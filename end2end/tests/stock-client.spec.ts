// The official socket.io-client against the running forum, written from realtime/PROTOCOL.md alone.
import type { Forum } from "../lib/forum.ts";
import { expect, test } from "../lib/people.ts";
import { digest, type Event, get, type Member, Stock, upgrade } from "../lib/stock.ts";

const SQUARE = "board:1";
const NOWHERE = "board:999";

let clients: Stock[] = [];

function connect(forum: Forum, auth: object = {}, headers?: Record<string, string>): Stock {
  const client = new Stock(forum, auth, headers);
  clients.push(client);
  return client;
}

/** A person on the square, known to everyone there. */
async function arrive(forum: Forum, name: string): Promise<Stock> {
  const client = connect(forum, { token: await forum.signIn(name) });
  await client.arrive(SQUARE);
  return client;
}

function titles(events: Event[] = []): string[] {
  return events.map(({ data }) => (data as any).post_created.title);
}

/** Posts as a person, until somebody on the square has heard of it. */
async function tell(forum: Forum, session: string, title: string, witness: Stock): Promise<void> {
  await forum.post(session, 1, title);
  await witness.change(SQUARE, ({ events }) => titles(events).includes(title));
}

test.afterEach(() => {
  for (const client of clients) client.socket.disconnect();
  const gaps = clients.flatMap((client) => client.gaps);
  clients = [];
  expect(gaps, "no client ever missed a frame or an event").toEqual([]);
});

test.describe("connecting", () => {
  test("a token in auth signs in, and the first frame is a welcome with the user", async ({ forum }) => {
    const ada = connect(forum, { token: await forum.signIn("Ada"), session: "tab-1" });
    expect(await ada.next("welcome")).toEqual({
      protocol: 1,
      session: "tab-1",
      user: { id: expect.any(String), name: "Ada" },
      typing_repeat_ms: 2_500,
      heartbeat_ms: 25_000,
      idle_ms: 300_000,
      hidden_ms: 30_000,
    });
    expect(ada.heard[0].name).toBe("welcome");
  });

  test("without a token, the cookies of the upgrade count", async ({ forum }) => {
    const cookie = `forum_session=${encodeURIComponent(await forum.signIn("Ada"))}`;
    expect(await connect(forum, {}, { cookie }).next("welcome")).toMatchObject({ user: { name: "Ada" } });
  });

  test("a guest is welcome, without a user and with a session made up", async ({ forum }) => {
    const guest = connect(forum, { session: undefined });
    expect(await guest.next("welcome")).toMatchObject({ user: null, session: expect.stringMatching(/^.{1,64}$/) });
  });

  for (const [why, auth, code] of [
    ["a wrong token", { token: "not a token" }, "unauthorized"],
    ["a protocol that is not spoken", { protocol: 99 }, "unsupported_protocol"],
    ["a payload of wrong types", { session: 5 }, "bad_request"],
    ["a session's name that is too long", { session: "x".repeat(65) }, "bad_request"],
  ] as const) {
    test(`${why} is a connect_error: ${code}`, async ({ forum }) => {
      const message: string = await connect(forum, auth).next("connect_error");
      expect(message.startsWith(`${code}: `), message).toBe(true);
    });
  }

  test("whoever speaks as soon as the line is open, before the welcome, is answered after it", async ({ forum }) => {
    for (let i = 0; i < 100; i++) {
      const guest = connect(forum);
      expect(await guest.ask("leave", { rooms: [] })).toEqual({ ok: true });
      expect(guest.heard[0].name).toBe("welcome");
      guest.socket.disconnect();
    }
  });

  test("a newer connection of the same session takes over, and the older one is to stop", async ({ forum }) => {
    const auth = { token: await forum.signIn("Ada"), session: "tab-1" };
    const older = connect(forum, { ...auth, incarnation: 1 });
    await older.next("welcome");
    await connect(forum, { ...auth, incarnation: 2 }).next("welcome");
    expect(await older.next("goodbye")).toMatchObject({ action: "stop", error: { code: "replaced" } });
    await older.next("disconnect");
  });
});

test.describe("before the upgrade", () => {
  const QUERY = "EIO=4&transport=websocket";

  test("long-polling is refused", async ({ forum }) => {
    expect(await get(forum, "EIO=4&transport=polling")).toEqual({ status: 400, code: "bad_request" });
  });

  test("a plain GET is told to upgrade", async ({ forum }) => {
    expect(await get(forum, QUERY)).toEqual({ status: 426, code: "bad_request" });
  });

  test("a foreign page's origin is denied", async ({ forum }) => {
    const origin = "https://elsewhere.example";
    expect(await upgrade(forum, QUERY, { origin })).toEqual({ status: 403, code: "origin_denied" });
  });

  test("the page's own origin may connect", async ({ forum }) => {
    await connect(forum, {}, { origin: forum.url }).next("welcome");
  });

  test("another Engine.IO, another WebSocket and an upgrade from polling are refused", async ({ forum }) => {
    expect(await upgrade(forum, "EIO=3&transport=websocket")).toEqual({ status: 400, code: "unsupported_protocol" });
    expect(await upgrade(forum, `${QUERY}&sid=abc`)).toEqual({ status: 400, code: "bad_request" });
    expect(await upgrade(forum, QUERY, { "sec-websocket-version": "8" })).toEqual({ status: 426, code: "bad_request" });
  });
});

test.describe("in a room", () => {
  test("a join gives the first view, before its acknowledgement", async ({ forum }) => {
    const ada = connect(forum, { token: await forum.signIn("Ada") });
    await ada.next("welcome");
    expect(await ada.ask("join", { rooms: [{ room: SQUARE }] })).toEqual({ ok: true });
    expect(ada.about(SQUARE, "joined")).toEqual([{
      room: SQUARE,
      outcome: "fresh",
      position: { epoch: expect.stringMatching(/^[0-9a-f]{16}$/), seq: 0 },
      frame: expect.any(Number),
      members: [],
      guests: 0,
    }]);
  });

  test("a room that is not open is refused, and the others of the same join are not", async ({ forum }) => {
    const guest = connect(forum);
    await guest.next("welcome");
    expect(await guest.ask("join", { rooms: [{ room: NOWHERE }, { room: SQUARE }] })).toEqual({ ok: true });
    expect(guest.about(NOWHERE, "refused")).toEqual([
      { room: NOWHERE, error: { code: "forbidden", message: expect.any(String) } },
    ]);
    expect(guest.about(SQUARE, "joined")).toHaveLength(1);
  });

  test("others are seen as they come, and go with a bye", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const bob = connect(forum, { token: await forum.signIn("Bob"), device_kind: "mobile" });
    expect((await bob.arrive(SQUARE)).members).toMatchObject([{ user: ada.user.id, name: "Ada", status: "online" }]);
    const { id } = bob.user;
    expect(await ada.change(SQUARE, ({ members }) => members?.[0].user === id)).toMatchObject({
      members: [{ user: id, name: "Bob", status: "online", devices: ["mobile"], since: expect.any(Number) }],
    });
    expect(await bob.ask("bye", {})).toEqual({ ok: true });
    expect(await ada.change(SQUARE, ({ gone }) => gone)).toMatchObject({ gone: [id] });
  });

  test("others are seen to leave at once, without grace", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const before = Date.now();
    expect(await bob.ask("leave", { rooms: [SQUARE] })).toEqual({ ok: true });
    expect(await ada.change(SQUARE, ({ gone }) => gone)).toMatchObject({ gone: [bob.user.id] });
    expect(Date.now() - before, "less than the grace of 5 s").toBeLessThan(4_000);
  });

  test("guests are counted", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    await connect(forum).join(SQUARE);
    expect(await ada.change(SQUARE, ({ guests }) => guests !== undefined)).toMatchObject({ guests: 1 });
  });

  test("a person with two tabs is one member, with the devices of both", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const token = await forum.signIn("Bob");
    await connect(forum, { token, device: "desk", device_kind: "desktop" }).arrive(SQUARE);
    await connect(forum, { token, device: "phone", device_kind: "mobile" }).arrive(SQUARE);
    const { members } = await ada.change(SQUARE, ({ members }) => members?.[0].devices.length === 2);
    expect(members).toMatchObject([{ name: "Bob", devices: expect.arrayContaining(["desktop", "mobile"]) }]);
    expect((await connect(forum).join(SQUARE)).members).toHaveLength(2);
  });

  test("typing is seen until it stops", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    expect(await bob.ask("typing", { room: SQUARE, on: true })).toEqual({ ok: true });
    expect(await ada.next("typing")).toEqual({ room: SQUARE, users: [bob.user] });
    expect(await bob.next("typing"), "the person too").toEqual({ room: SQUARE, users: [bob.user] });
    expect(await bob.ask("typing", { room: SQUARE, on: false })).toEqual({ ok: true });
    expect(await ada.next("typing")).toEqual({ room: SQUARE, users: [] });
  });

  test("typing ends by itself, and is in the view of who comes meanwhile", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    await bob.ask("typing", { room: SQUARE, on: true });
    await ada.next("typing", ({ users }) => users.length === 1);
    expect((await connect(forum).join(SQUARE)).typing).toEqual([bob.user]);
    await ada.next("typing", ({ users }) => users.length === 0);
  });

  test("whoever goes types no more", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    await bob.ask("typing", { room: SQUARE, on: true });
    await ada.next("typing", ({ users }) => users.length === 1);
    await bob.ask("leave", { rooms: [SQUARE] });
    await ada.next("typing", ({ users }) => users.length === 0);
  });

  test("where somebody is besides is told as far as the host allows it", async ({ forum }) => {
    const ada = connect(forum, { token: await forum.signIn("Ada") });
    await ada.next("welcome");
    await ada.join("community:1");
    const bob = await arrive(forum, "Bob");
    const at = [{ room: SQUARE, since: expect.any(Number) }];
    const of = (members: Member[] = []) => members.find(({ user }) => user === bob.user.id);
    await ada.change("community:1", ({ members }) => of(members)?.at);
    expect(ada.view("community:1").members.get(bob.user.id)).toMatchObject({ status: "online", at });
    await bob.ask("leave", { rooms: [SQUARE] });
    await ada.change("community:1", ({ members }) => of(members) && !of(members)!.at);
  });

  test("a post comes as an event, and the frames are numbered on from the view", async ({ forum }) => {
    const session = await forum.signIn("Ada");
    const bob = connect(forum, { token: await forum.signIn("Bob") });
    const { frame, position } = await bob.arrive(SQUARE);
    await forum.post(session, 1, "Hello", "Is anybody here?");
    await forum.post(session, 1, "Hello again");
    await bob.change(SQUARE, ({ events }) => titles(events).includes("Hello again"));
    const frames = bob.about(SQUARE);
    expect(frames.map((each) => each.frame)).toEqual(frames.map((_, index) => frame + 1 + index));
    const events: Event[] = frames.flatMap((each) => each.events ?? []);
    expect(events.map(({ seq }) => seq)).toEqual([position.seq + 1, position.seq + 2]);
    expect(events[0]).toMatchObject({
      id: expect.any(String),
      at: expect.any(Number),
      data: { post_created: { author: { name: "Ada" }, title: "Hello", body: "Is anybody here?" } },
    });
    expect(Math.abs(Date.now() - events[0].at), "milliseconds since 1970").toBeLessThan(60_000);
    expect(events[0].id).not.toBe(events[1].id);
  });
});

test.describe("coming back", () => {
  test("resumes with exactly what was missed, and the others see no leave", async ({ forum }) => {
    const [ada, bob, cy] = [await arrive(forum, "Ada"), await arrive(forum, "Bob"), await arrive(forum, "Cy")];
    const session = await forum.signIn("Ada");
    await forum.post(session, 1, "Seen");
    const [seen] = (await bob.change(SQUARE, ({ events }) => events)).events;
    await bob.cut();
    for (const title of ["Missed", "Missed too"]) await tell(forum, session, title, ada);
    bob.socket.connect();
    await bob.next("welcome");
    const joined = await bob.join(SQUARE, bob.positions.get(SQUARE));
    expect(joined.outcome).toBe("replay");
    expect(titles(joined.events)).toEqual(["Missed", "Missed too"]);
    expect(joined.events.map(({ seq }: Event) => seq)).toEqual([seen.seq + 1, seen.seq + 2]);
    expect(joined.position.seq).toBe(seen.seq + 2);
    // Cy's line is cut later and for good: when his grace has ended, Bob's would have too.
    await cy.cut();
    await ada.change(SQUARE, ({ gone }) => gone?.includes(cy.user.id));
    expect(ada.about(SQUARE).flatMap(({ gone = [] }) => gone)).toEqual([cy.user.id]);
    await forum.post(session, 1, "Live again");
    await bob.change(SQUARE, ({ events }) => titles(events).includes("Live again"));
  });

  test("resumes where nothing happened, and where no event came before the drop", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    await bob.cut();
    const idle = await bob.resume(SQUARE);
    expect(idle).toMatchObject({ outcome: "replay", position: { seq: 0 } });
    expect(idle).not.toHaveProperty("events");
    await bob.cut();
    await tell(forum, await forum.signIn("Ada"), "The first one", ada);
    const joined = await bob.resume(SQUARE);
    expect(joined).toMatchObject({ outcome: "replay", position: { seq: 1 }, events: [{ seq: 1 }] });
  });

  test("resumes the tenth time in a row as it did the first", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const heard = ada.listen();
    const session = await forum.signIn("Ada");
    const missed: string[] = [];
    const all = Array.from({ length: 10 }, (_, index) => `Meanwhile, ${index + 1}`);
    for (const title of all) {
      await bob.cut();
      await tell(forum, session, title, ada);
      const joined = await bob.resume(SQUARE);
      expect(joined.outcome).toBe("replay");
      missed.push(...titles(joined.events));
    }
    expect(missed).toEqual(all);
    await tell(forum, session, "Live", bob);
    expect(heard.filter(({ data }) => data.gone || data.members), "for Ada he never went").toEqual([]);
  });

  test("a server that was killed has a new order: the position is reset, once", async ({ forum }) => {
    const [ada, session] = [await arrive(forum, "Ada"), await forum.signIn("Ada")];
    await tell(forum, session, "Before", ada);
    const before = ada.positions.get(SQUARE)!;
    await forum.halt("SIGKILL");
    await ada.next("disconnect");
    await forum.boot();
    const joined = await ada.resume(SQUARE);
    expect(joined.outcome).toBe("reset");
    expect(joined).not.toHaveProperty("events");
    expect(joined.position.epoch).not.toBe(before.epoch);
    const bob = await arrive(forum, "Bob");
    await ada.cut();
    await tell(forum, session, "After", bob);
    expect(await ada.resume(SQUARE)).toMatchObject({ outcome: "replay", events: [{ data: { post_created: { title: "After" } } }] });
  });

  test("a position of another epoch gives a reset", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    await tell(forum, await forum.signIn("Ada"), "Hello", ada);
    const joined = await ada.join(SQUARE, { epoch: "0123456789abcdef", seq: 0 });
    expect(joined).toMatchObject({ outcome: "reset", position: { seq: 1 }, members: [{ name: "Ada" }] });
    expect(joined.events, "what has happened since the order began").toMatchObject([{ seq: 1, data: { post_created: { title: "Hello" } } }]);
  });

  test("a server that restarts says goodbye, and lets its clients come back", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    await forum.halt("SIGTERM");
    expect(await ada.next("goodbye")).toMatchObject({ action: "retry", error: { message: expect.any(String) } });
    await ada.next("disconnect");
    expect(ada.heard.slice(-2).map(({ name }) => name)).toEqual(["goodbye", "disconnect"]);
    await forum.boot();
    ada.socket.connect();
    expect(await ada.next("welcome")).toMatchObject({ user: ada.user });
    expect((await ada.join(SQUARE, ada.positions.get(SQUARE))).outcome).toMatch(/^(replay|reset)$/);
  });
});

test.describe("refreshing the sign-in", () => {
  test("goes on with a newer token of the same person", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    expect(await ada.ask("refresh", { token: await forum.signIn("Ada") })).toEqual({ ok: true });
    expect(ada.heard.at(-1), "before the acknowledgement").toEqual({ name: "refreshed", data: {} });
  });

  for (const [whose, token] of [
    ["another person's token", (forum: Forum) => forum.signIn("Bob")],
    ["a forged token", async (forum: Forum) => `${await forum.signIn("Ada")}x`],
  ] as const) {
    test(`${whose} is unauthorized, and changes nothing`, async ({ forum }) => {
      const ada = await arrive(forum, "Ada");
      const refused = { error: { code: "unauthorized", message: expect.any(String) } };
      expect(await ada.ask("refresh", { token: await token(forum) })).toEqual(refused);
      expect(ada.heard.filter(({ name }) => name === "refreshed")).toEqual([]);
      await tell(forum, await forum.signIn("Cy"), "Still here?", ada);
    });
  }
});

test.describe("signals", () => {
  test("reach everyone else in the room, the person's other tabs too, but not who signals", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const second = connect(forum, { token: await forum.signIn("Bob") });
    await second.next("welcome");
    await second.join(SQUARE);
    const data = { wave: ["at", 3, null] };
    expect(await bob.ask("signal", { room: SQUARE, data })).toEqual({ ok: true });
    const signalled = { room: SQUARE, user: bob.user.id, data };
    for (const other of [ada, second]) expect(await other.next("signal")).toEqual(signalled);
    await ada.ask("signal", { room: SQUARE, data: "back" });
    expect(await bob.next("signal"), "his own did not come before").toMatchObject({ user: ada.user.id, data: "back" });
  });

  test("are for people with a name, in rooms that they have joined, and small", async ({ forum }) => {
    const guest = connect(forum);
    await guest.join(SQUARE);
    const refused = async (client: Stock, room: string, data: unknown) => (await client.ask("signal", { room, data })).error?.code;
    expect(await refused(guest, SQUARE, 1)).toBe("unauthorized");
    const ada = await arrive(forum, "Ada");
    expect(await refused(ada, "board:2", 1)).toBe("not_joined");
    expect(await refused(ada, SQUARE, "x".repeat(1_023))).toBe("too_large");
    expect(await refused(ada, SQUARE, "x".repeat(1_022)), "1,024 bytes as JSON").toBe(undefined);
  });
});

test.describe("heartbeats", () => {
  test("the digest is that of the document's example", () => {
    const at = [{ room: "board:7", since: 1795324170000 }];
    const ada = { user: "7", name: "Ada", status: "online", devices: ["desktop", "mobile"], since: 1795324165000, at };
    const zoe = { user: "9", name: "Zoë", status: "away", devices: ["mobile"], since: 1795324166000 };
    expect(digest([ada, zoe], 3, 2)).toBe("253b965bc2f44300");
  });

  test("with the right digest nothing follows, with a wrong one the whole view, and all goes on from there", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    await connect(forum).join(SQUARE);
    await ada.change(SQUARE, ({ guests }) => guests === 1);
    const heard = ada.listen();
    const seen = ada.seen(SQUARE);
    expect(await ada.ask("heartbeat", { active: true, rooms: [seen] })).toEqual({ ok: true });
    expect(heard, "in step").toEqual([]);
    expect(await ada.ask("heartbeat", { rooms: [{ ...seen, digest: "0123456789abcdef" }] })).toEqual({ ok: true });
    const joined = await ada.next("joined", ({ frame }) => frame >= seen.frame!);
    expect(joined).toMatchObject({ room: SQUARE, outcome: "replay", position: ada.positions.get(SQUARE), guests: 1 });
    expect(joined.members.map(({ user }: Member) => user).sort()).toEqual([ada.user.id, bob.user.id].sort());
    await bob.ask("bye", {});
    await ada.change(SQUARE, ({ gone }) => gone?.includes(bob.user.id));
    expect(await ada.ask("heartbeat", { rooms: [ada.seen(SQUARE)] })).toEqual({ ok: true });
    expect(heard.filter(({ name }) => name === "joined"), "in step again").toHaveLength(1);
  });

  test("a digest is compared with the frame that it names, and with no other", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const before = ada.seen(SQUARE);
    await arrive(forum, "Bob");
    await ada.change(SQUARE, ({ members }) => members?.[0].name === "Bob");
    const heard = ada.listen();
    expect(await ada.ask("heartbeat", { rooms: [before] })).toEqual({ ok: true });
    expect(await ada.ask("heartbeat", { rooms: [{ ...before, frame: 999 }] })).toEqual({ ok: true });
    expect(heard).toEqual([]);
  });

  test("whoever is not active is away for others, unless another of their sessions is", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const status = (client: Stock) => client.view(SQUARE).members.get(bob.user.id)?.status;
    await bob.ask("heartbeat", { active: false });
    await expect.poll(() => status(ada)).toBe("away");
    const phone = connect(forum, { token: await forum.signIn("Bob"), device_kind: "mobile" });
    await phone.next("welcome");
    await phone.join(SQUARE);
    await expect.poll(() => status(ada)).toBe("online");
    await phone.ask("heartbeat", { active: false });
    await expect.poll(() => status(ada)).toBe("away");
    await bob.ask("heartbeat", {});
    await expect.poll(() => status(ada)).toBe("online");
  });
});

test.describe("hiding", () => {
  test("the person is gone for everybody else, and sees themselves", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const second = connect(forum, { token: await forum.signIn("Bob") });
    await second.next("welcome");
    expect(await bob.ask("status", { invisible: true })).toEqual({ ok: true });
    for (const each of [bob, second]) expect(await each.next("status")).toEqual({ invisible: true });
    await ada.change(SQUARE, ({ gone }) => gone?.includes(bob.user.id));
    await expect.poll(() => bob.view(SQUARE).own.get(bob.user.id)?.status).toBe("invisible");
    expect(bob.view(SQUARE).members.has(bob.user.id), "others are counted without him").toBe(false);
    expect(await bob.ask("heartbeat", { rooms: [bob.seen(SQUARE)] })).toEqual({ ok: true });
    expect(bob.about(SQUARE, "joined"), "the digest is of the others").toHaveLength(1);
    expect(await bob.ask("status", { invisible: false })).toEqual({ ok: true });
    await ada.change(SQUARE, ({ members }) => members?.[0].user === bob.user.id);
  });

  test("nothing about them is in any frame of anybody else, whatever they do", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const bob = await arrive(forum, "Bob");
    const { id } = bob.user;
    const guest = connect(forum);
    const others = [ada, guest];
    for (const other of others) for (const room of [SQUARE, "board:2", "community:1", `online:${id}`]) await other.join(room);
    await bob.ask("status", { invisible: true });
    for (const other of others) await other.change(`online:${id}`, ({ gone }) => gone);
    for (const other of others) await other.change("community:1", ({ gone }) => gone);
    for (const other of others) await other.change(SQUARE, ({ gone }) => gone?.includes(id));
    const heard = others.map((other) => other.listen());

    expect(await bob.ask("typing", { room: SQUARE, on: true }), "accepted, and shown to nobody").toEqual({ ok: true });
    expect(await bob.ask("signal", { room: SQUARE, data: 1 })).toMatchObject({ error: { code: "forbidden" } });
    expect(await bob.ask("join", { rooms: [{ room: "board:2" }] })).toEqual({ ok: true });
    await bob.ask("heartbeat", { active: false });
    await bob.cut();
    bob.socket.connect();
    expect(await bob.next("welcome")).toMatchObject({ invisible: true });
    await bob.join(SQUARE);
    await bob.ask("leave", { rooms: [SQUARE] });
    const phone = connect(forum, { token: await forum.signIn("Bob"), device_kind: "mobile" });
    expect(await phone.next("welcome")).toMatchObject({ invisible: true });
    await phone.join(SQUARE);
    await phone.ask("bye", {});
    await bob.ask("bye", {});

    // Whatever he caused would have come before what Cy causes, in the same rooms.
    const cy = await arrive(forum, "Cy");
    await cy.join("board:2");
    for (const other of others) {
      for (const room of [SQUARE, "board:2", "community:1"]) {
        await other.change(room, ({ members }) => members?.some((member: Member) => member.name === "Cy"));
      }
      const seen = [SQUARE, "board:2", "community:1", `online:${id}`].map((room) => other.seen(room));
      expect(await other.ask("heartbeat", { rooms: seen })).toEqual({ ok: true });
    }
    for (const frames of heard) {
      const text = frames.filter(({ name }) => name !== "disconnect").map((frame) => JSON.stringify(frame));
      expect(text.filter((frame) => frame.includes("Bob") || frame.includes(`"${id}"`) || frame.includes(`:${id}"`))).toEqual([]);
    }
  });
});

test.describe("showing oneself again", () => {
  test("tells nothing of the time before: the person comes now", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const rooms = [SQUARE, "community:1", `online:${bob.user.id}`];
    for (const room of rooms) await ada.join(room);
    await bob.ask("status", { invisible: true });
    const { last_seen } = await ada.change(`online:${bob.user.id}`, ({ gone }) => gone);
    expect(last_seen).toEqual(expect.any(Number));
    await bob.ask("status", { invisible: false });
    const shown = (room: string) => ada.view(room).members.get(bob.user.id);
    for (const room of rooms) {
      await expect.poll(() => shown(room)).toMatchObject({ status: "online" });
      expect(shown(room)!.since, "later than he went, by the server's clock").toBeGreaterThanOrEqual(last_seen);
      for (const place of shown(room)!.at ?? []) expect(place.since).toBeGreaterThanOrEqual(last_seen);
    }
  });

  test("is for people: a guest has no name to hide", async ({ forum }) => {
    const guest = connect(forum);
    await guest.next("welcome");
    expect(await guest.ask("status", { invisible: true })).toMatchObject({ error: { code: "unauthorized" } });
  });
});

test.describe("whether a person is online", () => {
  test("is told in a room of theirs, in which nobody else is seen", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const bob = connect(forum, { token: await forum.signIn("Bob") });
    const { user } = await bob.next("welcome");
    const room = `online:${user.id}`;
    await expect.poll(async () => (await ada.join(room)).members).toMatchObject([{ user: user.id, name: "Bob" }]);
    expect((await connect(forum).join(room)).guests, "who watches is not there").toBe(0);
    await bob.ask("bye", {});
    const { gone, last_seen } = await ada.change(room, ({ gone }) => gone);
    expect(gone).toEqual([user.id]);
    expect(last_seen).toEqual(expect.any(Number));
    const later = await connect(forum).join(room);
    expect(later).toMatchObject({ members: [], guests: 0, last_seen });
    // It outlives the process.
    await forum.halt();
    await forum.boot();
    expect(await connect(forum).join(room)).toMatchObject({ members: [], last_seen: expect.any(Number) });
  });

  test("is told of a hidden person as if they had gone", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const room = `online:${bob.user.id}`;
    await ada.join(room);
    await bob.ask("status", { invisible: true });
    const { last_seen } = await ada.change(room, ({ gone }) => gone);
    await bob.ask("bye", {});
    expect(await connect(forum).join(room), "going later moves nothing").toMatchObject({ members: [], last_seen });
  });

  test("is told, and nothing else is said there", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const room = `online:${bob.user.id}`;
    await ada.join(room);
    for (const [command, payload] of [["typing", { on: true }], ["signal", { data: 1 }]] as const) {
      expect(await ada.ask(command, { room, ...payload })).toMatchObject({ error: { code: "forbidden" } });
    }
  });

  test("is told of people that exist", async ({ forum }) => {
    const guest = connect(forum);
    await guest.next("welcome");
    await guest.ask("join", { rooms: [{ room: "online:999" }, { room: "online:x_79" }] });
    for (const room of ["online:999", "online:x_79"]) {
      expect(guest.about(room, "refused")).toMatchObject([{ error: { code: "forbidden" } }]);
    }
  });
});

test.describe("announcements", () => {
  test("have a room that anybody may join, in which nobody is seen", async ({ forum }) => {
    await arrive(forum, "Ada");
    const joined = await connect(forum).join("announcements:all");
    expect(joined).toMatchObject({ outcome: "fresh", members: [], guests: 0 });
  });
});

test.describe("a large room", () => {
  test.use({ environment: { REALTIME_LARGE_ROOM: "3", REALTIME_LARGE_ROOM_PAGE: "2" } });

  test("shows how many there are, the first of them, oneself, and whom one watches", async ({ forum }) => {
    const people: Stock[] = [];
    for (const name of ["Ada", "Bob", "Cy"]) people.push(await arrive(forum, name));
    const [ada, bob, cy] = people;
    await expect.poll(() => ada.view(SQUARE).members.size).toBe(3);
    expect(ada.view(SQUARE).count).toBe(undefined);
    const dot = connect(forum, { token: await forum.signIn("Dot") });
    await dot.next("welcome");
    await dot.join(SQUARE);
    // It has become large: everyone is shown it anew, unasked.
    for (const each of [ada, cy, dot]) await expect.poll(() => each.view(SQUARE).count).toBe(4);
    const shown = (client: Stock) => [...client.view(SQUARE).members.keys()];
    for (const each of [ada, cy, dot]) expect(shown(each)).toEqual([ada.user.id, bob.user.id]);
    expect([...ada.view(SQUARE).own.keys()], "is among the first").toEqual([]);
    await expect.poll(() => [...cy.view(SQUARE).own.keys()]).toEqual([cy.user.id]);

    const watching = await ada.join(SQUARE, ada.positions.get(SQUARE), [dot.user.id]);
    expect(watching).toMatchObject({ outcome: "replay", count: 4, own: [{ user: dot.user.id, name: "Dot" }] });
    await dot.ask("heartbeat", { active: false });
    expect(await ada.next("own", ({ members }) => members[0]?.status === "away")).toMatchObject({ members: [{ name: "Dot" }] });
    for (const each of people) expect(await each.ask("heartbeat", { rooms: [each.seen(SQUARE)] })).toEqual({ ok: true });
    expect(ada.about(SQUARE, "joined").at(-1), "the digest has the count").toEqual(watching);

    const page = async (query: string) => (await fetch(`${forum.url}/realtime/api/people?room=${SQUARE}&${query}`)).json();
    const first = await page("most=3");
    expect(first).toMatchObject({ count: 4, members: [{ name: "Ada" }, { name: "Bob" }, { name: "Cy" }] });
    const { since, user } = first.next;
    expect(await page(`most=3&since=${since}&user=${user}`)).toMatchObject({ members: [{ name: "Dot" }], next: null });

    const eve = connect(forum, { token: await forum.signIn("Eve") });
    await eve.next("welcome");
    await eve.join(SQUARE);
    await expect.poll(() => ada.view(SQUARE).count).toBe(5);
    await bob.ask("bye", {});
    await expect.poll(() => shown(ada), "the next one moves up").toEqual([ada.user.id, cy.user.id]);
    await eve.ask("bye", {});
    await expect.poll(() => ada.view(SQUARE).count, "it is large no more").toBe(undefined);
    expect(shown(ada).sort()).toEqual([ada, cy, dot].map(({ user }) => user.id).sort());
  });
});

test.describe("limits", () => {
  test("a flood of commands is refused with a time to wait, and whoever goes on is disconnected", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const flood = (count: number) =>
      Promise.all(Array.from({ length: count }, () => ada.ask("heartbeat", {}).catch(() => undefined)));
    const refusals = (await flood(80)).filter((answer) => answer?.error).map(({ error }) => error);
    expect(refusals.length).toBeGreaterThan(0);
    for (const error of refusals) {
      expect(error).toEqual({ code: "limit_exceeded", message: expect.any(String), retry_after_ms: expect.any(Number) });
    }
    await expect.poll(() => ada.ask("heartbeat", {}), { message: "waiting helps" }).toEqual({ ok: true });
    const going = flood(80);
    expect(await ada.next("goodbye")).toMatchObject({
      action: "retry",
      error: { code: "limit_exceeded", retry_after_ms: 10_000 },
    });
    await ada.next("disconnect");
    await going;
    ada.socket.connect();
    expect(await ada.next("welcome"), "nobody is locked out").toMatchObject({ user: ada.user });
  });

  test("more typing than hands can do is refused with a time to wait", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    const asked = Array.from({ length: 45 }, () => ada.ask("typing", { room: SQUARE, on: true }));
    const answers = await Promise.all(asked);
    expect(answers[0]).toEqual({ ok: true });
    expect(answers.find(({ error }) => error)?.error).toMatchObject({ code: "limit_exceeded", retry_after_ms: expect.any(Number) });
  });

  test.describe("of connections", () => {
    test.use({ environment: { REALTIME_CONNECTIONS_PER_PERSON: "2", REALTIME_CONNECTIONS_PER_ADDRESS: "4" } });

    test("one more of a person is a connect_error, one more of an address is not upgraded", async ({ forum }) => {
      const token = await forum.signIn("Ada");
      const tabs = [connect(forum, { token }), connect(forum, { token })];
      for (const tab of tabs) await tab.next("welcome");
      expect(await connect(forum, { token }).next("connect_error")).toMatch(/^limit_exceeded: /);
      for (const each of [connect(forum), connect(forum)]) await each.next("welcome");
      const refused = { status: 429, code: "limit_exceeded" };
      await expect.poll(() => upgrade(forum, "EIO=4&transport=websocket").catch(() => undefined)).toEqual(refused);
      tabs[0].socket.disconnect();
      await expect(async () => {
        const again = connect(forum, { token });
        await Promise.race([again.next("welcome"), again.next("disconnect"), again.next("connect_error").then(() => Promise.reject())]);
      }, "a place is free again").toPass();
    });
  });
});

test.describe("a command that fails", () => {
  const many = Array.from({ length: 65 }, (_, index) => ({ room: `board:${index + 1}` }));
  for (const [why, code, command, payload] of [
    ["a payload of the wrong shape", "bad_request", "join", { rooms: SQUARE }],
    ["binary data", "bad_request", "join", Buffer.from("{}")],
    ["an event that is not a command", "unknown_command", "dance", {}],
    ["a room's name that is none", "invalid_room", "join", { rooms: [{ room: "The square" }] }],
    ["a message over 16 KiB", "too_large", "join", { rooms: [], padding: "x".repeat(17 * 1024) }],
    ["more than 100 people to watch", "limit_exceeded", "join", { rooms: [{ room: SQUARE, watch: many.map(() => "7").concat(many.map(() => "8")) }] }],
    ["a digest that is none", "bad_request", "heartbeat", { rooms: [{ room: SQUARE, frame: 1, digest: "12" }] }],
    ["typing in a room that is not joined", "not_joined", "typing", { room: "board:2", on: true }],
  ] as const) {
    test(`is acknowledged: ${code}, for ${why}`, async ({ forum }) => {
      const ada = await arrive(forum, "Ada");
      expect(await ada.ask(command, payload)).toEqual({ error: { code, message: expect.any(String) } });
      expect(await ada.ask("leave", { rooms: [SQUARE] }), "the connection goes on").toEqual({ ok: true });
    });
  }

  test("is refused: limit_exceeded, for each room beyond 64", async ({ forum }) => {
    const guest = connect(forum);
    await guest.next("welcome");
    // There is a room for each person.
    await Promise.all(many.map((_, index) => forum.signIn(`Person ${index}`)));
    const rooms = many.map((_, index) => ({ room: `online:${index + 1}` }));
    expect(await guest.ask("join", { rooms })).toEqual({ ok: true });
    expect(guest.heard.filter(({ name }) => name === "joined")).toHaveLength(64);
    expect(guest.about("online:65", "refused")).toEqual([
      { room: "online:65", error: { code: "limit_exceeded", message: expect.any(String) } },
    ]);
    await guest.ask("leave", { rooms: ["online:1"] });
    await guest.join("online:65");
  });

  test("is acknowledged: unauthorized, for a guest who types", async ({ forum }) => {
    const guest = connect(forum);
    await guest.join(SQUARE);
    expect(await guest.ask("typing", { room: SQUARE, on: true })).toMatchObject({ error: { code: "unauthorized" } });
  });

  test("comes as an error frame, without an acknowledgement", async ({ forum }) => {
    const guest = connect(forum);
    guest.socket.emit("dance", {});
    expect(await guest.next("error")).toEqual({ code: "unknown_command", message: expect.any(String) });
  });

  test("comes as no error frame, with an acknowledgement", async ({ forum }) => {
    const guest = connect(forum);
    expect(await guest.ask("dance", {})).toMatchObject({ error: { code: "unknown_command" } });
    await guest.join(SQUARE); // commands are carried out in order: an error frame would have come before
    expect(guest.heard.filter(({ name }) => name === "error")).toEqual([]);
  });

  test("ends the connection without an answer, if it is over twice the limit", async ({ forum }) => {
    const guest = connect(forum);
    await guest.next("welcome");
    guest.socket.emit("leave", { rooms: [], padding: "x".repeat(33 * 1024) }, () => guest.gaps.push("an answer"));
    await guest.next("disconnect");
  });
});
