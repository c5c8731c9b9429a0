// Every page, in both themes, at three widths: none overflows, and none complains.
import { join } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";
import { SCENES, title } from "./scenes.ts";
import { Stage } from "./stage.ts";

const WIDTHS = [360, 768, 1280];
const THEMES = ["light", "dark"] as const;

/** Where the pictures go: set by `cargo xtask screenshots`. */
const FOLDER = process.env.PICTURES ?? "pictures";

const test = base.extend<{}, { stage: Stage }>({
  stage: [
    async ({}, use) => {
      const stage = await Stage.set();
      await use(stage);
      await stage.strike();
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

/** What reaches over the page's edge, by its class: nothing, as it should be. */
async function overflow(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return undefined;
    const over = [...document.body.querySelectorAll("*")].filter((element) => {
      const { left, right } = element.getBoundingClientRect();
      return right > clientWidth + 0.5 || left < -0.5;
    });
    const names = over.map((element) => `${element.localName}.${[...element.classList].join(".")}`);
    return `${scrollWidth - clientWidth} px: ${[...new Set(names)].slice(0, 6).join(" ")}`;
  });
}

for (const scene of SCENES) {
  test(title(scene), async ({ stage, browser }, info) => {
    const note = (type: string, description: string) => info.annotations.push({ type, description });
    await stage.gather(scene.people ?? 0);
    const context = await stage.browser(browser, scene.who);
    const complain = (text: string) => {
      if (!scene.expected?.test(text)) note("complaint", text);
    };
    context.on("weberror", (error) => complain(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error") complain(message.text());
    });
    const page = await context.newPage();
    await page.setViewportSize({ width: WIDTHS[0], height: 800 });
    await page.goto(scene.path(stage));
    await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
    if (scene.people && scene.page !== "home") {
      await expect(page.locator("#here")).toHaveText(`${scene.people} people here`);
    }
    const quiet = stage.write();
    if (scene.people && ["board", "post"].includes(scene.page)) await expect(page.getByText("are writing…")).toBeVisible();
    await scene.act?.(page, stage);
    for (const width of scene.widths ?? WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        const file = `${title(scene).replaceAll(", ", "-").replaceAll(" ", "-")}-${colorScheme}-${width}.png`;
        await page.screenshot({ path: join(FOLDER, file), fullPage: true, animations: "disabled" });
        note("picture", JSON.stringify({ page: scene.page, file, width, theme: colorScheme }));
      }
      const over = await overflow(page);
      if (over) note("overflow", `at ${width} px by ${over}`);
    }
    await quiet();
    await context.close();
    const wrong = info.annotations.filter(({ type }) => type !== "picture");
    expect(wrong.map(({ type, description }) => `${type}: ${description}`), title(scene)).toEqual([]);
  });
}
