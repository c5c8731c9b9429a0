// The pictures of the README: a board, a post in the dark, two hundred people, and a phone.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { type BrowserContextOptions, test as base, expect, type Page } from "@playwright/test";
import { crowd, type Passer } from "../lib/crowd.ts";
import { Forum } from "../lib/forum.ts";
import { VIEWER } from "./stage.ts";

/** Where they go: set by `cargo xtask screenshots --readme`. */
const FOLDER = process.env.README_PICTURES;

/** Those of the seed, and two who came since. The first come first. */
const PEOPLE = ["Maren Holt", "Tomás Rey", "Ines Okafor", "مريم حداد", "Lena Arvidsson", "Ada Brandt", "Per Lindqvist"];
const WRITES = PEOPLE.indexOf("Ines Okafor");
const SQUARE = "/c/harbour/square";
const TITLE = "Saturday market moves to the east side";
const THANKS = "شكرا جزيلا! سنحضر التشيللو **والشاي** يوم السبت.";

const test = base.extend<{}, { town: { forum: Forum; people: Passer[]; post: number } }>({
  town: [
    async ({}, use) => {
      const forum = await Forum.start({ DEMO_SIGN_IN: "true" });
      const people = await crowd(forum, PEOPLE);
      const board = await (await fetch(`${forum.url}/api/board?community=harbour&board=square`)).json();
      const post = board.posts.list.find((post: { title: string }) => post.title === TITLE).id as number;
      const page = await (await fetch(`${forum.url}/api/post?community=harbour&board=square&post=${post}`)).json();
      const answer = page.comments.list[1].id as number;
      await forum.comment(people[3].session, post, THANKS, answer);
      for (const [i, person] of people.entries()) {
        await person.come(["community:1", "board:1", ...(i < 4 ? [`post:${post}`] : [])], i !== 4);
      }
      await use({ forum, people, post });
      await Promise.allSettled(people.map((person) => person.go()));
      await forum.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

test.skip(!FOLDER, "the README's pictures are asked for by --readme");

/** Has somebody write for as long as it takes. */
async function whileWriting(person: Passer, room: string, page: Page, shoot: () => Promise<unknown>): Promise<void> {
  const again = setInterval(() => void person.types(room, true).catch(() => {}), 2_000);
  await person.types(room, true);
  await expect(page.getByText("Ines Okafor is writing…").first()).toBeVisible();
  // It fades in.
  await page.waitForTimeout(500);
  await shoot();
  clearInterval(again);
  await person.types(room, false);
}

test("the README's pictures", async ({ town: { forum, people, post }, browser }) => {
  const session = await forum.signIn(VIEWER);
  const open = async (path: string, options: BrowserContextOptions) => {
    const context = await browser.newContext({ baseURL: forum.url, ...options });
    await context.addCookies([{ name: "forum_session", value: encodeURIComponent(session), url: forum.url }]);
    const page = await context.newPage();
    await page.goto(path);
    await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
    await expect(page.locator("#here")).toContainText("people here");
    return page;
  };
  const desk = { viewport: { width: 1280, height: 900 } };
  const phone = { viewport: { width: 360, height: 772 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true };
  const file = (name: string) => join(FOLDER!, `${name}.png`);

  const board = await open(SQUARE, desk);
  await expect(board.locator("#here")).toHaveText("8 people here");
  await whileWriting(people[WRITES], "board:1", board, () => board.screenshot({ path: file("board") }));
  const dark = await open(`${SQUARE}/${post}`, { ...desk, colorScheme: "dark" });
  await whileWriting(people[WRITES], `post:${post}`, dark, () => dark.screenshot({ path: file("post-dark") }));

  const shots: Buffer[] = [];
  const small = await open(SQUARE, phone);
  await whileWriting(people[WRITES], "board:1", small, async () => shots.push(await small.screenshot()));
  await small.locator(".boards-button").tap();
  await expect(small.locator("#boards")).toBeVisible();
  await small.waitForTimeout(400);
  shots.push(await small.screenshot());
  const night = await open(`${SQUARE}/${post}`, { ...phone, colorScheme: "dark" });
  await night.locator("#comments-heading").evaluate((heading) => heading.scrollIntoView());
  await whileWriting(people[WRITES], `post:${post}`, night, async () => shots.push(await night.screenshot()));
  const sheet = await browser.newPage({ viewport: { width: 1100, height: 772 } });
  const images = shots.map((shot) => `<img src="data:image/png;base64,${shot.toString("base64")}" width="350">`);
  await sheet.setContent(`<body style="display:flex;justify-content:space-between;margin:0;padding:12px;background:#8b7e6e">${images.join("")}</body>`);
  await sheet.locator("body").screenshot({ path: file("phone") });

  await copyFile(join(process.env.PICTURES!, "community-200-people-light-1280.png"), file("two-hundred"));
});
