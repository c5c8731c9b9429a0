// A laptop that sleeps, and a tunnel: the line is dead, and nobody said so.
import type { Browser } from "@playwright/test";
import { Line } from "../lib/line.ts";
import { NETWORK, expect, test as base } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

const test = base.extend<{ line: Line }>({
  environment: {
    REALTIME_PING_INTERVAL_MS: "600",
    REALTIME_PING_TIMEOUT_MS: "600",
    REALTIME_LEAVE_GRACE_MS: "500",
  },
  line: async ({ forum }, use) => {
    const line = await Line.to(forum);
    await use(line);
    await line.close();
  },
});

/** The processes in which pages run. */
async function renderers(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

test("who wakes from sleep has what was missed, once, and is seen again", async ({ browser, forum, line, person, expected }) => {
  expected.push(NETWORK);
  const bob = await person("Bob");
  await bob.page.goto(SQUARE);
  await bob.settled();
  const others = await renderers(browser);
  const ada = await person("Ada", { baseURL: line.url });
  await ada.page.goto(SQUARE);
  await ada.settled();
  await ada.page.getByLabel("Text").fill("half a thought");

  // Chromium goes on running a page that it is told to freeze; a stopped process does sleep.
  const asleep = (await renderers(browser)).filter((id) => !others.includes(id));
  expect(asleep).not.toEqual([]);
  for (const id of asleep) process.kill(id, "SIGSTOP");
  try {
    await expect(bob.here("Ada"), "the server misses her pongs").toHaveCount(0);
    line.silence();
    for (const title of ["At night", "At dawn"]) await forum.post(await forum.signIn("Cyd"), 1, title);
    await expect(bob.post("At dawn")).toHaveCount(1);
    line.restore();
  } finally {
    for (const id of asleep) process.kill(id, "SIGCONT");
  }
  await ada.settled();
  for (const title of ["At night", "At dawn"]) await expect(ada.post(title)).toHaveCount(1);
  await expect(bob.here("Ada")).toHaveCount(1);
  await expect(ada.page.getByLabel("Text"), "nothing written is lost").toHaveValue("half a thought");
  await forum.post(await forum.signIn("Cyd"), 1, "In the morning");
  await expect(ada.post("In the morning")).toHaveCount(1);
});

test("a page whose line fell silent notices by itself, and says so until it is back", async ({ forum, line, person, expected }) => {
  expected.push(NETWORK);
  const ada = await person("Ada", { baseURL: line.url });
  const bob = await person("Bob");
  for (const one of [ada, bob]) {
    await one.page.goto(SQUARE);
    await one.settled();
  }
  line.silence();
  const badge = ada.page.locator(".rt-connection");
  await expect(badge).toContainText("Reconnecting…");
  await expect(bob.here("Ada")).toHaveCount(0);
  await forum.post(await forum.signIn("Cyd"), 1, "In the tunnel");
  await expect(bob.post("In the tunnel")).toHaveCount(1);
  line.restore();
  await expect(badge).toBeHidden();
  await ada.settled();
  await expect(ada.post("In the tunnel")).toHaveCount(1);
  await expect(bob.here("Ada")).toHaveCount(1);
});
