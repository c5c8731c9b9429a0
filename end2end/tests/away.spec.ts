// Whoever is not at their page is away for others.
import type { Page } from "@playwright/test";
import { expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

/** Headless Chromium never hides a page, whichever tab is in front: the document says so by itself. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, hidden ? "hidden" : "visible");
}

test.describe("in a hidden tab", () => {
  test.use({ environment: { REALTIME_AWAY_HIDDEN_MS: "300" } });

  test("a person is away, and back when it is shown", async ({ person }) => {
    const ada = await person("Ada");
    const bob = await person("Bob");
    for (const one of [ada, bob]) {
      await one.page.goto(SQUARE);
      await one.settled();
    }
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "online");
    await hide(bob.page, true);
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "away");
    await expect(ada.here("Bob"), "for those who see no colours").toContainText("away");
    await expect(ada.page.getByRole("img", { name: "Bob, away" })).toBeVisible();
    await expect(ada.page.getByRole("heading", { name: "2 people here" }), "away is not gone").toBeVisible();
    await hide(bob.page, false);
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "online");
    await expect(ada.here("Bob")).not.toContainText("away");
  });

  test("a person is not away while another of their tabs is shown", async ({ person }) => {
    const ada = await person("Ada");
    const bob = await person("Bob");
    await ada.page.goto(SQUARE);
    await bob.page.goto(SQUARE);
    await bob.settled();
    const second = await bob.context.newPage();
    await second.goto(SQUARE);
    await expect(second.locator(".rt-presence")).toHaveAttribute("data-state", "live");
    await hide(bob.page, true);
    await hide(second, true);
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "away");
    await hide(second, false);
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "online");
  });
});

test.describe("without use", () => {
  test.use({ environment: { REALTIME_AWAY_IDLE_MS: "1500" } });

  test("a person is away, and back with the first key", async ({ person }) => {
    const ada = await person("Ada");
    const bob = await person("Bob");
    for (const one of [ada, bob]) {
      await one.page.goto(SQUARE);
      await one.settled();
    }
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "away");
    await bob.page.keyboard.press("Shift");
    await expect(ada.here("Bob")).toHaveAttribute("data-status", "online");
  });
});
