// A board with 200 people in a browser: what it weighs, how soon it is alive, and what 50 changes a second cost it.
import { setTimeout as pause } from "node:timers/promises";
import { type Browser, type BrowserContext, expect, type Page, test } from "@playwright/test";
import { crowd, forEach, names, type Passer } from "../lib/crowd.ts";
import { quantile, round } from "../lib/figures.ts";
import { Forum } from "../lib/forum.ts";
import { frames } from "../lib/frames.ts";
import { type Memory, MemoryOf } from "../lib/memory.ts";
import { POSTS } from "../lib/texts.ts";
import { Traffic } from "../lib/traffic.ts";
import { ask, weigh } from "../lib/weight.ts";

/** Of the seed: the harbour and its boards. Nobody has posted much at the second one. */
const COMMUNITY = "community:1";
const BOARD = 2;
const ROOM = `board:${BOARD}`;
const ELSEWHERE = "board:3";
const PATH = "/c/harbour/repair";

const PEOPLE = 200;
const POST_COUNT = 50;
/** As many of them are the seed's. */
const SEEDED = 2;
const LOADS = 50;
const VISITS = 10;
const PER_SECOND = 50;
/** For how long frames are watched, in milliseconds. */
const WATCHED = 60_000;
const MINUTE = 60_000;

/** What must hold. Wasm memory never shrinks, and grows by whole steps: what is held to it is what no leak would stay below. */
const BOUNDS = { heap_ratio: 1.1, wasm_ratio: 1.5, nodes_ratio: 1.1, over_50_ms: 0 };

const MINUTES = Number(process.env.MINUTES ?? 10);

test(`a board with ${PEOPLE} people, for ${MINUTES} minutes`, async ({ browser }) => {
  const began = Date.now();
  const forum = await Forum.start({ DEMO_SIGN_IN: "true" });
  try {
    const people = await crowd(forum, names(PEOPLE - 1));
    const posts: number[] = [];
    for (let i = 0; i < POST_COUNT - SEEDED; i++) {
      const [title, body] = POSTS[i % POSTS.length];
      posts.push(await forum.post(people[i].session, BOARD, `${title} (${i + 1})`, body));
    }
    await forEach(people, (person) => person.come([COMMUNITY, ROOM]));
    console.log(`  ${people.length} people are there`);
    const session = await forum.signIn("Jonas Blum");

    const bytes = await weight(forum, session);
    const first = await firstByte(forum, session);
    console.log(`  first byte: ${JSON.stringify(first)}`);
    const alive = await hydration(browser, forum, session);
    console.log(`  alive: ${JSON.stringify(alive)}`);

    const { context, page } = await visitor(browser, forum, session);
    await page.goto(PATH);
    await live(page);
    await page.getByRole("link", { name: "Older posts" }).click();
    await expect(page.locator(".post")).toHaveCount(POST_COUNT);
    const memory = await MemoryOf.page(page);
    await pause(5_000);
    const control = await frames(page, WATCHED);
    console.log(`  frames without traffic: ${JSON.stringify(control)}`);

    const traffic = new Traffic(people, ROOM, ELSEWHERE, posts);
    const start = Date.now();
    traffic.start(PER_SECOND);
    const heard = await hearing(page);
    await pause(start + MINUTE - Date.now());
    const early = await memory.now();
    console.log(`  after a minute: ${JSON.stringify(early)}`);
    const busy = await frames(page, WATCHED);
    console.log(`  frames with traffic: ${JSON.stringify(busy)}`);
    let late: Memory = early;
    for (let minute = 2; minute <= MINUTES; minute++) {
      await pause(Math.max(0, start + minute * MINUTE - Date.now()));
      late = await memory.now();
      console.log(`  after ${minute} minutes: ${JSON.stringify(late)}`);
    }
    await traffic.stop();
    const seconds = (Date.now() - start) / 1_000;
    await same(browser, forum, session, page);

    const ratio = (name: keyof Memory) => round(late[name] / early[name], 3);
    const holds = {
      heap: ratio("heap") <= BOUNDS.heap_ratio,
      wasm: ratio("wasm") <= BOUNDS.wasm_ratio,
      nodes: ratio("nodes") <= BOUNDS.nodes_ratio,
      frames: busy.over_50_ms <= Math.max(BOUNDS.over_50_ms, control.over_50_ms),
      traffic: traffic.failures.length === 0 && traffic.made / seconds >= 0.95 * PER_SECOND,
    };
    const figures = {
      scenario: "page",
      people: PEOPLE,
      posts: POST_COUNT,
      bytes,
      first_byte: first,
      alive,
      frames_without_traffic: control,
      frames_with_traffic: busy,
      changes_per_second: round(traffic.made / seconds),
      refused: traffic.failures.length,
      frames_heard_per_second: heard,
      minutes: MINUTES,
      memory_after_one_minute: early,
      memory_at_the_end: late,
      heap_ratio: ratio("heap"),
      wasm_ratio: ratio("wasm"),
      nodes_ratio: ratio("nodes"),
      holds,
      seconds: Math.round((Date.now() - began) / 1_000),
    };
    await context.close();
    console.log(JSON.stringify(figures));
    expect(traffic.failures.slice(0, 5)).toEqual([]);
    expect(holds).toEqual({ heap: true, wasm: true, nodes: true, frames: true, traffic: true });
  } finally {
    await forum.stop();
  }
});

/** Who looks at the board. */
async function visitor(browser: Browser, forum: Forum, session: string): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ baseURL: forum.url, viewport: { width: 1280, height: 800 } });
  await context.addCookies([{ name: "forum_session", value: encodeURIComponent(session), url: forum.url }]);
  return { context, page: await context.newPage() };
}

async function live(page: Page): Promise<void> {
  await expect(page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
}

/** What is sent for the page, and for what it loads. */
async function weight(forum: Forum, session: string) {
  const pkg = `${forum.url}/pkg/forum`;
  const bytes = {
    html: await weigh(`${forum.url}${PATH}`, session),
    wasm: await weigh(`${pkg}.wasm`),
    js: await weigh(`${pkg}.js`),
    css: await weigh(`${pkg}.css`),
    module_css: await weigh(`${forum.url}/realtime/style.css`),
  };
  console.log(`  bytes: ${JSON.stringify(bytes)}`);
  return bytes;
}

/** How soon the server answers. */
async function firstByte(forum: Forum, session: string) {
  const times: number[] = [];
  for (let i = 0; i < LOADS; i++) times.push((await ask(`${forum.url}${PATH}`, "br", session)).firstByte);
  return { loads: LOADS, p50_ms: round(quantile(times, 0.5)), p99_ms: round(quantile(times, 0.99)) };
}

type Marks = { hydrated?: number; live?: number };

/** How soon the page is alive in a browser that has never been there, since the navigation began. */
async function hydration(browser: Browser, forum: Forum, session: string) {
  const visits: Required<Marks>[] = [];
  for (let i = 0; i < VISITS; i++) {
    const { context, page } = await visitor(browser, forum, session);
    await page.addInitScript(mark);
    await page.goto(PATH);
    await live(page);
    await page.waitForFunction(() => (window as unknown as { marks: Marks }).marks.live !== undefined);
    visits.push(await page.evaluate(() => (window as unknown as { marks: Required<Marks> }).marks));
    await context.close();
    await pause(500);
  }
  const of = (name: keyof Marks) => {
    const times = visits.map((visit) => visit[name]);
    return { p50_ms: round(quantile(times, 0.5), 0), max_ms: round(Math.max(...times), 0) };
  };
  return { visits: VISITS, hydrated: of("hydrated"), live: of("live") };
}

/**
 * Runs in the page, before anything else. Hydrated: times are told relative to now, which the first effects do. Live: the
 * socket is connected and the room joined.
 */
function mark(): void {
  const marks: Marks = {};
  Object.assign(window, { marks });
  new MutationObserver((_, observer) => {
    const time = document.querySelector("main time");
    if (time && !time.textContent?.endsWith("UTC")) marks.hydrated ??= performance.now();
    if (document.querySelector(".rt-presence[data-state=live]")) marks.live ??= performance.now();
    if (marks.hydrated && marks.live) observer.disconnect();
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
}

/** How many frames a second the page's socket hears. */
async function hearing(page: Page): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  let count = 0;
  devtools.on("Network.webSocketFrameReceived", () => (count += 1));
  await pause(10_000);
  await devtools.detach();
  return count / 10;
}

/** After all of it the page shows what a fresh one shows. */
async function same(browser: Browser, forum: Forum, session: string, page: Page): Promise<void> {
  const { context, page: fresh } = await visitor(browser, forum, session);
  await fresh.goto(PATH);
  await live(fresh);
  const shown = async (page: Page) => ({
    here: await page.locator("#here").textContent(),
    votes: (await page.locator(".post .votes-count").allTextContents()).slice(0, 20),
  });
  await expect(async () => expect(await shown(page)).toEqual(await shown(fresh))).toPass({ timeout: 30_000 });
  await context.close();
}
