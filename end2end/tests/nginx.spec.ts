// deploy/nginx/forum.conf, in front of two instances with one database and one Redis. Nothing sticks to an instance.
import { get } from "node:http";
import type { Forum } from "../lib/forum.ts";
import { arrive, test as base } from "../lib/instances.ts";
import { Nginx } from "../lib/nginx.ts";
import { expect } from "../lib/people.ts";

const TOKEN = "a-token-for-these-tests";
/** Live connections that an instance takes of one address. */
const FEW = 3;

const test = base.extend<{ nginx: Nginx }>({
  environment: {
    REALTIME_TRUSTED_PROXIES: "1",
    REALTIME_CONNECTIONS_PER_ADDRESS: String(FEW),
    REALTIME_OPERATOR_TOKEN: TOKEN,
  },
  nginx: async ({ instances: { one, other } }, use) => {
    const nginx = await Nginx.before(one, other);
    await use(nginx);
    await nginx.stop();
  },
});

const asked = (url: string) => fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });

/** How many connections an instance has, as it says itself. */
async function connections(forum: Forum): Promise<number> {
  const text = await (await asked(`${forum.url}/metrics`)).text();
  return Number(/^realtime_connections (\d+)$/m.exec(text)?.[1]);
}

/** Asks for a socket from an address of this machine, and stays. Returns the answer's status. */
function socket(url: string, from: string, forwarded?: string): Promise<number> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...(forwarded ? { "x-forwarded-for": forwarded } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = get(`${url}/realtime/socket.io/?EIO=4&transport=websocket`, { headers, localAddress: from, agent: false });
    request.on("error", reject);
    request.on("upgrade", (answer, open) => {
      // nginx ends before we do.
      open.on("error", () => {});
      resolve(answer.statusCode ?? 0);
    });
    request.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
  });
}

/** Somebody who loads a page again and again, until `end`, which tells the different answers. */
function visits(url: string): { end(): Promise<number[]> } {
  const seen = new Set<number>();
  let over = false;
  const all = (async () => {
    while (!over) {
      const answer = await fetch(url).catch(() => undefined);
      await answer?.arrayBuffer();
      seen.add(answer?.status ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    async end() {
      over = true;
      await all;
      return [...seen];
    },
  };
}

test("an instance ends: its person is back through nginx, in the same page, and nobody saw them go", async ({ browser, instances, nginx }) => {
  test.setTimeout(120_000);
  const { one, other } = instances;
  const { person: ada } = await arrive(browser, one, nginx.url, "Ada");
  const [hers, his] = (await connections(one)) === 1 ? [one, other] : [other, one];
  expect(await connections(his), "Ada is at one instance alone").toBe(0);
  const { person: bob, gone } = await arrive(browser, one, nginx.url, "Bob");
  expect(await connections(his), "the newcomer is at the other").toBe(1);
  expect(await connections(hers)).toBe(1);

  await expect(ada.here("Bob")).toBeVisible();
  await expect(bob.here("Ada")).toBeVisible();
  await bob.page.getByLabel("Title").pressSequentially("From next door");
  await expect(ada.page.getByText("Bob is writing…")).toBeVisible();
  await bob.page.getByLabel("Text").fill("Written at the other instance.");
  await bob.page.getByRole("button", { name: "Post" }).click();
  await expect(ada.post("From next door")).toHaveCount(1);

  let loaded = 0;
  ada.page.on("domcontentloaded", () => loaded++);
  const meanwhile = visits(`${nginx.url}/c/harbour/square`);
  await hers.halt("SIGTERM");
  await expect.poll(() => connections(his), "Ada is at the instance that is left").toBe(2);
  await his.post(await his.signIn("Cyd"), 1, "After the end");
  await expect(ada.post("After the end")).toHaveCount(1);
  await expect(bob.post("After the end")).toHaveCount(1);
  await ada.settled();
  await expect(ada.page.locator(".rt-connection")).toBeHidden();
  // Longer than the instance that is left waits for who was at the other.
  await bob.page.waitForTimeout(8_000);
  await expect(bob.here("Ada")).toBeVisible();
  expect(gone, "nobody flickered").toEqual([]);
  expect(await meanwhile.end(), "every page was served meanwhile").toEqual([200]);
  expect(loaded, "Ada's page was not loaded again").toBe(0);
});

test("an address is the client's own, whatever it says of itself", async ({ nginx }) => {
  test.skip(process.platform !== "linux", "other systems have no second address of their own");
  const answers = async (count: number, from: string, forwarded?: (index: number) => string) => {
    const statuses = await Promise.all(Array.from({ length: count }, (_, index) => socket(nginx.url, from, forwarded?.(index))));
    return { in: statuses.filter((status) => status === 101).length, refused: statuses.filter((status) => status === 429).length };
  };
  // Both instances in turn, up to the limit of each: then nothing more, by whatever name.
  const all = 2 * FEW;
  expect(await answers(all, "127.0.0.2")).toEqual({ in: all, refused: 0 });
  expect(await answers(4, "127.0.0.2", (index) => `203.0.113.${index}`)).toEqual({ in: 0, refused: 4 });
  // Who sits elsewhere is not concerned, also who is called like somebody with too many.
  expect(await answers(all, "127.0.0.3", () => "127.0.0.2")).toEqual({ in: all, refused: 0 });
});

test("what is for operators is not reachable from outside", async ({ instances: { one }, nginx }) => {
  for (const path of ["/metrics", "/health/redis"]) {
    expect((await asked(one.url + path)).status, `${path} at the instance`).toBe(200);
  }
  const ways = ["/metrics", "//metrics", "/%6detrics", "/metrics?x", "/health/redis", "/health//redis", "/c/../health/redis", "/health/ready"];
  for (const way of ways) {
    // As it is written: fetch would tidy it up.
    const { hostname, port } = new URL(nginx.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const request = get({ hostname, port, path: way, headers: { authorization: `Bearer ${TOKEN}` }, agent: false }, async (response) => {
        let text = `${response.statusCode} `;
        for await (const part of response) text += part;
        resolve(text);
      });
      request.on("error", reject);
    });
    expect(answer, way).toMatch(/^404 /);
    expect(answer, way).not.toMatch(/realtime_|used_memory|redis_publish/);
  }
  expect((await fetch(`${nginx.url}/health/live`)).status).toBe(200);
});
