// Accounts: a name and a password, where somebody is signed in, and how that ends.
import type { Page } from "@playwright/test";
import { test as instances } from "../lib/instances.ts";
import { Person, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";
const PASSWORD = "lanterns in the rain";

const alert = (page: Page, text: string) => page.getByRole("alert").filter({ hasText: text });

async function signUp(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Make the account" }).click();
}

test("from no account to the first post, and the first comment on it, live for both", async ({ person }) => {
  const [ada, bob] = [await person(""), await person("")];
  for (const [one, name] of [[ada, "Ada"], [bob, "Bob"]] as const) {
    await one.page.goto(SQUARE);
    await expect(one.page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
    await one.page.getByRole("link", { name: "Sign in" }).first().click();
    await one.page.getByRole("link", { name: "Make an account" }).click();
    await signUp(one.page, name);
    await one.page.waitForURL(`**${SQUARE}`);
    await expect(one.page.getByRole("banner").getByText(name)).toBeVisible();
    await expect(one.here(name)).toBeVisible();
  }
  await ada.page.getByLabel("Title").fill("My first post");
  await ada.page.getByLabel("Text").fill("Hello, **everybody**.");
  await ada.page.getByRole("button", { name: "Post", exact: true }).click();
  await expect(bob.post("My first post")).toBeVisible();
  await expect(bob.page.locator(".post").first().locator("strong")).toHaveText("everybody");
  for (const one of [ada, bob]) {
    await one.page.getByRole("link", { name: "My first post", exact: true }).click();
    await expect(one.page.getByRole("heading", { name: "My first post", level: 1 })).toBeVisible();
    await expect(one.page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
  }
  await bob.page.getByLabel("Your comment").pressSequentially("Welcome");
  await expect(ada.page.getByText("Bob is writing…")).toBeVisible();
  await bob.page.getByRole("button", { name: "Comment", exact: true }).click();
  for (const one of [ada, bob]) {
    await expect(one.page.locator(".comment", { hasText: "Welcome" })).toHaveCount(1);
    await expect(one.page.getByRole("heading", { name: "1 comment" })).toBeVisible();
  }
  await expect(bob.page.getByLabel("Your comment"), "what was sent is cleared").toHaveValue("");
  await expect(ada.page.locator(".rt-bell"), "whoever is answered is told").toHaveAttribute("data-unread", "1");
});

test("a name or a password that cannot be taken is told why, and nothing typed is lost", async ({ person, expected }) => {
  expected.push(/status of 422/);
  const { page } = await person("");
  await page.goto("/sign-up");
  await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await signUp(page, "@ada");
  await expect(alert(page, "not “@”")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("@ada");
  await signUp(page, "Maren Holt");
  await expect(alert(page, "Somebody is called Maren Holt already")).toBeVisible();
  await signUp(page, "password123", "PASSWORD123");
  await expect(alert(page, "The password is your name")).toBeVisible();
  await signUp(page, "Ada");
  await expect(page.getByRole("banner").getByText("Ada")).toBeVisible();
});

test("signing in asks for the password, also without JavaScript, and survives a restart", async ({ forum, person, expected }) => {
  // The client is not wanted here; it may be on its way when the server goes.
  expected.push(/status of 422/, /ERR_INCOMPLETE_CHUNKED_ENCODING/);
  await forum.signUp("Ada", PASSWORD);
  const { page } = await person("", { javaScriptEnabled: false });
  await page.goto(`/sign-in?next=${SQUARE}`);
  const signIn = async (password: string) => {
    await page.getByLabel("Name", { exact: true }).fill("ada");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  await signIn("something else");
  await expect(alert(page, "do not belong together")).toBeVisible();
  await signIn(PASSWORD);
  await page.waitForURL(`**${SQUARE}`);
  await expect(page.getByRole("banner").getByText("Ada")).toBeVisible();
  await forum.halt();
  await forum.boot();
  await page.reload();
  await expect(page.getByRole("banner").getByText("Ada")).toBeVisible();
  await page.goto("/sign-in");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByRole("button", { name: "Look around" }).click();
  await expect(alert(page, "has a password"), "nobody takes an account by its name").toBeVisible();
});

test("whoever guesses passwords is told to wait, and others are not", async ({ forum }) => {
  await forum.signUp("Ada", PASSWORD);
  const guess = async (name: string) => (await forum.submit("sign_in", { name, password: "a guess" })).status;
  const answers: number[] = [];
  for (let i = 0; i < 9; i++) answers.push(await guess("Ada"));
  expect(answers.slice(0, 8)).toEqual(Array(8).fill(422));
  expect(answers[8]).toBe(429);
  expect(await guess("Bob")).toBe(422);
});

test.describe("in production", () => {
  test.use({ environment: { APP_ENV: "production", SINGLE_INSTANCE: "true" } });

  test("nobody signs in by a name alone", async ({ forum, person }) => {
    expect((await forum.submit("look_around", { name: "Maren Holt" })).status).toBe(403);
    const { page } = await person("");
    await page.goto("/sign-in");
    await expect(page.getByLabel("Password")).toBeVisible();
    await expect(page.getByText("look around")).toHaveCount(0);
  });
});

test.describe("with a bot", () => {
  test.use({
    environment: {
      TELEGRAM_BOT_TOKEN: "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
      TELEGRAM_BOT_NAME: "forum_bot",
      TELEGRAM_UPDATES: "none",
      // Nobody is there: what is asked for here needs no answer of it.
      TELEGRAM_API_URL: "http://127.0.0.1:9",
    },
  });

  for (const javaScriptEnabled of [true, false]) {
    test(`the settings lead to its chat, ${javaScriptEnabled ? "live" : "without JavaScript"}`, async ({ person }) => {
      const { context, page } = await person("Ada", { javaScriptEnabled });
      await context.route("https://t.me/**", (route) => route.fulfill({ body: "the chat" }));
      await page.goto("/settings");
      if (javaScriptEnabled) await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
      await page.getByRole("button", { name: "Link Telegram" }).click();
      await page.waitForURL(/^https:\/\/t\.me\/forum_bot\?start=[\w-]+$/);
    });
  }
});

instances("signing out everywhere ends every browser on every instance within a second", async ({ browser, instances }) => {
  const { one, other } = instances;
  const witness = await Person.arrive(browser, one, "Cyd");
  await witness.page.goto(SQUARE);
  await witness.settled();
  const desk = await Person.arrive(browser, one, "Ada");
  const phone = await Person.arrive(browser, other, "Ada");
  await phone.page.goto(SQUARE);
  await phone.settled();
  await desk.page.goto("/settings");
  const sessions = desk.page.locator(".session");
  await expect(sessions).toHaveCount(2);
  await expect(sessions.filter({ hasText: "this browser" })).toHaveCount(1);
  await expect(desk.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await desk.page.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(desk.page).toHaveURL(/\/sign-in$/);
  await expect(witness.here("Ada"), "no grace").toHaveCount(0, { timeout: 1_000 });
  await phone.page.reload();
  await expect(phone.page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
  for (const { context } of [witness, desk, phone]) await context.close();
});
