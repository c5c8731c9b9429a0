// What people say to each other below a post, and what becomes of it: live, for everybody who reads it.
import type { Page } from "@playwright/test";
import { type Person, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

const comment = (page: Page, text: string) => page.locator("li.comment", { hasText: text });
const votes = (page: Page) => page.locator(".post-alone .votes-count");
const live = (page: Page) => expect(page.locator(".rt-presence")).toHaveAttribute("data-state", "live");

/** Opens a post, alive. */
async function read(person: Person, post: number): Promise<void> {
  await person.page.goto(`${SQUARE}/${post}`);
  await live(person.page);
}

test("votes count for everybody at once, can be changed and taken back", async ({ forum, person }) => {
  const [ada, bob] = [await person("Ada"), await person("Bob")];
  const post = await forum.post(await forum.signIn("Ada"), 1, "Vote on this");
  await read(ada, post);
  await bob.page.goto(SQUARE);
  await bob.settled();
  const card = bob.page.locator(".post", { hasText: "Vote on this" });
  const up = ada.page.locator(".post-alone").getByRole("button", { name: "Vote for it" });
  const down = ada.page.locator(".post-alone").getByRole("button", { name: "Vote against it" });
  await up.click();
  await expect(up).toHaveAttribute("aria-pressed", "true");
  for (const count of [votes(ada.page), card.locator(".votes-count")]) await expect(count).toContainText("1");
  await card.getByRole("button", { name: "Vote for it" }).click();
  for (const count of [votes(ada.page), card.locator(".votes-count")]) await expect(count).toContainText("2");
  await down.click();
  await expect(down).toHaveAttribute("aria-pressed", "true");
  await expect(up).toHaveAttribute("aria-pressed", "false");
  for (const count of [votes(ada.page), card.locator(".votes-count")]) await expect(count).toContainText("0");
  await down.click();
  for (const count of [votes(ada.page), card.locator(".votes-count")]) await expect(count).toContainText("1");
  await ada.page.reload();
  await expect(down).toHaveAttribute("aria-pressed", "false");
  await expect(votes(ada.page)).toContainText("1");
});

test("a vote shows at once, and is taken back where the server refuses it", async ({ forum, person, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  await read(ada, await forum.post(await forum.signIn("Bob"), 1, "Vote on this"));
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await ada.page.route("**/api/vote", async (route) => {
    await held;
    await route.fulfill({ status: 500, headers: { serverfnerror: "/api/vote" }, body: JSON.stringify({ Internal: "away" }) });
  });
  const up = ada.page.locator(".post-alone").getByRole("button", { name: "Vote for it" });
  await up.click();
  await expect(votes(ada.page), "before the server has answered").toContainText("1");
  await expect(up).toHaveAttribute("aria-pressed", "true");
  answer();
  await expect(votes(ada.page)).toContainText("0");
  await expect(up).toHaveAttribute("aria-pressed", "false");
  await expect(ada.page.getByText("Not counted. Try again?")).toBeVisible();
});

test("comments answer each other, in place, and whoever is answered is told", async ({ forum, person }) => {
  const [ada, bob] = [await person("Ada"), await person("Bob")];
  const post = await forum.post(await forum.signIn("Ada"), 1, "A question");
  const session = await forum.signIn("Bob");
  const first = await forum.comment(session, post, "The first word");
  await forum.comment(session, post, "The last word");
  await read(ada, post);
  await read(bob, post);
  await comment(ada.page, "The first word").getByRole("link", { name: "Reply" }).click();
  await expect(ada.page.getByLabel("Your answer")).toBeFocused();
  await ada.page.getByLabel("Your answer").fill("An answer, *at once*");
  await ada.page.getByRole("button", { name: "Answer" }).click();
  for (const { page } of [ada, bob]) {
    await expect(page.locator(".comment")).toHaveText([/The first word/, /An answer, at once/, /The last word/]);
    await expect(comment(page, "An answer")).toHaveAttribute("data-depth", "1");
  }
  await expect(ada.page.getByLabel("Your answer")).toHaveCount(0);
  await expect(bob.page.locator(".rt-bell")).toHaveAttribute("data-unread", "1");
  await bob.page.goto("/inbox");
  await bob.page.getByRole("link", { name: /Ada answered you in “A question”/ }).click();
  await expect(bob.page).toHaveURL(new RegExp(`${SQUARE}/${post}#comment-\\d+$`));
  expect(first).toBeGreaterThan(0);
});

test("a comment shows while it is sent; where that fails it is a text again", async ({ forum, person, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  await read(ada, await forum.post(await forum.signIn("Bob"), 1, "A question"));
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await ada.page.route("**/api/create_comment", async (route) => {
    await held;
    await route.fulfill({ status: 500, headers: { serverfnerror: "/api/create_comment" }, body: JSON.stringify({ Internal: "away" }) });
  });
  const text = ada.page.getByLabel("Your comment");
  await text.fill("Is anybody here?");
  await ada.page.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(ada.page.locator(".comment.pending")).toContainText("Is anybody here?");
  answer();
  await expect(ada.page.locator(".comment.pending")).toHaveCount(0);
  await expect(ada.page.getByRole("alert").filter({ hasText: "Please try again" })).toBeVisible();
  await expect(text).toHaveValue("Is anybody here?");
  await ada.page.unroute("**/api/create_comment");
  await ada.page.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(comment(ada.page, "Is anybody here?")).toHaveCount(1);
});

test("what its author changes or deletes changes for everybody, and the answers stay", async ({ forum, person }) => {
  const [ada, bob] = [await person("Ada"), await person("Bob")];
  const session = await forum.signIn("Ada");
  const post = await forum.post(session, 1, "Befor the edit", "Old words");
  const first = await forum.comment(session, post, "To be changed");
  await forum.comment(await forum.signIn("Bob"), post, "An answer that stays", first);
  await read(ada, post);
  await read(bob, post);
  await expect(bob.page.locator(".post-alone").getByRole("link", { name: /Edit|Delete/ })).toHaveCount(0);

  await ada.page.locator(".post-alone").getByRole("link", { name: "Edit" }).click();
  await ada.page.getByLabel("Title").fill("After the edit");
  await ada.page.getByLabel("Text").fill("New **words**");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(bob.page.getByRole("heading", { name: "After the edit", level: 1 })).toBeVisible();
  await expect(bob.page.locator(".post-alone strong")).toHaveText("words");
  await expect(bob.page.locator(".post-alone .edited")).toBeVisible();

  await comment(ada.page, "To be changed").getByRole("link", { name: "Edit" }).click();
  await ada.page.locator(".comment textarea").fill("Changed");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(comment(bob.page, "Changed")).toBeVisible();

  await comment(ada.page, "Changed").getByRole("link", { name: "Delete" }).click();
  await ada.page.getByRole("button", { name: "Delete it" }).click();
  for (const { page } of [ada, bob]) {
    await expect(page.locator(".comment").first()).toContainText("This comment was deleted.");
    await expect(comment(page, "An answer that stays")).toHaveAttribute("data-depth", "1");
    await expect(page.getByText("Changed")).toHaveCount(0);
  }
  await ada.page.locator(".post-alone").getByRole("link", { name: "Delete" }).click();
  await ada.page.getByRole("button", { name: "Delete it" }).click();
  await expect(bob.page.getByRole("heading", { name: "This post was deleted.", level: 1 })).toBeVisible();
  await expect(comment(bob.page, "An answer that stays")).toBeVisible();
  await bob.page.goto(SQUARE);
  await expect(bob.post("After the edit")).toHaveCount(0);
});

test("a moderator deletes what others wrote, and the other moderators see it", async ({ forum, person }) => {
  // Of the seed: Maren is an admin in the harbour, Tomás a moderator.
  const [maren, tomas, ada] = [await person("Maren Holt"), await person("Tomás Rey"), await person("Ada")];
  const post = await forum.post(await forum.signIn("Ada"), 1, "Buy my watches");
  await tomas.page.goto("/c/harbour");
  await tomas.settled();
  await expect(tomas.page.getByText("Nothing has been deleted.")).toBeVisible();
  await ada.page.goto("/c/harbour");
  await expect(ada.page.getByRole("heading", { name: "For moderators" })).toHaveCount(0);
  await ada.page.goto(SQUARE);
  await ada.settled();
  await read(maren, post);
  await expect(maren.page.locator(".post-alone").getByRole("link", { name: "Edit" })).toHaveCount(0);
  await maren.page.locator(".post-alone").getByRole("link", { name: "Delete" }).click();
  await maren.page.getByRole("button", { name: "Delete it" }).click();
  await expect(ada.page.locator(`#post-${post}`)).toContainText("This post was deleted.");
  await expect(tomas.page.locator(".moderated li")).toContainText("Maren Holt deleted the post Buy my watches by Ada");
});

test("who has scrolled down is told of new posts, and sees them when they like", async ({ forum, person }) => {
  const ada = await person("Ada", { viewport: { width: 1000, height: 500 } });
  await ada.page.goto(SQUARE);
  await ada.settled();
  await ada.page.mouse.wheel(0, 2_000);
  await expect.poll(() => ada.page.evaluate(() => window.scrollY)).toBeGreaterThan(300);
  const before = await ada.page.evaluate(() => window.scrollY);
  const session = await forum.signIn("Bob");
  await forum.post(session, 1, "One");
  await expect(ada.page.getByRole("button", { name: "1 new post" })).toBeVisible();
  for (const title of ["Two", "Three"]) await forum.post(session, 1, title);
  const pill = ada.page.getByRole("button", { name: "3 new posts" });
  await expect(pill).toBeVisible();
  await expect(ada.post("Three")).toHaveCount(0);
  expect(await ada.page.evaluate(() => window.scrollY), "nothing has moved").toBe(before);
  await pill.click();
  await expect(ada.page.locator(".post h2").first()).toHaveText("Three");
  await expect(pill).toHaveCount(0);
  await expect.poll(() => ada.page.evaluate(() => window.scrollY)).toBe(0);
});

test("older posts and more comments come as they are asked for", async ({ forum, person }) => {
  const session = await forum.signIn("Bob");
  const posts: number[] = [];
  for (let i = 1; i <= 30; i++) posts.push(await forum.post(session, 3, `Number ${i}`));
  for (let i = 1; i <= 70; i++) await forum.comment(session, posts[0], `Remark ${i}`);
  const ada = await person("Ada");
  await ada.page.goto("/c/harbour/borrow");
  await ada.settled();
  await expect(ada.page.locator(".post")).toHaveCount(25);
  await ada.page.getByRole("link", { name: "Older posts" }).click();
  await expect(ada.page.locator(".post")).toHaveCount(31);
  await expect(ada.page.getByRole("link", { name: "Older posts" })).toHaveCount(0);
  await ada.page.goto(`/c/harbour/borrow/${posts[0]}`);
  await live(ada.page);
  await expect(ada.page.locator(".comment")).toHaveCount(60);
  await ada.page.getByRole("link", { name: "More comments" }).click();
  await expect(ada.page.locator(".comment")).toHaveCount(70);
  const byHand = await person("", { javaScriptEnabled: false });
  await byHand.page.goto("/c/harbour/borrow");
  await byHand.page.getByRole("link", { name: "Older posts" }).click();
  await expect(byHand.page.locator(".post")).toHaveCount(6);
  await byHand.page.getByRole("link", { name: "To the newest posts" }).click();
  await expect(byHand.page.locator(".post")).toHaveCount(25);
});

test("without JavaScript: vote, comment, answer, change and delete", async ({ forum, person }) => {
  const post = await forum.post(await forum.signIn("Bob"), 1, "By hand");
  const { page } = await person("Ada", { javaScriptEnabled: false });
  await page.goto(`${SQUARE}/${post}`);
  await page.locator(".post-alone").getByRole("button", { name: "Vote for it" }).click();
  await expect(votes(page)).toContainText("1");
  await expect(page.locator(".post-alone").getByRole("button", { name: "Vote for it" })).toHaveAttribute("aria-pressed", "true");
  await page.getByLabel("Your comment").fill("Written by hand");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(comment(page, "Written by hand")).toHaveCount(1);
  await comment(page, "Written by hand").getByRole("link", { name: "Reply" }).click();
  await page.getByLabel("Your answer").fill("Answered by hand");
  await page.getByRole("button", { name: "Answer" }).click();
  await expect(comment(page, "Answered by hand")).toHaveAttribute("data-depth", "1");
  await page.goto(`${SQUARE}/${post}`);
  await comment(page, "Answered by hand").getByRole("link", { name: "Edit" }).click();
  await page.locator(".comment textarea").fill("Changed by hand");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(comment(page, "Changed by hand")).toHaveCount(1);
  await page.goto(`${SQUARE}/${post}`);
  await comment(page, "Changed by hand").getByRole("link", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete it" }).click();
  await expect(page.locator(".comment").last()).toContainText("This comment was deleted.");
});

test("by keyboard alone: read, vote, comment, answer, and delete", async ({ forum, person }) => {
  const ada = await person("Ada");
  const { page } = ada;
  await read(ada, await forum.post(await forum.signIn("Bob"), 1, "By keyboard"));
  const tabTo = async (name: RegExp | string, role: "button" | "link" | "textbox") => {
    const target = page.getByRole(role, { name }).first();
    for (let i = 0; i < 60; i++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`${name} is not reached by Tab`);
  };
  await tabTo("Vote for it", "button");
  await page.keyboard.press("Space");
  await expect(votes(page)).toContainText("1");
  await tabTo("Your comment", "textbox");
  await page.keyboard.type("Typed");
  await tabTo("Comment", "button");
  await page.keyboard.press("Enter");
  await expect(comment(page, "Typed")).toHaveCount(1);
  await tabTo(/^Reply/, "link");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Your answer")).toBeFocused();
  await page.keyboard.type("Answered");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator(".comment[data-depth='1']"), "the focus is on what was written").toBeFocused();
  await tabTo(/^Delete/, "link");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Delete it" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByText("This comment was deleted.")).toHaveCount(1);
});

test("partners are proposed by one side, accepted by the other, and share what was said they would", async ({ forum, person }) => {
  // Of the seed: Maren decides in the harbour, Lena on the hill.
  const [maren, lena] = [await person("Maren Holt"), await person("Lena Arvidsson")];
  await maren.page.goto("/c/harbour");
  await maren.page.getByRole("link", { name: "Partners and roles" }).click();
  await maren.page.getByLabel("Share with", { exact: true }).selectOption({ label: "Orchard Hill" });
  await maren.page.getByRole("form", { name: "Propose a partnership" }).getByLabel("Comments").check();
  await maren.page.getByRole("button", { name: "Propose" }).click();
  await expect(maren.page.getByText("proposed: their admins have not accepted yet")).toBeVisible();
  await lena.page.goto("/c/orchard/manage");
  await expect(lena.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await lena.page.getByRole("button", { name: "Accept Harbour Quarter" }).click();
  await expect(lena.page.getByRole("button", { name: "Accept Harbour Quarter" })).toHaveCount(0);
  await lena.page.goto("/c/orchard");
  await lena.settled();
  const session = await forum.signIn("Ada");
  const post = await forum.post(session, 1, "From the harbour");
  await forum.comment(session, post, "And a word on it");
  const partners = lena.page.locator(".partners");
  await expect(partners.locator(".entry", { hasText: "From the harbour" })).toContainText("from Harbour Quarter");
  await expect(partners).toContainText("And a word on it");
  await maren.page.getByRole("button", { name: "End the partnership with Orchard Hill" }).click();
  await expect(maren.page.getByRole("button", { name: "End the partnership with Orchard Hill" })).toHaveCount(0);
  await expect(async () => {
    await lena.page.reload();
    await expect(partners).toHaveCount(0, { timeout: 1_000 });
  }).toPass();
});
