import { type Page, test as base, expect } from "@playwright/test";
import { Embed } from "../lib/embed.ts";
import { UNUSED_YET } from "../lib/people.ts";

/** The host that is built from the guide in realtime/README.md, and people whose cookie says who they are. */
const test = base.extend<{ embed: Embed; visit: (name: string, options?: object) => Promise<Page> }>({
  embed: async ({}, use) => {
    const embed = await Embed.start();
    await use(embed);
    await embed.stop();
  },
  visit: async ({ browser, embed }, use) => {
    const complaints: string[] = [];
    const contexts: { close(): Promise<void> }[] = [];
    await use(async (name, options) => {
      const context = await browser.newContext({ baseURL: embed.url, ...options });
      contexts.push(context);
      context.on("weberror", (error) => complaints.push(`${name}: ${error.error()}`));
      context.on("console", (message) => {
        // It has no icon.
        const known = message.location().url.endsWith("/favicon.ico") || UNUSED_YET.test(message.text());
        if (!known && ["error", "warning"].includes(message.type())) complaints.push(`${name}: ${message.text()}`);
      });
      if (name) await context.addCookies([{ name: "name", value: name, url: embed.url }]);
      const page = await context.newPage();
      await page.goto("/");
      return page;
    });
    for (const context of contexts) await context.close();
    expect(complaints).toEqual([]);
  },
});

const face = (page: Page, name: string) => page.getByRole("img", { name: new RegExp(`^${name}, `) });
const bell = (page: Page) => page.getByRole("link", { name: /^Notifications/ });
const live = (page: Page) => expect(page.locator(".rt-presence")).toHaveAttribute("data-state", "live");

test("the guide's host: two people see each other come and go, and one waves at the other", async ({ visit }) => {
  const ada = await visit("Ada");
  await live(ada);
  await expect(face(ada, "Ada")).toBeVisible();
  await expect(face(ada, "Bob")).toHaveCount(0);
  await expect(bell(ada)).toHaveAccessibleName("Notifications");

  const bob = await visit("Bob");
  await live(bob);
  await expect(face(ada, "Bob")).toBeVisible();
  await expect(face(bob, "Ada")).toBeVisible();
  await expect(ada.getByRole("list", { name: "2 people are here" })).toBeVisible();

  await bob.getByRole("button", { name: "Wave" }).click();
  await expect(bell(ada)).toHaveAccessibleName("Notifications, 1 unread");
  await expect(ada.getByText("Bob waves")).toBeVisible();
  await bob.getByRole("button", { name: "Wave" }).click();
  await expect(bell(ada)).toHaveAccessibleName("Notifications, 2 unread");
  await expect(bell(bob), "nobody is told of what they did").toHaveAccessibleName("Notifications");

  await ada.reload();
  await live(ada);
  await expect(bell(ada)).toHaveAccessibleName("Notifications, 2 unread");
  await expect(face(ada, "Bob")).toBeVisible();
  await ada.getByRole("button", { name: "Mark all as read" }).click();
  await expect(bell(ada)).toHaveAccessibleName("Notifications");

  await bob.context().close();
  await expect(face(ada, "Bob")).toHaveCount(0);
});

test("the guide's host: who is here and the count are in the first HTML, and waving works without JavaScript", async ({ visit }) => {
  const ada = await visit("Ada");
  await live(ada);
  const bob = await visit("Bob", { javaScriptEnabled: false });
  await expect(face(bob, "Ada")).toBeVisible();
  await bob.getByRole("button", { name: "Wave" }).click();
  await expect(bell(ada)).toHaveAccessibleName("Notifications, 1 unread");
  await expect(face(bob, "Ada"), "the form leads back to the page").toBeVisible();

  const again = await visit("Ada", { javaScriptEnabled: false });
  await expect(bell(again)).toHaveAccessibleName("Notifications, 1 unread");
});

test("the guide's host: a guest sees who is here and has no bell, and a page that is not there is one", async ({ visit, embed }) => {
  const ada = await visit("Ada");
  await live(ada);
  const guest = await visit("");
  await live(guest);
  await expect(face(guest, "Ada")).toBeVisible();
  await expect(ada.getByText("and one guest")).toBeVisible();
  await expect(bell(guest)).toHaveCount(0);
  const answer = await fetch(`${embed.url}/nowhere`);
  expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining("Page not found.")]);
});
