// The official socket.io-client against the running forum, written from realtime/PROTOCOL.md alone.
import type { Forum } from "../lib/forum.ts";
import { expect, test } from "../lib/people.ts";
import { type Event, get, Stock, upgrade } from "../lib/stock.ts";

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

function user(client: Stock): { id: string; name: string } {
  return client.heard.find(({ name }) => name === "welcome")!.data.user;
}

function titles(events: Event[] = []): string[] {
  return events.map(({ data }) => (data as any).post_created.title);
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
      typing_repeat_ms: expect.any(Number),
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
    expect((await bob.arrive(SQUARE)).members).toMatchObject([{ user: user(ada).id, name: "Ada", status: "online" }]);
    const { id } = user(bob);
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
    expect(await ada.change(SQUARE, ({ gone }) => gone)).toMatchObject({ gone: [user(bob).id] });
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
    expect((await ada.change(SQUARE, ({ typing }) => typing)).typing).toEqual([user(bob).id]);
    expect(await bob.ask("typing", { room: SQUARE, on: false })).toEqual({ ok: true });
    expect((await ada.change(SQUARE, ({ typing }) => typing)).typing).toEqual([]);
  });

  test("typing ends by itself after 6 s, and is in the view of who comes meanwhile", async ({ forum }) => {
    const [ada, bob] = [await arrive(forum, "Ada"), await arrive(forum, "Bob")];
    const before = Date.now();
    await bob.ask("typing", { room: SQUARE, on: true });
    await ada.change(SQUARE, ({ typing }) => typing?.length);
    expect((await connect(forum).join(SQUARE)).typing).toEqual([user(bob).id]);
    await ada.change(SQUARE, ({ typing }) => typing?.length === 0);
    expect(Date.now() - before).toBeGreaterThan(5_500);
    expect(Date.now() - before).toBeLessThan(9_000);
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
    for (const title of ["Missed", "Missed too"]) await forum.post(session, 1, title);
    bob.socket.connect();
    await bob.next("welcome");
    const joined = await bob.join(SQUARE, bob.positions.get(SQUARE));
    expect(joined.outcome).toBe("replay");
    expect(titles(joined.events)).toEqual(["Missed", "Missed too"]);
    expect(joined.events.map(({ seq }: Event) => seq)).toEqual([seen.seq + 1, seen.seq + 2]);
    expect(joined.position.seq).toBe(seen.seq + 2);
    // Cy's line is cut later and for good: when his grace has ended, Bob's would have too.
    await cy.cut();
    await ada.change(SQUARE, ({ gone }) => gone?.includes(user(cy).id));
    expect(ada.about(SQUARE).flatMap(({ gone = [] }) => gone)).toEqual([user(cy).id]);
    await forum.post(session, 1, "Live again");
    await bob.change(SQUARE, ({ events }) => titles(events).includes("Live again"));
  });

  test("a position of another epoch gives a reset", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    await forum.post(await forum.signIn("Ada"), 1, "Hello");
    const joined = await ada.join(SQUARE, { epoch: "0123456789abcdef", seq: 0 });
    expect(joined).toMatchObject({ outcome: "reset", position: { seq: 1 }, members: [{ name: "Ada" }] });
    expect(joined).not.toHaveProperty("events");
  });

  test("a server that restarts says goodbye, and lets its clients come back", async ({ forum }) => {
    const ada = await arrive(forum, "Ada");
    await forum.halt("SIGTERM");
    expect(await ada.next("goodbye")).toMatchObject({ action: "retry", error: { message: expect.any(String) } });
    await ada.next("disconnect");
    expect(ada.heard.slice(-2).map(({ name }) => name)).toEqual(["goodbye", "disconnect"]);
    await forum.boot();
    ada.socket.connect();
    expect(await ada.next("welcome")).toMatchObject({ user: user(ada) });
    expect((await ada.join(SQUARE, ada.positions.get(SQUARE))).outcome).toMatch(/^(replay|reset)$/);
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
    ["more than 64 rooms", "limit_exceeded", "join", { rooms: many }],
    ["typing in a room that is not joined", "not_joined", "typing", { room: "board:2", on: true }],
  ] as const) {
    test(`is acknowledged: ${code}, for ${why}`, async ({ forum }) => {
      const ada = await arrive(forum, "Ada");
      expect(await ada.ask(command, payload)).toEqual({ error: { code, message: expect.any(String) } });
      expect(await ada.ask("leave", { rooms: [SQUARE] }), "the connection goes on").toEqual({ ok: true });
    });
  }

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
