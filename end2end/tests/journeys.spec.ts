// What people come for, from the first page to the last, on one instance and on two; on a phone, by keyboard, without
// scripts, on a slow line, and while the server is restarted.
import { type Page } from "@playwright/test";
import type { Forum } from "../lib/forum.ts";
import { test as instances } from "../lib/instances.ts";
import { type Person, NETWORK, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const PASSWORD = "lanterns in the rain";

type Arrive = (forum: Forum, name: string, options?: object) => Promise<Person>;

const live = (page: Page) => expect(page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
const comment = (page: Page, text: string) => page.locator("li.comment", { hasText: text });

/** From the first page of a stranger, on a phone, to a comment that somebody else sees come. */
async function firstVisit(arrive: Arrive, one: Forum, other: Forum): Promise<void> {
  const post = await one.post(await one.signIn("Bob"), 1, "What happened at the pier?");
  const bob = await arrive(other, "Bob", { colorScheme: "dark" });
  await bob.page.goto(`${SQUARE}/${post}`);
  await live(bob.page);
  const { page } = await arrive(one, "", PHONE);
  await page.goto("/");
  await page.getByRole("link", { name: "Harbour Quarter" }).first().click();
  await page.getByRole("main").getByRole("link", { name: /square/i }).first().click();
  await page.getByRole("link", { name: "What happened at the pier?", exact: true }).click();
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Make an account" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.waitForURL(`**${SQUARE}/${post}`);
  await live(page);
  await expect(bob.here("Ada")).toBeVisible();
  await page.getByLabel("Your comment").pressSequentially("A whale");
  await expect(bob.page.getByText("Ada is writing…")).toBeVisible();
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  for (const seen of [page, bob.page]) await expect(comment(seen, "A whale")).toHaveCount(1);
  await expect(bob.page.locator(".rt-bell"), "whoever asked is told").toHaveAttribute("data-unread", "1");
  expect(await page.evaluate(() => document.documentElement.scrollWidth), "nothing stands out at the side").toBe(360);
}

/** A moderator takes down what somebody wrote, while others read it. */
async function moderation(arrive: Arrive, one: Forum, other: Forum): Promise<void> {
  const post = await one.post(await one.signIn("Ada"), 1, "Look at this");
  const session = await one.signIn("Cyd");
  const rude = await one.comment(session, post, "Something rude");
  await one.comment(await one.signIn("Ada"), post, "Please do not", rude);
  // Of the seed: Maren is an admin in the harbour, Tomás a moderator.
  const [maren, cyd, tomas] = [await arrive(one, "Maren Holt"), await arrive(other, "Cyd"), await arrive(other, "Tomás Rey")];
  await tomas.page.goto("/c/harbour");
  await tomas.settled();
  for (const { page } of [maren, cyd]) {
    await page.goto(`${SQUARE}/${post}`);
    await live(page);
  }
  await comment(cyd.page, "Something rude").getByRole("link", { name: "Reply" }).click();
  await cyd.page.getByLabel("Your answer").fill("And more of it");
  await comment(maren.page, "Something rude").getByRole("link", { name: "Delete" }).click();
  await maren.page.getByRole("button", { name: "Delete it" }).click();
  await expect(cyd.page.getByText("This comment was deleted.")).toBeVisible();
  await expect(comment(cyd.page, "Please do not"), "the answer stays").toBeVisible();
  await expect(tomas.page.locator(".moderated li")).toContainText("Maren Holt deleted a comment on Look at this by Cyd");
}

/** What is written in one community is read in its partner. */
async function partners(arrive: Arrive, one: Forum, other: Forum): Promise<void> {
  const lena = await arrive(other, "Lena Arvidsson");
  await lena.page.goto("/c/harbour");
  await lena.settled();
  // Of the seed: what the other communities share with the harbour.
  const shared = lena.page.locator(".partners .entry").first();
  await expect(shared).toContainText("· from ");
  const origin = await shared.getAttribute("data-origin");
  const reader = await arrive(one, "Ada");
  await reader.page.goto(`/c/${origin}`);
  await reader.settled();
  await reader.page.locator(".talk .entry h2 a").first().click();
  await reader.settled();
  await reader.page.getByLabel("Title").fill("News for the neighbours");
  await reader.page.getByLabel("Text").fill("Come and see.");
  await reader.page.getByRole("button", { name: "Post", exact: true }).click();
  const news = lena.page.locator(".partners .entry", { hasText: "News for the neighbours" });
  await expect(news).toHaveAttribute("data-origin", origin!);
  await news.getByRole("link", { name: "News for the neighbours" }).click();
  await expect(lena.page.getByRole("heading", { name: "News for the neighbours", level: 1 })).toBeVisible();
}

for (const [what, journey] of Object.entries({ "from the first visit to the first comment": firstVisit, moderation, "a partner community": partners })) {
  test(`${what}, on one instance`, async ({ forum, arrive, expected }) => {
    await journey(arrive, forum, forum);
  });
  instances(`${what}, on two instances`, async ({ instances: { one, other }, arrive, expected }) => {
    await journey(arrive, one, other);
  });
}

test("the server is restarted in the middle of a comment: the draft is there, also after a reload", async ({ forum, person, expected }) => {
  expected.push(NETWORK, /Failed to load resource/);
  const { page } = await person("Ada");
  const post = await forum.post(await forum.signIn("Bob"), 1, "A question");
  await forum.comment(await forum.signIn("Bob"), post, "The first word");
  await page.goto(`${SQUARE}/${post}`);
  await live(page);
  const text = page.getByLabel("Your comment");
  await text.pressSequentially("What I was about to");
  await forum.halt("SIGKILL");
  await text.pressSequentially(" say");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Please try again" })).toBeVisible();
  await expect(text).toHaveValue("What I was about to say");
  await forum.boot();
  await live(page);
  await page.reload();
  await expect(text).toHaveValue("What I was about to say");
  await comment(page, "The first word").getByRole("link", { name: "Reply" }).click();
  await page.getByLabel("Your answer").fill("And an answer");
  await page.reload();
  await expect(page.getByLabel("Your answer")).toHaveValue("And an answer");
  await page.getByRole("button", { name: "Answer" }).click();
  await expect(comment(page, "And an answer")).toHaveCount(1);
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(comment(page, "What I was about to say")).toHaveCount(1);
  await page.reload();
  await live(page);
  await expect(text, "what was sent is no draft").toHaveValue("");
  await expect(page.getByLabel("Your answer")).toHaveCount(0);
  for (const once of ["Something else", "And more of it"]) {
    await comment(page, "The first word").getByRole("link", { name: "Reply" }).first().click();
    await page.getByLabel("Your answer").fill(once);
    await page.reload();
    await expect(page.getByLabel("Your answer"), "also for a second answer").toHaveValue(once);
    await page.getByRole("link", { name: "Cancel" }).click();
    await page.reload();
    await live(page);
    await expect(page.getByLabel("Your answer"), "what is not wanted is no draft").toHaveCount(0);
  }
});

test("a comment that is being changed survives a reload, and a change that is none is no edit", async ({ forum, person }) => {
  const session = await forum.signIn("Ada");
  const post = await forum.post(session, 1, "A question");
  await forum.comment(session, post, "As it was");
  const { page } = await person("Ada");
  await page.goto(`${SQUARE}/${post}`);
  await live(page);
  const edit = () => comment(page, "As it was").getByRole("link", { name: "Edit" }).click();
  await edit();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("button", { name: "Save" })).toHaveCount(0);
  await expect(page.locator(".comment .edited")).toHaveCount(0);
  await edit();
  await page.locator(".comment textarea").fill("As it is now");
  await page.reload();
  await expect(page.locator(".comment textarea")).toHaveValue("As it is now");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(comment(page, "As it is now").locator(".edited")).toBeVisible();
  await page.reload();
  await live(page);
  await expect(page.locator(".comment textarea")).toHaveCount(0);
});

test("a new post is a draft until it is sent, and nobody else's", async ({ forum, person }) => {
  const ada = await person("Ada");
  const { page } = ada;
  await page.goto(SQUARE);
  await ada.settled();
  await page.getByLabel("Title").fill("Half a title");
  await page.getByLabel("Text").fill("Half a text");
  await page.reload();
  await expect(page.getByLabel("Title")).toHaveValue("Half a title");
  await expect(page.getByLabel("Text")).toHaveValue("Half a text");
  await ada.settled();
  await ada.signOut();
  await ada.context.addCookies([{ name: "forum_session", value: encodeURIComponent(await forum.signIn("Bob")), url: forum.url }]);
  await page.goto(SQUARE);
  await expect(ada.here("Bob")).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue("");
});

test("on a slow line the page can be read and used before its scripts are there", async ({ forum, person }) => {
  const post = await forum.post(await forum.signIn("Bob"), 1, "Far from the city");
  const { page, context } = await person("Ada");
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await context.route("**/pkg/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  const line = await context.newCDPSession(page);
  await line.send("Network.enable");
  // A slow 3G line, as the browser's own tools have it.
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 });
  await page.goto(`${SQUARE}/${post}`, { waitUntil: "commit" });
  await expect(page.getByRole("heading", { name: "Far from the city" })).toBeVisible();
  await page.getByLabel("Your comment").fill("Written before anything was loaded");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(comment(page, "Written before anything was loaded")).toHaveCount(1, { timeout: 30_000 });
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await page.getByLabel("Your comment").fill("Written while it loads");
  go();
  await live(page);
  await expect(page.getByLabel("Your comment"), "hydration takes nothing away").toHaveValue("Written while it loads");
});

test("by keyboard alone: in, to a board, a post, the inbox, the settings, and out", async ({ forum, person }) => {
  const session = await forum.signIn("Maren Holt");
  const post = await forum.post(session, 1, "For Maren");
  const maren = await person("");
  const { page } = maren;
  const tabTo = async (role: "button" | "link" | "textbox" | "switch", name: RegExp | string) => {
    const target = page.getByRole(role, { name }).first();
    await expect(target).toBeVisible();
    for (let i = 0; i < 120; i++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`${name} is not reached by Tab`);
  };
  const press = async (role: "button" | "link" | "switch", name: RegExp | string) => {
    await tabTo(role, name);
    await page.keyboard.press("Enter");
  };
  await page.goto("/");
  await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  await press("link", "Harbour Quarter");
  await page.waitForURL("**/c/harbour");
  await press("link", /The square/i);
  await page.waitForURL(`**${SQUARE}`);
  await press("link", "Sign in");
  await page.waitForURL("**/sign-in?next=**");
  await press("button", "Maren Holt");
  await page.waitForURL(`**${SQUARE}`);
  await press("link", "For Maren");
  await page.waitForURL(`**${SQUARE}/${post}`);
  await live(page);
  await forum.comment(await forum.signIn("Bob"), post, "Hello, Maren");
  await expect(page.locator(".rt-bell")).toHaveAttribute("data-unread", "1");
  await press("link", /notification/i);
  await page.waitForURL("**/inbox");
  await press("link", /Bob answered you/);
  await page.waitForURL(`**${SQUARE}/${post}**`);
  await press("button", "Maren Holt");
  await expect(page.locator(".menu")).toBeVisible();
  await press("link", "Settings");
  await page.waitForURL("**/settings");
  await press("button", "Maren Holt");
  await press("button", /^Sign out$/);
  await expect(page.getByRole("banner").getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("a member leaves a community and joins it again, also without JavaScript", async ({ person }) => {
  const bob = await person("Bob");
  await bob.page.goto("/c/harbour");
  await bob.settled();
  const ada = await person("Ada");
  await ada.page.goto("/c/orchard");
  await ada.settled();
  await expect(bob.here("Ada"), "wherever on the site").toBeVisible();
  await ada.page.goto("/c/harbour");
  await ada.settled();
  await ada.page.getByRole("button", { name: "Leave the community" }).click();
  await expect(ada.page.getByText("You are not a member")).toBeVisible();
  await ada.page.goto("/c/orchard");
  await ada.settled();
  await expect(bob.here("Ada")).toHaveCount(0);
  const byHand = await person("Ada", { javaScriptEnabled: false });
  await byHand.page.goto("/c/harbour");
  await byHand.page.getByRole("button", { name: "Join the community" }).click();
  await expect(byHand.page.getByText("You are a member.")).toBeVisible();
  await expect(bob.here("Ada"), "her open page says nothing, and she is seen").toBeVisible();
});

test("who takes another name is seen by it at once, without going; a new password signs out everywhere else", async ({ forum, person, expected }) => {
  expected.push(/status of 422/);
  await forum.signUp("Ada", PASSWORD);
  const bob = await person("Bob");
  await bob.page.goto(SQUARE);
  await bob.settled();
  const signIn = async () => {
    const one = await person("");
    await one.page.goto(`/sign-in?next=${SQUARE}`);
    await expect(one.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
    await one.page.getByLabel("Name", { exact: true }).fill("Ada");
    await one.page.getByLabel("Password").fill(PASSWORD);
    await one.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await one.page.waitForURL(`**${SQUARE}`);
    await expect(one.here("Ada")).toBeVisible();
    return one;
  };
  const [desk, phone] = [await signIn(), await signIn()];
  await desk.page.goto("/settings");
  await expect(desk.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await desk.page.getByRole("textbox", { name: "Name" }).fill("Bob");
  await desk.page.getByRole("button", { name: "Save the name" }).click();
  await expect(desk.page.getByRole("alert").filter({ hasText: "Somebody is called Bob" })).toBeVisible();
  await desk.page.getByRole("textbox", { name: "Name" }).fill("Ada Lovelace");
  await desk.page.getByRole("button", { name: "Save the name" }).click();
  await expect(desk.page.getByRole("banner").getByText("Ada Lovelace")).toBeVisible();
  await expect(bob.here("Ada Lovelace")).toBeVisible();
  await expect(phone.here("Ada Lovelace"), "her own other page too").toBeVisible();
  await desk.page.getByText("Change the password").click();
  const change = async (present: string) => {
    await desk.page.getByLabel("Present password").fill(present);
    await desk.page.getByLabel("New password").fill("an engine that weaves");
    await desk.page.getByRole("button", { name: "Change it" }).click();
  };
  await change("a guess");
  await expect(desk.page.getByRole("alert").filter({ hasText: "not your present password" })).toBeVisible();
  await change(PASSWORD);
  await expect(desk.page.getByText("All other browsers were signed out")).toBeVisible();
  await expect(phone.page.getByRole("banner").getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("a post shows while it is sent; where that fails it is a text again, with the focus in it", async ({ forum, person, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  const { page } = ada;
  await page.goto(SQUARE);
  await ada.settled();
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/api/create_post", async (route) => {
    await held;
    await route.fulfill({ status: 500, headers: { serverfnerror: "/api/create_post" }, body: JSON.stringify({ Internal: "away" }) });
  });
  await page.getByLabel("Title").fill("Is this on?");
  await page.getByLabel("Text").fill("One, two.");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await expect(page.locator(".post.pending")).toContainText("Is this on?");
  answer();
  await expect(page.locator(".post.pending")).toHaveCount(0);
  await expect(page.getByRole("alert").filter({ hasText: "Please try again" })).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue("Is this on?");
  await expect(page.getByLabel("Text")).toBeFocused();
  await page.unroute("**/api/create_post");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await expect(ada.post("Is this on?")).toHaveCount(1);
  await expect(page.getByLabel("Title")).toHaveValue("");
});

test("whoever reads a post is seen at its board, with what they read", async ({ forum, person }) => {
  const post = await forum.post(await forum.signIn("Bob"), 1, "Worth reading");
  const [ada, bob] = [await person("Ada"), await person("Bob")];
  await bob.page.goto(SQUARE);
  await bob.settled();
  await ada.page.goto(`${SQUARE}/${post}`);
  await ada.settled();
  await expect(bob.here("Ada")).toContainText("reads “Worth reading”");
  await expect(ada.page.getByText("2 people at")).toBeVisible();
});

instances("one of several browsers is signed out from another, and its page knows it", async ({ instances: { one, other }, arrive, expected }) => {
  const [desk, phone] = [await arrive(one, "Ada"), await arrive(other, "Ada")];
  await phone.page.goto(SQUARE);
  await phone.settled();
  await desk.page.goto("/settings");
  await expect(desk.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await desk.page.locator(".session").getByRole("button", { name: "Sign out" }).click();
  await expect(desk.page.locator(".session")).toHaveCount(1);
  await expect(phone.page.getByRole("banner").getByRole("link", { name: "Sign in" })).toBeVisible();
  await expect(desk.page.getByRole("banner").getByText("Ada")).toBeVisible();
});

test("who is signed out elsewhere while writing loses no page", async ({ forum, person }) => {
  const [desk, phone] = [await person("Ada"), await person("Ada")];
  const post = await forum.post(await forum.signIn("Bob"), 1, "A question");
  await phone.page.goto(`${SQUARE}/${post}`);
  await live(phone.page);
  await phone.page.getByLabel("Your comment").pressSequentially("I was about to");
  await desk.page.goto("/settings");
  await expect(desk.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await desk.page.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(phone.page.getByRole("main").getByRole("link", { name: "Sign in" })).toBeVisible();
  await forum.comment(await forum.signIn("Bob"), post, "Still live");
  await expect(comment(phone.page, "Still live")).toHaveCount(1);
});

test("a notification leads to the comment that it tells of, and a slash too many to the same page", async ({ forum, person }) => {
  const session = await forum.signIn("Bob");
  const post = await forum.post(await forum.signIn("Ada"), 1, "A long thread");
  for (let i = 0; i < 30; i++) await forum.comment(session, post, `Remark ${i}\n\nand some more lines\n\nof it`);
  const ada = await person("Ada", { viewport: { width: 1000, height: 600 } });
  await ada.page.goto("/inbox");
  await expect(ada.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await ada.page.getByRole("link", { name: /answered you in “A long thread”/ }).first().click();
  const last = comment(ada.page, "Remark 29");
  await expect(last).toBeInViewport();
  await expect(last).toBeFocused();
  const answer = await fetch(`${forum.url}${SQUARE}/?before=3`, { redirect: "manual" });
  expect([answer.status, answer.headers.get("location")]).toEqual([308, `${SQUARE}?before=3`]);
});

test("of two presses on a slow line the last one counts", async ({ forum, person }) => {
  const { page } = await person("Ada");
  const post = await forum.post(await forum.signIn("Bob"), 1, "Vote on this");
  await page.goto(`${SQUARE}/${post}`);
  await live(page);
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route("**/api/vote", async (route) => {
    await held;
    await route.continue();
  });
  const vote = (name: string) => page.locator(".post-alone").getByRole("button", { name });
  await vote("Vote for it").click();
  await vote("Vote against it").click();
  await expect(vote("Vote against it")).toHaveAttribute("aria-pressed", "true");
  go();
  await expect(page.locator(".post-alone .votes")).toHaveAttribute("data-pending", "false");
  await expect(page.locator(".post-alone .votes-count")).toContainText("-1");
  await page.reload();
  await expect(vote("Vote against it")).toHaveAttribute("aria-pressed", "true");
});

test("a role is given to the person whose it is, and no control shows another's", async ({ forum, person }) => {
  for (const name of ["Ada", "Bob", "Cyd"]) await forum.signIn(name);
  const maren = await person("Maren Holt");
  const { page } = maren;
  await page.goto("/c/harbour/manage");
  await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  const roles = () => page.locator(".member").evaluateAll((rows) => rows.map((row) => [row.querySelector("bdi")!.textContent, row.querySelector("select")!.value]));
  const before = Object.fromEntries(await roles());
  await page.getByRole("combobox", { name: "Cyd" }).selectOption("moderator");
  await page.getByRole("button", { name: "Save the role of Cyd" }).click();
  await expect.poll(async () => Object.fromEntries(await roles())).toEqual({ ...before, Cyd: "moderator" });
  await expect(page.getByRole("button", { name: "Save the role of Cyd" })).toBeFocused();
});
