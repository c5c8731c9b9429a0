import { expect, type Page } from "@playwright/test";
import type { Stage } from "./stage.ts";

/** A page as it is to be seen. */
export type Scene = {
  /** What its pictures are grouped by. */
  page: string;
  /** What tells it from other scenes of the page. */
  detail?: string;
  who: "viewer" | "admin" | "operator" | "new" | "guest";
  path: (stage: Stage) => string;
  /** How many people are there; without it the scene does not depend on them. */
  people?: number;
  /** What is done before the pictures are taken. */
  act?: (page: Page, stage: Stage) => Promise<void>;
  /** The only widths at which there is something to see; otherwise all. */
  widths?: number[];
  /** What the browser is bound to print here. */
  expected?: RegExp;
};

const SQUARE = "/c/harbour/square";

/** The pages where one sees who is there, with nobody, few and many. */
const lively: Scene[] = [0, 3, 200].flatMap((people) => {
  const who = people === 0 ? "guest" : "viewer";
  return [
    { page: "home", who, path: () => "/", people },
    { page: "community", who, path: () => "/c/harbour", people },
    { page: "board", who, path: () => SQUARE, people },
    { page: "post", who, path: (stage) => `${SQUARE}/${stage.post}`, people },
  ] satisfies Scene[];
});

const quiet: Scene[] = [
  { page: "community", detail: "for an admin", who: "admin", path: () => "/c/harbour" },
  { page: "inbox", detail: "with notifications", who: "viewer", path: () => "/inbox" },
  { page: "inbox", detail: "empty", who: "new", path: () => "/inbox" },
  { page: "settings", who: "viewer", path: () => "/settings" },
  { page: "sign-in", who: "guest", path: () => "/sign-in" },
  { page: "sign-up", who: "guest", path: () => "/sign-up" },
  { page: "manage", who: "admin", path: () => "/c/harbour/manage" },
  { page: "operators", who: "operator", path: () => "/admin/realtime", act: busy },
  { page: "operators", detail: "refused", who: "viewer", path: () => "/admin/realtime", expected: /status of 403/ },
  { page: "not-found", who: "guest", path: () => "/c/nowhere", expected: /status of 404/ },
  { page: "error", who: "viewer", path: () => "/", act: failing, expected: /status of 500/ },
  { page: "menu", who: "viewer", path: () => SQUARE, act: (page) => page.locator(".account-button").click() },
  { page: "boards", who: "viewer", path: () => SQUARE, act: boards, widths: [360] },
  { page: "answering", who: "viewer", path: (stage) => `${SQUARE}/${stage.post}`, act: answering },
  { page: "connection", detail: "lost", who: "viewer", path: () => SQUARE, act: offline },
];

/** Those with fewer people come first: people only come. */
export const SCENES: Scene[] = [...lively.slice(0, 4), ...quiet, ...lively.slice(4)];

/** People come and write for a while, so that the figures have a history. */
async function busy(page: Page, stage: Stage): Promise<void> {
  const line = page.getByRole("img", { name: /^Events published/ }).locator("polyline");
  const points = async () => (await line.getAttribute("points"))!.split(" ").length;
  for (let i = 0; (await points()) < 12; i++) {
    await stage.stir(i);
    await page.waitForTimeout(200);
  }
}

/** A page whose data cannot be had. */
async function failing(page: Page): Promise<void> {
  await page.route("**/api/**", (route) =>
    route.fulfill({ status: 500, headers: { serverfnerror: "/api/board" }, body: JSON.stringify({ Internal: "away" }) }),
  );
  await page.locator(".entry a").first().click();
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
}

/** On a phone the boards are a sheet. */
async function boards(page: Page): Promise<void> {
  await page.locator(".boards-button").click();
}

/** A comment is being answered. */
async function answering(page: Page): Promise<void> {
  await page.locator(".comment").getByRole("link", { name: /^Reply/ }).first().click();
  await page.locator(".comment textarea").fill("I have a cart too, and a **dog** who pulls it on good days.");
}

/** The line is lost, and the page says so. */
async function offline(page: Page): Promise<void> {
  await page.context().setOffline(true);
  await expect(page.locator(".rt-connection")).toHaveAttribute("data-shown", "true");
}

/** A scene's name, as its test and its pictures have it. */
export function title({ page, detail, people }: Scene): string {
  return [page, detail, people === undefined ? undefined : `${people} people`].filter(Boolean).join(", ");
}
