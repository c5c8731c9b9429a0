// A machine that loses its network and gets it back.
import { NETWORK, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

test("offline is said, and back online the page is live and complete", async ({ forum, person, expected }) => {
  expected.push(NETWORK, /ERR_INTERNET_DISCONNECTED/);
  const ada = await person("Ada");
  const bob = await person("Bob");
  for (const one of [ada, bob]) {
    await one.page.goto(SQUARE);
    await one.settled();
  }
  const badge = ada.page.locator(".rt-connection");
  await ada.context.setOffline(true);
  await expect(badge).toHaveAttribute("data-state", "offline");
  await expect(badge).toHaveText("You are offline. Live updates go on when you are back.");
  await forum.post(await forum.signIn("Cyd"), 1, "Meanwhile");
  await expect(bob.post("Meanwhile")).toHaveCount(1);
  await expect(ada.post("Meanwhile")).toHaveCount(0);

  await ada.context.setOffline(false);
  await expect(badge).toHaveAttribute("data-state", "live");
  await expect(badge).toBeHidden();
  await expect(ada.post("Meanwhile")).toHaveCount(1);
  await ada.settled();
  await expect(bob.here("Ada")).toHaveCount(1);
  await forum.post(await forum.signIn("Cyd"), 1, "Afterwards");
  await expect(ada.post("Afterwards")).toHaveCount(1);
  await expect(ada.post("Meanwhile")).toHaveCount(1);
});

test("a page that is loaded offline from a moment before connects when the network is there", async ({ person, expected }) => {
  expected.push(NETWORK, /ERR_INTERNET_DISCONNECTED/);
  const ada = await person("Ada");
  await ada.page.route("**/pkg/forum.wasm", async (route) => {
    // Whole, before the network goes: otherwise there is no page.
    const response = await route.fetch();
    await ada.context.setOffline(true);
    await route.fulfill({ response });
  });
  await ada.page.goto(SQUARE, { waitUntil: "commit" });
  const badge = ada.page.locator(".rt-connection");
  await expect(badge).toHaveAttribute("data-state", "offline");
  await ada.context.setOffline(false);
  await ada.settled();
});
