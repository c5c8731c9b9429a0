import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Forum } from "./forum.ts";
import { test as base } from "./people.ts";
import { Redis } from "./redis.ts";

/** Two instances of the forum, with one database and one Redis. */
export type Instances = { redis: Redis; one: Forum; other: Forum };

export const test = base.extend<{ instances: Instances }>({
  instances: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "forum-shared-"));
    const redis = await Redis.start();
    const environment = { DATABASE_URL: `sqlite:${join(folder, "forum.db")}`, REDIS_URL: redis.url };
    const one = await Forum.start(environment);
    const other = await Forum.start(environment);
    await use({ redis, one, other });
    for (const forum of [one, other]) await forum.stop();
    await redis.kill();
    await rm(folder, { recursive: true, force: true });
  },
});
