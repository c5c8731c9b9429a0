import { NETWORK, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

test("A sees B come, type, post and go", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto(SQUARE);
  await ada.settled();

  await bob.page.goto(SQUARE);
  await expect(ada.here("Bob")).toBeVisible();
  await expect(ada.page.getByRole("img", { name: "Bob, online" })).toBeVisible();
  await expect(ada.page.getByRole("heading", { name: "2 people here" })).toBeVisible();
  await bob.settled();

  await bob.page.getByLabel("Title").pressSequentially("Fresh bread");
  await expect(ada.page.getByText("Bob is writing…")).toBeVisible();
  await expect(bob.page.getByText("Bob is writing…"), "nobody is told of themselves").toHaveCount(0);

  await bob.page.getByLabel("Text").fill("At the fountain, until noon.");
  await bob.page.getByRole("button", { name: "Post" }).click();
  await expect(ada.post("Fresh bread")).toBeVisible();
  await expect(ada.page.locator(".post").first()).toContainText("At the fountain, until noon.");
  await expect(ada.page.getByText("Bob is writing…")).toHaveCount(0);
  await expect(bob.post("Fresh bread")).toHaveCount(1);
  await expect(bob.page.getByLabel("Title"), "what was sent is cleared").toHaveValue("");

  await bob.page.close();
  await expect(ada.here("Bob")).toHaveCount(0);
  await expect(ada.here("Ada")).toBeVisible();
});

test("who was there first is in the first HTML, and so are the posts", async ({ person }) => {
  const bob = await person("Bob");
  await bob.page.goto(SQUARE);
  await bob.settled();
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.page.goto(SQUARE);
  await expect(ada.here("Bob")).toBeVisible();
  await expect(ada.page.getByRole("img", { name: "Bob, online" })).toBeVisible();
  await expect(ada.post("Street lamps on Rope Walk")).toBeVisible();
});

test("C2: a post made between the HTML and the socket's join appears", async ({ forum, person }) => {
  const ada = await person("Ada");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await ada.page.route("**/pkg/forum.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await ada.page.goto(SQUARE, { waitUntil: "commit" });
  await expect(ada.post("Street lamps on Rope Walk")).toBeVisible();
  await forum.post(await forum.signIn("Bob"), 1, "Between page and socket");
  await expect(ada.post("Between page and socket"), "the HTML is older").toHaveCount(0);
  release();
  await expect(ada.post("Between page and socket")).toHaveCount(1);
  await ada.settled();
  await expect(ada.post("Between page and socket")).toHaveCount(1);
});

test("B's reloads do not make B flicker for A", async ({ person }) => {
  const ada = await person("Ada");
  const gone: string[] = [];
  ada.page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      if (String(payload).includes('"room":"board:1"') && String(payload).includes('"gone"')) gone.push(String(payload));
    }),
  );
  const bob = await person("Bob");
  const cyd = await person("Cyd");
  for (const one of [ada, bob, cyd]) {
    await one.page.goto(SQUARE);
    await one.settled();
  }
  for (let i = 0; i < 3; i++) {
    await bob.page.reload();
    await bob.settled();
  }
  // Cyd's leave is seen after the grace, and so would be one of Bob's that the reloads had left behind.
  await cyd.page.close();
  await expect(ada.here("Cyd")).toHaveCount(0);
  expect(gone).toHaveLength(1);
  await expect(ada.here("Bob")).toBeVisible();
  await bob.page.close();
  await expect(ada.here("Bob")).toHaveCount(0);
  expect(gone).toHaveLength(2);
});

test("whoever leaves a page through a link is gone from its room, and hears it no more", async ({ forum, person }) => {
  const ada = await person("Ada");
  const frames: string[] = [];
  // One socket, which stays while the pages change.
  ada.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
  await ada.page.goto(SQUARE);
  await ada.settled();
  await ada.page.getByRole("link", { name: "Curia" }).click();
  await expect(ada.page.getByRole("heading", { name: "Communities" })).toBeVisible();
  const bob = await person("Bob");
  await bob.page.goto(SQUARE);
  await bob.settled();
  await expect(bob.here("Ada")).toHaveCount(0);
  await forum.post(await forum.signIn("Bob"), 1, "Does Ada hear this?");
  await expect(bob.post("Does Ada hear this?")).toBeVisible();
  expect(frames.filter((frame) => frame.includes('"room":"board:1"')).length, "she did hear of it while there").toBeGreaterThan(0);
  expect(frames.filter((frame) => frame.includes("Does Ada hear this?"))).toEqual([]);
});

test("a restarted server brings both back by themselves, and the badge shows it", async ({ forum, person, expected }) => {
  expected.push(NETWORK);
  const ada = await person("Ada");
  const bob = await person("Bob");
  for (const { page } of [ada, bob]) await page.goto(SQUARE);
  for (const one of [ada, bob]) await one.settled();
  await expect(ada.here("Bob")).toBeVisible();
  await ada.page.getByLabel("Text").fill("half a thought");

  await forum.halt();
  const badge = ada.page.locator(".rt-connection");
  await expect(badge).toBeVisible();
  await expect(badge).toContainText("Reconnecting…");

  await forum.boot();
  await expect(badge).toBeHidden();
  await expect(ada.here("Bob")).toBeVisible();
  await expect(bob.here("Ada")).toBeVisible();
  await expect(ada.page.getByLabel("Text"), "nothing written is lost").toHaveValue("half a thought");

  await forum.post(await forum.signIn("Cyd"), 1, "After the restart");
  for (const one of [ada, bob]) await expect(one.post("After the restart")).toHaveCount(1);
});

test("what was posted while the server was away from me is there when it is back", async ({ forum, person, expected }) => {
  expected.push(NETWORK);
  const ada = await person("Ada");
  await ada.page.goto(SQUARE);
  await ada.settled();
  // The page reaches neither the old process nor, at first, the new one.
  await ada.context.setOffline(true);
  await forum.halt();
  await forum.boot();
  await forum.post(await forum.signIn("Bob"), 1, "Meanwhile");
  await ada.context.setOffline(false);
  await expect(ada.post("Meanwhile")).toHaveCount(1);
});

test("moving to another board is seen on both, and never leaves the community", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  const community = await person("Cyd");
  await community.page.goto("/c/harbour");
  await ada.page.goto(SQUARE);
  await bob.page.goto(SQUARE);
  await expect(ada.here("Bob")).toBeVisible();
  await expect(community.here("Bob")).toBeVisible();
  await bob.page.getByRole("link", { name: "Repair café" }).click();
  await expect(bob.page.getByRole("heading", { name: "Repair café", level: 1 })).toBeVisible();
  await bob.settled();
  await expect(bob.here("Ada")).toHaveCount(0);
  await expect(ada.here("Bob"), "leaving a page knows no grace").toHaveCount(0, { timeout: 4_000 });
  await expect(community.here("Bob")).toBeVisible();
});

test("signing out in one tab signs the others out too", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto(SQUARE);
  await ada.settled();
  await bob.page.goto(SQUARE);
  await bob.settled();
  const second = await bob.context.newPage();
  await second.goto(SQUARE);
  await expect(second.locator(".rt-presence")).toHaveAttribute("data-state", "live");
  await bob.signOut();
  await expect(second.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
  await expect(ada.here("Bob"), "neither tab is Bob any more").toHaveCount(0, { timeout: 4_000 });
});

test("two tabs of one person are one person", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto(SQUARE);
  await bob.page.goto(SQUARE);
  const second = await bob.context.newPage();
  await second.goto(SQUARE);
  await expect(second.locator(".rt-presence")).toHaveAttribute("data-state", "live");
  await expect(ada.here("Bob")).toHaveCount(1);
  await second.close();
  await expect(ada.page.getByRole("heading", { name: "2 people here" })).toBeVisible();
  await expect(ada.here("Bob")).toHaveCount(1);
});
