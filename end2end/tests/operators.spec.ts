// The operator page: two instances over one Redis, seen live by who looks after the site, and by nobody else.
import type { Page } from "@playwright/test";
import type { Forum } from "../lib/forum.ts";
import { SQUARE, arrive as come, test } from "../lib/instances.ts";
import { NETWORK, expect } from "../lib/people.ts";
import { Stock } from "../lib/stock.ts";

const PAGE = "/admin/realtime";
const ROOM = "operators:1";
const REFUSED = /status of 40[13]/;

/** What a figure of all instances together is now. */
const figure = (page: Page, name: string) => page.locator(".figure", { has: page.getByText(name, { exact: true }) }).locator(".figure-now");

/** An instance's row, and what a cell of it says. */
const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(`^${name} `) });
const cell = (page: Page, name: string, column: string) => row(page, name).locator(`[data-name="${column}"]`);

async function appoint(forum: Forum, name: string): Promise<void> {
  await forum.signIn(name);
  expect(await forum.run("--operator", name)).toContain(`${name} (person `);
}

test("both instances have a row, and figures rise and fall with people", async ({ browser, instances, arrive }) => {
  const { one, other } = instances;
  await appoint(one, "Olga");
  const olga = await arrive(one, "Olga");
  const html = async () => (await olga.context.request.get(PAGE)).text();
  // Instances hear of each other within a second or two.
  await expect.poll(async () => (await html()).match(/<tr[^>]*data-run=/g), "the other is known").toHaveLength(2);
  expect(await html(), "complete without a script").toMatch(/<tr[^>]*data-state="ready"/);
  expect(await html()).toContain("without a limit of its own");
  await olga.page.goto(PAGE);
  for (const name of ["one", "other"]) await expect(cell(olga.page, name, "State")).toHaveText("Ready");
  await expect(figure(olga.page, "Connections")).toHaveText("1");
  await expect(cell(olga.page, "other", "Connections")).toHaveText("0");
  await expect(figure(olga.page, "Events published")).toHaveText("0/s");
  await expect(figure(olga.page, "Redis answers within")).toHaveText(/ms$/);
  await expect(olga.page.locator(".concerns")).toHaveText("All is well: 2 instances.");
  const { person: ada } = await come(browser, other, other.url, "Ada");
  await expect(figure(olga.page, "Connections")).toHaveText("2");
  await expect(cell(olga.page, "other", "Connections")).toHaveText("1");
  await expect(cell(olga.page, "one", "Connections")).toHaveText("1");
  const session = await other.signIn("Bob");
  const writing = (async () => {
    for (let i = 0; i < 40; i++) await other.post(session, 1, `Post ${i}`);
  })();
  await expect(cell(olga.page, "other", "Published")).not.toHaveText("0/s");
  await writing;
  await expect(figure(olga.page, "Events published")).toHaveText("0/s");
  await expect(olga.page.locator(".figure", { hasText: "Events published" })).toContainText(/[1-9]\d* since they started/);
  await ada.context.close();
  await expect(figure(olga.page, "Connections")).toHaveText("1");
  const line = olga.page.getByRole("img", { name: /^Connections over the last/ });
  await expect(line).toHaveAttribute("aria-label", /now 1, lowest 1, highest 2$/);
  expect(await line.locator("polyline").getAttribute("points")).toMatch(/^\d+\.\d,\d+\.\d \d/);
});

test("an instance that is killed is silent, and goes", async ({ instances, arrive }) => {
  const { one, other } = instances;
  await appoint(one, "Olga");
  const { page } = await arrive(one, "Olga");
  await page.goto(PAGE);
  await expect(cell(page, "other", "State")).toHaveText("Ready");
  await other.halt("SIGKILL");
  await expect(page.getByText("other is silent.")).toBeVisible();
  await expect(cell(page, "other", "State")).toHaveText("Silent");
  await expect(cell(page, "other", "Connections"), "what it carried is not carried").toHaveText("–");
  await expect(row(page, "other")).toHaveCount(0, { timeout: 30_000 });
  await expect(page.locator(".concerns")).toHaveText("All is well: one instance.");
  await other.boot();
  await expect(cell(page, "other", "State")).toHaveText("Ready");
});

test("while Redis is away the page says so and goes on with the instance that serves it", async ({ instances, arrive }) => {
  const { redis, one } = instances;
  await appoint(one, "Olga");
  const { page } = await arrive(one, "Olga");
  await page.goto(PAGE);
  await expect(cell(page, "other", "State")).toHaveText("Ready");
  await redis.kill();
  await expect(page.getByText("one is cut off from the others")).toBeVisible();
  await expect(cell(page, "one", "State")).toHaveText("Cut off");
  await expect(page.getByText("It does not answer.")).toBeVisible();
  await expect(cell(page, "other", "State")).toHaveText("Silent");
  await page.waitForResponse((response) => response.url().includes("/api/operators"));
  await expect(cell(page, "one", "State"), "it is not called silent").toHaveText("Cut off");
  await redis.boot();
  await expect(cell(page, "one", "State")).toHaveText("Ready");
  await expect(cell(page, "other", "State")).toHaveText("Ready");
});

test.describe("unseen", () => {
  const token = "an-operators-token-of-this-test";
  test.use({ environment: { REALTIME_OPERATOR_TOKEN: token } });

  test("instances speak only while somebody looks, also where who looks appears offline", async ({ instances, arrive }) => {
    const { one, other } = instances;
    await appoint(one, "Olga");
    const signals = async (forum: Forum) => {
      const metrics = await (await fetch(`${forum.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
      return Number(/^realtime_received_total\{kind="signal"\} (\d+)$/m.exec(metrics)![1]);
    };
    const olga = await arrive(one, "Olga");
    await olga.page.goto(SQUARE);
    await olga.settled();
    await olga.openMenu();
    await olga.page.getByRole("switch", { name: "Appear offline" }).click();
    await expect(olga.page.getByRole("switch", { name: "Appear offline" })).toHaveAttribute("aria-checked", "true");
    expect([await signals(one), await signals(other)]).toEqual([0, 0]);
    await olga.page.goto(PAGE);
    await expect(cell(olga.page, "other", "Published")).toHaveText("0/s");
    expect(await signals(other)).toBeGreaterThan(0);
    await olga.page.goto(SQUARE);
    // Until nobody is there: then two looks, longer apart than instances wait, find the same.
    await expect(async () => {
      const before = await signals(other);
      await olga.page.waitForTimeout(5_000);
      expect(await signals(other)).toBe(before);
    }).toPass({ timeout: 30_000 });
  });
});

test("nobody else sees it: not the page, not its data, not the room", async ({ forum, arrive, expected }) => {
  expected.push(REFUSED);
  // Who decides in a community has no say over the site.
  for (const [name, status, sentence] of [["Maren Holt", 403, "This page is for operators."], ["", 401, "Please sign in first."]] as const) {
    const { page, context } = await arrive(forum, name);
    const answer = await page.goto(PAGE);
    expect(answer!.status()).toBe(status);
    expect(await answer!.text()).not.toContain("data-run");
    await expect(page.getByRole("heading", { name: sentence })).toBeVisible();
    await expect(page.getByText("This page is for operators.")).toBeVisible();
    if (!name) await expect(page.locator("main").getByRole("link", { name: "Sign in" })).toHaveAttribute("href", `/sign-in?next=${PAGE}`);
    const data = await context.request.get("/api/operators");
    expect(data.status()).toBe(status);
    expect(await data.text()).not.toContain("connections");
    const stock = new Stock(forum, name ? { token: await forum.signIn(name) } : {});
    await stock.next("welcome");
    await stock.ask("join", { rooms: [{ room: ROOM }] });
    expect((await stock.next("refused", ({ room }) => room === ROOM)).error.code).toBe("forbidden");
    stock.socket.disconnect();
  }
});

test("who is no operator any more sees nothing more, at once", async ({ forum, arrive, expected }) => {
  expected.push(REFUSED);
  await appoint(forum, "Olga");
  const { page } = await arrive(forum, "Olga");
  await page.goto(PAGE);
  const stock = new Stock(forum, { token: await forum.signIn("Olga") });
  await stock.next("welcome");
  await stock.join(ROOM);
  await stock.next("signal", ({ data }) => data.name && data.now.connections === 2);
  expect(await forum.run("--no-operator", "Olga")).toContain("is no operator any more");
  await expect(page.getByRole("heading", { name: "This page is for operators." })).toBeVisible();
  await expect(page.locator(".instances")).toHaveCount(0);
  await stock.next("refused", ({ room }) => room === ROOM);
  const heard = stock.listen();
  await page.waitForTimeout(5_000);
  expect(heard.filter(({ name }) => name === "signal")).toEqual([]);
  stock.socket.disconnect();
});

test("one instance without Redis says that it is, and the menu leads operators to it", async ({ forum, person, expected }) => {
  expected.push(NETWORK, /ERR_INTERNET_DISCONNECTED/);
  const ada = await person("Ada");
  await ada.page.goto(SQUARE);
  await ada.settled();
  await ada.openMenu();
  await expect(ada.page.getByRole("link", { name: "Settings" })).toBeVisible();
  await expect(ada.page.getByRole("link", { name: "Operations" })).toHaveCount(0);
  await appoint(forum, "Olga");
  const olga = await person("Olga");
  const { page, context } = olga;
  await page.goto(SQUARE);
  await olga.settled();
  await olga.openMenu();
  await page.getByRole("link", { name: "Operations" }).click();
  await expect(page).toHaveTitle("Operations · Curia");
  await expect(page.getByText("There is none: one instance, by itself.")).toBeVisible();
  await expect(page.locator(".instances tbody tr")).toHaveCount(1);
  await expect(figure(page, "Redis answers within")).toHaveText("–");
  await expect(page.locator(".concerns")).toHaveText("All is well: one instance.");
  // Without a line nothing is heard, and that is said.
  await context.setOffline(true);
  await expect(page.locator(".concerns")).toContainText("is silent.");
  await context.setOffline(false);
  await expect(page.locator(".concerns")).toHaveText("All is well: one instance.");
});
