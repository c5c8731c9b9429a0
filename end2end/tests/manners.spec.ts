// What people take for granted: back leads to where they were, what was deleted is gone everywhere, and what they wrote
// is not.
import { type Page } from "@playwright/test";
import { expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

const live = (page: Page) => expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
const top = (page: Page) => page.evaluate(() => Math.round(window.scrollY));

test("back leads to where the reader was, and forward again", async ({ forum, person }) => {
  const bob = await forum.signIn("Bob");
  const long = Array.from({ length: 40 }, (_, line) => `Line ${line}`).join("\n\n");
  const posts = [];
  for (let number = 0; number < 12; number++) posts.push(await forum.post(bob, 1, `Number ${number}`, long));
  // The post's own page is longer than the place at the board.
  for (let number = 0; number < 60; number++) await forum.comment(bob, posts[2], `Remark ${number}`);
  const { page } = await person("Ada");
  await page.goto(SQUARE);
  await live(page);
  const read = page.locator(`#post-${posts[2]} h2 a`);
  await read.scrollIntoViewIfNeeded();
  const place = await top(page);
  expect(place).toBeGreaterThan(1_000);
  // Slowly enough that there is a page without its data meanwhile.
  await page.route("**/api/board?**", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await read.click();
  await expect(page.getByRole("heading", { name: "Number 2", level: 1 })).toBeVisible();
  expect(await top(page), "a page begins at its top").toBe(0);
  await page.evaluate(() => window.scrollTo(0, 700));
  await expect.poll(() => top(page)).toBe(700);
  await page.goBack();
  await expect(read).toBeVisible();
  await expect.poll(() => top(page)).toBe(place);
  await page.goForward();
  await expect(page.getByRole("heading", { name: "Number 2", level: 1 })).toBeAttached();
  await expect.poll(() => top(page)).toBe(700);
});

test("what was deleted is gone from the inboxes of whoever was told, and what was being written to it is not", async ({ forum, person }) => {
  const bob = await forum.signIn("Bob");
  const [ada, cyd] = [await person("Ada"), await person("Cyd")];
  const post = await forum.post(bob, 1, "Meant for nobody", "And for @Ada");
  await ada.page.goto("/inbox");
  await live(ada.page);
  await expect(ada.page.getByText("Bob mentioned you in “Meant for nobody”")).toBeVisible();
  await expect(ada.page.locator(".rt-bell")).toHaveAttribute("data-unread", "1");
  await cyd.page.goto(`${SQUARE}/${post}`);
  await live(cyd.page);
  await cyd.page.getByLabel("Your comment").fill("A long and careful answer");
  await forum.written("delete", { subject: "post", id: post }, bob);
  await expect(ada.page.getByText("Meant for nobody")).toHaveCount(0);
  await expect(ada.page.locator(".rt-bell")).toHaveAttribute("data-unread", "0");
  await ada.page.goto("/inbox?show=archive");
  await live(ada.page);
  await expect(ada.page.getByText("Meant for nobody")).toHaveCount(0);
  expect(await ada.page.content()).not.toContain("Meant for nobody");
  await expect(cyd.page.getByLabel("This is what you were writing")).toHaveValue("A long and careful answer");
  await cyd.page.getByRole("button", { name: "Discard it" }).click();
  await expect(cyd.page.getByLabel("This is what you were writing")).toHaveCount(0);
});

test("a post that is deleted leaves the pages of partner communities", async ({ forum, person }) => {
  const lena = await person("Lena Arvidsson");
  await lena.page.goto("/c/harbour");
  await lena.settled();
  const shared = lena.page.locator(".partners .entry");
  const origin = await shared.first().getAttribute("data-origin");
  const boards = await lena.context.request.get(`/api/community?slug=${origin}`);
  const board = ((await boards.json()) as { boards: { id: number }[] }).boards[0].id;
  const bob = await forum.signIn("Bob");
  const post = await forum.post(bob, board, "News for a moment");
  await expect(shared.filter({ hasText: "News for a moment" })).toHaveCount(1);
  await forum.written("edit_post", { post, title: "News, corrected", body: "…" }, bob);
  await expect(shared.filter({ hasText: "News, corrected" })).toHaveCount(1);
  await forum.written("delete", { subject: "post", id: post }, bob);
  await expect(shared.filter({ hasText: "News" })).toHaveCount(0);
});

test("who opens a post has read what they were told of it", async ({ forum, person }) => {
  const { page } = await person("Ada");
  const bob = await forum.signIn("Bob");
  const post = await forum.post(bob, 1, "For Ada", "Hello, @Ada");
  await forum.post(bob, 1, "For Ada too", "And this, @Ada");
  await page.goto(SQUARE);
  await live(page);
  await expect(page.locator(".rt-bell")).toHaveAttribute("data-unread", "2");
  await page.locator(`#post-${post} h2 a`).click();
  await expect(page.locator(".rt-bell")).toHaveAttribute("data-unread", "1");
  await page.reload();
  await expect(page.locator(".rt-bell")).toHaveAttribute("data-unread", "1");
});

test("the first page shows who is where, and what was said last", async ({ forum, person }) => {
  const ada = await person("Ada");
  await ada.page.goto(SQUARE);
  await ada.settled();
  await forum.post(await forum.signIn("Bob"), 1, "The latest news");
  const { page } = await person("Cyd");
  await page.goto("/");
  await live(page);
  const harbour = page.locator(".entry", { hasText: "Harbour Quarter" });
  await expect(harbour.getByRole("img", { name: /^Ada, online/ })).toBeVisible();
  await expect(harbour.getByText(/there now$/)).toBeVisible();
  await harbour.getByRole("link", { name: "The latest news" }).click();
  await expect(page.getByRole("heading", { name: "The latest news", level: 1 })).toBeVisible();
  await page.goto("/c/harbour");
  await expect(page.locator(".talk .entry", { hasText: "square" }).getByText("1 there now")).toBeVisible();
  await ada.page.goto("/c/orchard");
  await expect(page.getByText("1 there now"), "live").toHaveCount(0);
});

test("an admin finds a member among many", async ({ forum, person }) => {
  await forum.signIn("Ada Lovelace");
  const { page } = await person("Maren Holt");
  await page.goto("/c/harbour/manage");
  await live(page);
  const all = await page.locator(".member:visible").count();
  await page.getByLabel("Find a member").pressSequentially("Ada L");
  await expect(page.getByLabel("Find a member"), "as it was typed").toHaveValue("Ada L");
  await expect(page.locator(".member:visible")).toHaveCount(1);
  await expect(page.locator(".member:visible")).toContainText("Ada Lovelace");
  await page.getByLabel("Find a member").fill("");
  await expect(page.locator(".member:visible")).toHaveCount(all);
});

test("on a phone writing takes one line until somebody writes, also without JavaScript", async ({ person }) => {
  for (const javaScriptEnabled of [true, false]) {
    const { page } = await person("Ada", { ...PHONE, javaScriptEnabled });
    await page.goto(SQUARE);
    if (javaScriptEnabled) await live(page);
    const [title, text] = [page.locator("#title"), page.locator("#body")];
    await expect(title).toBeVisible();
    await expect(text).toBeHidden();
    await title.focus();
    await expect(text).toBeVisible();
    await title.fill("A title");
    await title.blur();
    await expect(text, "what was begun stays open").toBeVisible();
  }
});

test("a long post says that there is more, and an address in it leads there", async ({ forum, person }) => {
  const bob = await forum.signIn("Bob");
  await forum.post(bob, 1, "Short", "See https://example.org/a_b.");
  const post = await forum.post(bob, 1, "Long", "A line.\n\n".repeat(30));
  const { page } = await person("Ada");
  await page.goto(SQUARE);
  await live(page);
  await expect(page.locator(".post", { hasText: "Short" }).getByRole("link", { name: "https://example.org/a_b" })).toHaveAttribute("href", "https://example.org/a_b");
  await expect(page.locator(".post", { hasText: "Short" }).getByRole("link", { name: "Read on" })).toHaveCount(0);
  await page.locator(`#post-${post}`).getByRole("link", { name: "Read on" }).click();
  await expect(page.getByRole("heading", { name: "Long", level: 1 })).toBeVisible();
});
