// Two instances of the forum, with one database and one Redis.
import { Balancer } from "../lib/balancer.ts";
import { arrive, test } from "../lib/instances.ts";
import { expect } from "../lib/people.ts";

test("two people on two instances see each other come, type, post and go", async ({ browser, instances }) => {
  const { one, other } = instances;
  const { person: ada } = await arrive(browser, one, one.url, "Ada");
  const { person: bob } = await arrive(browser, other, other.url, "Bob");
  await expect(ada.here("Bob")).toBeVisible();
  await expect(bob.here("Ada")).toBeVisible();
  await bob.page.getByLabel("Title").pressSequentially("From next door");
  await expect(ada.page.getByText("Bob is writing…")).toBeVisible();
  await bob.page.getByLabel("Text").fill("Written at the other instance.");
  await bob.page.getByRole("button", { name: "Post" }).click();
  await expect(ada.post("From next door")).toHaveCount(1);
  await expect(bob.post("From next door")).toHaveCount(1);
  await bob.page.close();
  await expect(ada.here("Bob")).toHaveCount(0);
  await expect(ada.here("Ada")).toBeVisible();
});

test("an instance is killed: its person is back at the other, and nobody saw them go", async ({ browser, instances }) => {
  const { one, other } = instances;
  const balancer = await Balancer.before(one, other);
  const { person: ada } = await arrive(browser, one, balancer.url, "Ada");
  const { person: bob, gone } = await arrive(browser, other, other.url, "Bob");
  await expect(bob.here("Ada")).toBeVisible();
  await one.halt("SIGKILL");
  await other.post(await other.signIn("Cyd"), 1, "After the fall");
  await expect(ada.post("After the fall"), "what happened meanwhile is there").toHaveCount(1);
  await ada.settled();
  await expect(ada.page.locator(".rt-connection")).toBeHidden();
  // Longer than it takes to find the dead instance and to take away whoever is left of it.
  await bob.page.waitForTimeout(8_000);
  await expect(bob.here("Ada")).toBeVisible();
  expect(gone, "nobody flickered").toEqual([]);
  await balancer.close();
});

test("an instance is restarted in good order, and nobody flickers", async ({ browser, instances }) => {
  const { one, other } = instances;
  const balancer = await Balancer.before(one, other);
  const { person: ada } = await arrive(browser, one, balancer.url, "Ada");
  const { person: bob, gone } = await arrive(browser, other, other.url, "Bob");
  await expect(bob.here("Ada")).toBeVisible();
  await one.halt();
  await one.boot();
  await ada.settled();
  await other.post(await other.signIn("Cyd"), 1, "After the restart");
  await expect(ada.post("After the restart")).toHaveCount(1);
  await expect(bob.here("Ada")).toBeVisible();
  expect(gone, "nobody flickered").toEqual([]);
  await balancer.close();
});

test("Redis is lost: both instances say so and go on, and when it is back everyone has everything", async ({ browser, instances }) => {
  const { redis, one, other } = instances;
  const { person: ada, gone } = await arrive(browser, one, one.url, "Ada");
  const { person: bob } = await arrive(browser, other, other.url, "Bob");
  await expect(ada.here("Bob")).toBeVisible();
  const badge = ada.page.locator(".rt-connection");
  await redis.kill();
  await expect(badge).toHaveAttribute("data-state", "degraded");
  await expect(badge).toHaveText("Live with some delay: not everyone is reached right now.");
  await one.post(await one.signIn("Cyd"), 1, "On our own");
  await expect(ada.post("On our own")).toHaveCount(1);
  await redis.boot();
  await expect(badge).toHaveAttribute("data-state", "live");
  await expect(badge).toBeHidden();
  await expect(bob.post("On our own")).toHaveCount(1);
  await expect(ada.post("On our own")).toHaveCount(1);
  await expect(ada.here("Bob")).toBeVisible();
  await one.post(await one.signIn("Cyd"), 1, "Together again");
  await expect(bob.post("Together again")).toHaveCount(1);
  await expect(ada.here("Bob")).toBeVisible();
  expect(gone, "nobody flickered").toEqual([]);
});
