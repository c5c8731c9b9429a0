// A page stays open while the server is replaced by another version, which serves it, or does not any more.
import type { Page } from "@playwright/test";
import { NETWORK, expect, test } from "../lib/people.ts";
import { Refusing } from "../lib/refusing.ts";

const SQUARE = "/c/harbour/square";
const OLD = { REALTIME_BUILD: "old-1a2b3c" };
const NEW = { REALTIME_BUILD: "new-4d5e6f" };

const badge = (page: Page) => page.locator(".rt-connection");
const build = (page: Page) => page.locator("meta[name=leptos-realtime-build]");

/** Counts how often a document was loaded. */
function loads(page: Page): { count: number } {
  const loads = { count: 0 };
  page.on("domcontentloaded", () => loads.count++);
  return loads;
}

test.describe("another build", () => {
  test.use({ environment: OLD });

  test("serves the page, which says so, and keeps what is being written", async ({ forum, person, expected }) => {
    expected.push(NETWORK, /Failed to load resource/);
    const bob = await forum.signIn("Bob");
    const post = await forum.post(bob, 1, "A question");
    const { page } = await person("Ada");
    const loaded = loads(page);
    await page.goto(`${SQUARE}/${post}`);
    await expect(badge(page)).toHaveAttribute("data-state", "live");
    await expect(build(page)).toHaveAttribute("content", OLD.REALTIME_BUILD);
    await expect(badge(page)).toBeHidden();
    const text = page.getByLabel("Your comment");
    await text.pressSequentially("What I was about to");

    await forum.halt();
    await forum.boot(NEW);
    await expect(badge(page)).toHaveAttribute("data-state", "live");
    await expect(badge(page).getByRole("status")).toHaveText("A new version is here.");
    await expect(badge(page)).toBeVisible();
    const faded = page.locator(".rt-avatar").first();
    await expect(faded, "whoever is here is shown as here").toHaveCSS("opacity", "1");
    await text.pressSequentially(" say");
    await expect(text).toHaveValue("What I was about to say");
    await forum.comment(bob, post, "Served all the same");
    await expect(page.getByText("Served all the same")).toBeVisible();
    expect(loaded.count, "nothing is loaded by itself").toBe(1);

    // Later: until there is yet another one.
    await badge(page).getByRole("button", { name: "Later" }).click();
    await expect(badge(page)).toBeHidden();
    await forum.halt();
    await forum.boot({ REALTIME_BUILD: "newest-7" });
    await expect(badge(page).getByRole("status")).toHaveText("A new version is here.");
    await badge(page).getByRole("button", { name: "Reload" }).click();
    await expect(build(page)).toHaveAttribute("content", "newest-7");
    await expect(badge(page)).toHaveAttribute("data-state", "live");
    await expect(badge(page)).toBeHidden();
    await expect(text).toHaveValue("What I was about to say");
    expect(loaded.count).toBe(2);
  });

  test("says nothing where it is the same, and nothing of what it does not know", async ({ forum, person, expected }) => {
    expected.push(NETWORK, /Failed to load resource/);
    const ada = await person("Ada");
    await ada.page.goto(SQUARE);
    await ada.settled();
    for (const again of [{}, { REALTIME_BUILD: "" }]) {
      await forum.halt();
      await forum.boot(again);
      await forum.post(await forum.signIn("Bob"), 1, `After ${JSON.stringify(again)}`);
      await expect(ada.post(`After ${JSON.stringify(again)}`)).toHaveCount(1);
      await ada.settled();
      await expect(badge(ada.page)).toBeHidden();
    }
  });
});

test("a page that is not served any more is loaded again once, and then says so", async ({ person }) => {
  const ada = await person("Ada");
  const line = await Refusing.before(ada.context);
  const loaded = loads(ada.page);
  await ada.page.goto(SQUARE);
  await ada.settled();
  line.refuse();
  await expect(badge(ada.page)).toHaveAttribute("data-state", "stopped");
  await expect(badge(ada.page).getByRole("status")).toHaveText("There is a new version: please load the page again.");
  expect([loaded.count, line.refused], "loaded by itself once").toEqual([2, 2]);
  await badge(ada.page).getByRole("button", { name: "Reload" }).click();
  await expect.poll(() => line.refused).toBe(3);
  await expect(badge(ada.page)).toHaveAttribute("data-state", "stopped");
  await expect(badge(ada.page).getByRole("button", { name: "Reload" })).toBeVisible();
  expect([loaded.count, line.refused], "and once by the person").toEqual([3, 3]);
});

test("who is writing is asked, and what was written is there after", async ({ forum, person }) => {
  const post = await forum.post(await forum.signIn("Bob"), 1, "A question");
  const ada = await person("Ada");
  const line = await Refusing.before(ada.context);
  const loaded = loads(ada.page);
  await ada.page.goto(`${SQUARE}/${post}`);
  await expect(badge(ada.page)).toHaveAttribute("data-state", "live");
  const text = ada.page.getByLabel("Your comment");
  await text.fill("In the middle of a");
  line.refuse();
  await expect(badge(ada.page).getByRole("status")).toHaveText("There is a new version: please load the page again.");
  await text.pressSequentially(" sentence");
  await expect(text).toHaveValue("In the middle of a sentence");
  expect(loaded.count, "nothing is loaded by itself").toBe(1);
  await badge(ada.page).getByRole("button", { name: "Reload" }).click();
  await expect.poll(() => loaded.count).toBe(2);
  await expect(text).toHaveValue("In the middle of a sentence");
  await expect(badge(ada.page)).toHaveAttribute("data-state", "stopped");
});
