// What concerns a person: the count in the first HTML and live, in step on every device and instance.
import type { Page } from "@playwright/test";
import type { Forum } from "../lib/forum.ts";
import { test as instances } from "../lib/instances.ts";
import { Person, expect, test } from "../lib/people.ts";

const bell = (page: Page) => page.locator(".rt-bell");
const unread = (page: Page, count: number) => expect(bell(page)).toHaveAttribute("data-unread", String(count));
const items = (page: Page) => page.locator(".rt-notification");

/** The page is alive: hydrated and connected. */
const live = (page: Page) => expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");

/** Somebody mentions Ada in the square. */
async function mention(forum: Forum, title: string, body = "What do you think, @Ada?") {
  await forum.post(await forum.signIn("Bob"), 1, title, body);
}

test("who is mentioned is told, in the first HTML and live, and only they", async ({ person, forum }) => {
  const ada = await person("Ada");
  const cyd = await person("Cyd");
  await mention(forum, "The first");
  await expect(async () => {
    const answer = await ada.context.request.get("/");
    expect(await answer.text()).toMatch(/data-unread="1"/);
  }).toPass();
  await ada.page.goto("/");
  await cyd.page.goto("/");
  await unread(ada.page, 1);
  await expect(bell(ada.page)).toHaveAccessibleName("Notifications, 1 unread");
  await live(ada.page);
  await mention(forum, "The second");
  await unread(ada.page, 2);
  const toast = ada.page.locator(".rt-toast");
  await expect(toast).toHaveText(/Bob mentioned you in “The second”/);
  await toast.hover();
  await ada.page.waitForTimeout(7_000);
  await expect(toast, "it waits while the pointer is on it").toBeVisible();
  await ada.page.mouse.move(0, 0);
  await expect(toast).toBeHidden({ timeout: 10_000 });
  await unread(cyd.page, 0);
  await bell(ada.page).click();
  await expect(items(ada.page)).toHaveCount(2);
  await expect(items(ada.page).first()).toContainText("The second");
  await ada.page.getByRole("link", { name: /The first/ }).click();
  await expect(ada.page).toHaveURL(/\/c\/harbour\/square#post-/);
  await unread(ada.page, 1);
});

test("without JavaScript the count is there, and buttons mark", async ({ person, forum }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await mention(forum, "One");
  await mention(forum, "Two");
  await expect(async () => {
    await ada.page.goto("/inbox");
    await expect(items(ada.page)).toHaveCount(2, { timeout: 1_000 });
  }).toPass();
  await unread(ada.page, 2);
  await items(ada.page).first().getByRole("button", { name: "Mark as read" }).click();
  await unread(ada.page, 1);
  await items(ada.page).first().getByRole("button", { name: "Put away" }).click();
  await expect(items(ada.page)).toHaveCount(1);
  await ada.page.getByRole("button", { name: "Mark all as read" }).click();
  await unread(ada.page, 0);
});

test("what the server refuses is taken back, and says so", async ({ person, forum, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  await mention(forum, "One");
  await ada.page.goto("/inbox");
  await unread(ada.page, 1);
  await live(ada.page);
  const address = "**/realtime/api/mark_notifications";
  await ada.page.route(address, (route) =>
    route.fulfill({
      status: 500,
      headers: { serverfnerror: "/realtime/api/mark_notifications", "content-type": "application/json" },
      body: JSON.stringify({ code: "unavailable", message: "notifications cannot be changed right now" }),
    }),
  );
  await items(ada.page).getByRole("button", { name: "Mark as read" }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "cannot be changed" })).toBeVisible();
  await unread(ada.page, 1);
  await ada.page.unroute(address);
  await items(ada.page).getByRole("button", { name: "Mark as read" }).click();
  await unread(ada.page, 0);
});

test("what a partner shares arrives marked, and can be switched off", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto("/c/harbour");
  await ada.settled();
  await bob.page.goto("/c/lantern/benches");
  await bob.settled();
  const post = async (title: string) => {
    await bob.page.getByLabel("Title").fill(title);
    await bob.page.getByLabel("Text").fill("Come and see.");
    await bob.page.getByRole("button", { name: "Post", exact: true }).click();
    await expect(bob.post(title)).toHaveCount(1);
  };
  await post("A lantern");
  const shared = ada.page.locator(".partners .entry", { hasText: "A lantern" });
  await expect(shared).toContainText("from Lantern Street");
  await unread(ada.page, 1);
  await unread(bob.page, 0);
  await post("Another lantern");
  await bell(ada.page).click();
  await expect(items(ada.page)).toContainText("Another lantern");
  await expect(items(ada.page), "one line for a lively neighbour").toHaveCount(1);
  await expect(items(ada.page)).toContainText("from Lantern Street");

  await ada.page.goto("/settings");
  await live(ada.page);
  const partners = ada.page.getByRole("group", { name: "Posts in partner communities" });
  const off = partners.getByRole("button", { name: "Off", exact: true });
  await off.click();
  await expect(off).toHaveAttribute("aria-pressed", "true");
  await ada.page.goto("/c/harbour");
  await ada.settled();
  await post("A third lantern");
  await expect(ada.page.locator(".partners"), "the page shows it all the same").toContainText("A third lantern");
  await unread(ada.page, 1);
});

instances("what is read at one instance is read at the other", async ({ browser, instances }) => {
  const { one, other } = instances;
  const desk = await Person.arrive(browser, one, "Ada");
  const phone = await Person.arrive(browser, other, "Ada");
  for (const { page } of [desk, phone]) {
    await page.goto("/inbox");
    await unread(page, 0);
    await live(page);
  }
  await mention(one, "From one");
  await mention(other, "From the other");
  for (const { page } of [desk, phone]) {
    await unread(page, 2);
    await expect(items(page)).toHaveCount(2);
  }
  await items(desk.page).first().getByRole("button", { name: "Mark as read" }).click();
  for (const { page } of [desk, phone]) await unread(page, 1);
  await phone.page.getByRole("button", { name: "Mark all as read" }).click();
  for (const { page } of [desk, phone]) await unread(page, 0);
  await items(phone.page).first().getByRole("button", { name: "Put away" }).click();
  for (const { page } of [desk, phone]) await expect(items(page)).toHaveCount(1);
  for (const { context } of [desk, phone]) await context.close();
});
