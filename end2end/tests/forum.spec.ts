import { NETWORK, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

test("signing in by name and out again, live, without loading the page anew", async ({ person }) => {
  const ada = await person("Ada");
  await ada.page.goto(SQUARE);
  await ada.settled();
  const bob = await person("");
  const { page } = bob;
  await page.goto(SQUARE);
  await expect(ada.page.getByText("and one guest")).toBeVisible();
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("Your name").fill("Bob");
  await page.getByRole("button", { name: "Look around" }).click();
  await page.waitForURL(`**${SQUARE}`);
  await expect(page.getByRole("banner").getByText("Bob")).toBeVisible();
  await expect(ada.here("Bob")).toBeVisible();
  await expect(ada.page.getByText("and one guest")).toHaveCount(0);
  await bob.signOut();
  await expect(page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
  await expect(ada.here("Bob"), "signing out knows no grace").toHaveCount(0, { timeout: 4_000 });
});

test("a name that is refused says why, and changes nothing for others", async ({ person, expected }) => {
  expected.push(/status of 422/);
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto(SQUARE);
  const gone: string[] = [];
  ada.page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => String(payload).includes('"gone"') && gone.push(String(payload))),
  );
  await ada.page.reload();
  await ada.settled();
  await bob.page.goto("/sign-in");
  await expect(bob.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await bob.page.getByLabel("Your name").fill("   ");
  await bob.page.getByRole("button", { name: "Look around" }).click();
  await expect(bob.page.getByRole("alert").filter({ hasText: "A name is needed." })).toBeVisible();
  await expect(bob.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  expect(gone).toEqual([]);
});

test("without JavaScript: sign in, read, post", async ({ browser, forum }) => {
  const context = await browser.newContext({ baseURL: forum.url, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`/sign-in?next=${SQUARE}`);
  await page.getByLabel("Your name").fill("Ada");
  await page.getByRole("button", { name: "Look around" }).click();
  await page.waitForURL(`**${SQUARE}`);
  await page.getByLabel("Title").fill("By hand");
  await page.getByLabel("Text").fill("No script was harmed.");
  await page.getByRole("button", { name: "Post" }).click();
  await expect(page.locator(".post").first()).toContainText("By hand");
  await context.close();
});

test("without JavaScript: a name or a text that is refused says why", async ({ browser, forum }) => {
  const context = await browser.newContext({ baseURL: forum.url, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`/sign-in?next=${SQUARE}`);
  await page.getByLabel("Your name").fill("   ");
  await page.getByRole("button", { name: "Look around" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "A name is needed." })).toBeVisible();
  await page.getByLabel("Your name").fill("Ada");
  await page.getByRole("button", { name: "Look around" }).click();
  await page.goto(SQUARE);
  await page.getByLabel("Title").fill("Lines");
  await page.getByLabel("Text").fill("a\n".repeat(2_000).slice(0, 3_999));
  await page.getByRole("button", { name: "Post" }).click();
  await expect(page.locator(".post").first(), "a line break counts once").toContainText("Lines");
  await page.getByLabel("Title").fill("  ");
  await page.getByLabel("Text").fill("…");
  await page.getByRole("button", { name: "Post" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "A title is needed." })).toBeVisible();
  await context.close();
});

test("a post that cannot be sent says so, and the text is kept", async ({ forum, person, expected }) => {
  expected.push(NETWORK);
  const ada = await person("Ada");
  await ada.page.goto(SQUARE);
  await ada.settled();
  await ada.page.getByLabel("Title").fill("Lost?");
  await ada.page.getByLabel("Text").fill("Not at all.");
  await forum.halt();
  await ada.page.getByRole("button", { name: "Post" }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "Please try again" })).toBeVisible();
  await expect(ada.page.getByLabel("Text")).toHaveValue("Not at all.");
  await forum.boot();
  await ada.page.getByRole("button", { name: "Post" }).click();
  await expect(ada.post("Lost?")).toHaveCount(1);
});

test("nonsense is refused with a sentence", async ({ forum, person, expected }) => {
  expected.push(/status of (404|500)/);
  const session = await forum.signIn("Ada");
  await expect(forum.post(session, 1, " ")).rejects.toThrow("A title is needed.");
  await expect(forum.post(session, 1, "x".repeat(121))).rejects.toThrow("at most 120 characters");
  await expect(forum.post(session, 999, "Nowhere")).rejects.toThrow("NotFound");
  await expect(forum.post("forged", 1, "Hello")).rejects.toThrow("SignIn");
  const ada = await person("Ada");
  const answer = await ada.page.goto("/c/nowhere");
  expect(answer?.status()).toBe(404);
  await expect(ada.page.getByRole("heading", { name: "There is nothing at this address." })).toBeVisible();
  expect((await ada.page.goto("/nowhere/at/all"))?.status()).toBe(404);
});

test("a forged session cookie makes a guest, not an error", async ({ forum, person }) => {
  const { context, page } = await person("");
  await context.addCookies([{ name: "forum_session", value: "forged", url: forum.url }]);
  await page.goto(SQUARE);
  await expect(page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
  await expect(page.getByText("One guest is here")).toBeVisible();
});
