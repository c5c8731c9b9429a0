// Every page, in both themes and on a phone, as axe sees it: WCAG 2.2 AA.
import { complaintsOf } from "../lib/axe.ts";
import { type Person, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

/** Loads a page, and waits until it is alive. */
async function open({ page }: Person, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
}

/** Nothing is wrong with the page in either theme. */
async function holds({ page }: Person, what: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await complaintsOf(page), `${what}, ${colorScheme}`).toEqual([]);
  }
}

for (const [device, viewport] of [["desktop", { width: 1280, height: 800 }], ["phone", { width: 360, height: 740 }]] as const) {
  test(`every page, for a guest, on a ${device}`, async ({ forum, person, expected }) => {
    expected.push(/status of 404/);
    const post = await forum.post(await forum.signIn("Bob"), 1, "Something to read", "A [link](https://example.org), `code`\n\n> and words of others");
    await forum.comment(await forum.signIn("Ada"), post, "And a word on it");
    const guest = await person("", { viewport });
    for (const path of ["/", "/c/harbour", SQUARE, `${SQUARE}/${post}`, "/inbox", "/settings", "/sign-in", "/sign-up", "/nowhere", "/c/nowhere"]) {
      await open(guest, path);
      await holds(guest, path);
    }
  });

  test(`every page, with all that opens, for an admin, on a ${device}`, async ({ forum, person }) => {
    const session = await forum.signIn("Maren Holt");
    const post = await forum.post(session, 1, "Something to read");
    const comment = await forum.comment(await forum.signIn("Ada"), post, "And a word on it");
    const maren = await person("Maren Holt", { viewport });
    const { page } = maren;
    for (const path of ["/", "/c/harbour", "/c/harbour/manage", SQUARE, "/inbox", "/settings"]) {
      await open(maren, path);
      await holds(maren, path);
    }
    await open(maren, `${SQUARE}/${post}`);
    await maren.openMenu();
    await holds(maren, "the menu");
    await page.keyboard.press("Escape");
    for (const opens of ["?edit=post", "?delete=post", `?reply=${comment}`, `?delete=${comment}`]) {
      await open(maren, `${SQUARE}/${post}${opens}`);
      await holds(maren, opens);
    }
    await forum.comment(await forum.signIn("Bob"), post, "Somebody else comments");
    await expect(page.locator(".rt-toast")).toBeVisible();
    await holds(maren, "a toast");
  });

  test(`the operator page, on a ${device}`, async ({ forum, person }) => {
    await forum.run("--operator", "Maren Holt");
    const maren = await person("Maren Holt", { viewport });
    await open(maren, "/admin/realtime");
    await expect(maren.page.locator(".sparkline polyline").first()).toHaveAttribute("points", /\d \d/);
    await holds(maren, "the operator page");
  });
}
