import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "@playwright/test";
import { Forum } from "./forum.ts";
import { Person, test as base } from "./people.ts";
import { Redis } from "./redis.ts";

/** Two instances of the forum, with one database and one Redis. */
export type Instances = { redis: Redis; one: Forum; other: Forum };

export const test = base.extend<{ instances: Instances }>({
  instances: async ({ environment: own }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "forum-shared-"));
    const redis = await Redis.start();
    const environment = { DATABASE_URL: `sqlite:${join(folder, "forum.db")}`, REDIS_URL: redis.url, ...own };
    const one = await Forum.start({ ...environment, HOSTNAME: "one" });
    const other = await Forum.start({ ...environment, HOSTNAME: "other" });
    await use({ redis, one, other });
    for (const forum of [one, other]) await forum.stop();
    await redis.kill();
    await rm(folder, { recursive: true, force: true });
  },
});

export const SQUARE = "/c/harbour/square";

/** A person of an instance, at an address; every time that somebody is said to be gone from the board is noted. */
export async function arrive(browser: Browser, forum: Forum, url: string, name: string) {
  const person = await Person.arrive(browser, forum, name, { baseURL: url });
  const gone: string[] = [];
  person.page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      if (String(payload).includes('"room":"board:1"') && String(payload).includes('"gone"')) gone.push(String(payload));
    }),
  );
  await person.page.goto(SQUARE);
  await person.settled();
  return { person, gone };
}
