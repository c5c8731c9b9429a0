import type { Response as Answer } from "@playwright/test";
import { Alone } from "../lib/alone.ts";
import { type Forum } from "../lib/forum.ts";
import { expect, test as base } from "../lib/people.ts";

/** One file in a folder, and no project around it. */
const test = base.extend<{ forum: Forum }>({
  forum: async ({}, use) => {
    const alone = await Alone.start();
    expect((await alone.files()).sort(), "it made its database").toEqual(["data", "forum"]);
    await use(alone);
    await alone.stop();
  },
});

const SQUARE = "/c/harbour/square";
const path = (answer: Answer) => new URL(answer.url()).pathname;

test("one file in an empty folder is the whole site, and browsers keep what cannot change", async ({ person, forum }) => {
  const ada = await person("Ada");
  const answers: Answer[] = [];
  ada.page.on("response", (answer) => answers.push(answer));
  await ada.page.goto(SQUARE);
  await ada.settled();
  expect(answers.filter((answer) => answer.status() !== 200).map(path)).toEqual([]);
  const client = answers.filter((answer) => path(answer).startsWith("/pkg/"));
  const names = new Set(client.map((answer) => path(answer).replace(/^\/pkg\/[0-9a-f]{16}\//, "")));
  expect([...names].sort()).toEqual(["forum.css", "forum.js", "forum.wasm"]);
  for (const answer of client) expect(answer.headers()["cache-control"], path(answer)).toContain("immutable");
  const rules = await ada.page.evaluate(() => document.querySelector<HTMLLinkElement>("link#forum")?.sheet?.cssRules.length);
  expect(rules, "the styles are there").toBeGreaterThan(10);

  await ada.page.reload();
  await ada.settled();
  // Wasm that is not optimised is larger than what a browser keeps.
  const sent = await ada.page.evaluate(() => {
    const loaded = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    return loaded.filter((one) => /\/pkg\/.*\.(css|js)$/.test(one.name)).map((one) => one.transferSize);
  });
  expect(sent, "nothing is sent again").toEqual(sent.map(() => 0));
  expect(sent.length).toBeGreaterThanOrEqual(2);

  const get = (path: string, headers = {}) => fetch(`${forum.url}${path}`, { headers });
  const icon = await get("/favicon.svg");
  expect(icon.headers.get("content-type")).toBe("image/svg+xml");
  expect(icon.headers.get("cache-control")).toBe("no-cache");
  const again = await get("/favicon.svg", { "if-none-match": icon.headers.get("etag") });
  expect(again.status).toBe(304);
  expect((await get("/pkg/0000000000000000/forum.wasm")).status).toBe(404);
  const nowhere = await get("/nowhere");
  expect([nowhere.status, nowhere.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
  expect(await nowhere.text()).toContain("</html>");
});
