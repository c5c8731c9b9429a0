// What concerns a person: the count in the first HTML and live, in step on every device and instance.
import type { Page } from "@playwright/test";
import type { Forum } from "../lib/forum.ts";
import { test as instances } from "../lib/instances.ts";
import { Person, expect, test } from "../lib/people.ts";

const bell = (page: Page) => page.locator(".rt-bell");
const unread = (page: Page, count: number) => expect(bell(page)).toHaveAttribute("data-unread", String(count));
const items = (page: Page) => page.locator(".rt-notification");
const filter = (page: Page, name: string) =>
  page.getByRole("navigation", { name: /^(Which notifications|Of which kind)$/ }).getByRole("link", { name, exact: true });

/** The page is alive: hydrated and connected. */
const live = (page: Page) => expect(page.locator(".rt-connection")).toHaveAttribute("data-state", "live");

/** Somebody mentions Ada in the square. */
async function mention(forum: Forum, title: string, body = "What do you think, @Ada?") {
  await forum.post(await forum.signIn("Bob"), 1, title, body);
}

/** The timers of six seconds after which toasts go, which pass when a test says so. */
async function toastTimers(page: Page) {
  await page.addInitScript(() => {
    const { setTimeout, clearTimeout } = window;
    const timers = new Map<number, () => void>();
    Object.assign(window, {
      timers,
      setTimeout: (f: () => void, wait?: number, ...rest: unknown[]) => {
        const id = setTimeout(f, wait, ...rest);
        if (wait === 6_000) timers.set(id, f);
        return id;
      },
      clearTimeout: (id: number) => {
        timers.delete(id);
        clearTimeout(id);
      },
    });
  });
  type Timers = { timers: Map<number, () => void> };
  return {
    count: () => page.evaluate(() => (window as unknown as Timers).timers.size),
    pass: () =>
      page.evaluate(() => {
        const { timers } = window as unknown as Timers;
        for (const [id, over] of timers) {
          window.clearTimeout(id);
          over();
        }
      }),
  };
}

/** The inbox as the server has it. */
async function stored(person: Person, query = "") {
  const answer = await person.context.request.get(`/realtime/api/inbox?${query}`);
  return (await answer.json()) as { unread: number; notifications: { id: number; seen?: number }[] };
}

/** Somebody mentions Ada so often, and the inbox has it all. */
async function mentions(forum: Forum, ada: Person, titles: string[]) {
  const before = (await stored(ada)).unread;
  for (const title of titles) await mention(forum, title);
  await expect.poll(async () => (await stored(ada)).unread).toBe(before + titles.length);
}

test("who is mentioned is told, in the first HTML and live, and only they", async ({ person, forum }) => {
  const ada = await person("Ada");
  const cyd = await person("Cyd");
  await mention(forum, "The first");
  await expect(async () => {
    const answer = await ada.context.request.get("/");
    expect(await answer.text()).toMatch(/data-unread="1"/);
  }).toPass();
  const toasts = await toastTimers(ada.page);
  await ada.page.goto("/");
  await cyd.page.goto("/");
  await unread(ada.page, 1);
  await expect(bell(ada.page)).toHaveAccessibleName("Notifications, 1 unread");
  await live(ada.page);
  await mention(forum, "The second");
  await unread(ada.page, 2);
  const toast = ada.page.locator(".rt-toast");
  await expect(toast).toHaveText(/Bob mentioned you in “The second”/);
  await expect.poll(toasts.count).toBe(1);
  await toast.hover();
  await expect.poll(toasts.count, "it waits while the pointer is on it").toBe(0);
  await ada.page.mouse.move(0, 0);
  await expect.poll(toasts.count).toBe(1);
  await toasts.pass();
  await expect(toast).toBeHidden();
  await unread(cyd.page, 0);
  await bell(ada.page).click();
  await expect(items(ada.page)).toHaveCount(2);
  await expect(items(ada.page).first()).toContainText("The second");
  await ada.page.getByRole("link", { name: /The first/ }).click();
  await expect(ada.page).toHaveURL(/\/c\/harbour\/square\/\d+$/);
  await unread(ada.page, 1);
});

test("without JavaScript the count is there, and buttons mark", async ({ person, forum }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await mention(forum, "One");
  await mention(forum, "Two");
  await expect(async () => {
    await ada.page.goto("/inbox");
    await expect(items(ada.page)).toHaveCount(2, { timeout: 1_000 });
  }).toPass();
  await unread(ada.page, 2);
  await items(ada.page).first().getByRole("button", { name: "Mark as read" }).click();
  await unread(ada.page, 1);
  await items(ada.page).first().getByRole("button", { name: "Archive" }).click();
  await expect(items(ada.page)).toHaveCount(1);
  await ada.page.getByRole("button", { name: "Mark all as read" }).click();
  await unread(ada.page, 0);
});

test("without JavaScript filters and older pages are links", async ({ person, forum }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  const titles = Array.from({ length: 33 }, (_, number) => `Number ${number + 1}`);
  await mentions(forum, ada, titles);
  await ada.page.goto("/inbox");
  await expect(items(ada.page)).toHaveCount(30);
  await ada.page.getByRole("link", { name: "Show older ones" }).click();
  await expect(items(ada.page)).toHaveCount(3);
  await expect(items(ada.page).first()).toContainText("Number 3”");
  await items(ada.page).first().getByRole("button", { name: "Archive" }).click();
  await expect(items(ada.page), "one comes back to where one was").toHaveCount(2);
  await items(ada.page).first().getByRole("button", { name: "Mark as read" }).click();
  await ada.page.getByRole("link", { name: "Show the newest" }).click();
  await expect(items(ada.page)).toHaveCount(30);
  await filter(ada.page, "Archive").click();
  await expect(filter(ada.page, "Archive")).toHaveAttribute("aria-current", "true");
  await expect(items(ada.page)).toHaveText(/Number 3”/);
  await items(ada.page).getByRole("button", { name: "Move to inbox" }).click();
  await expect(ada.page.getByText("Nothing is put away here.")).toBeVisible();
  await filter(ada.page, "Unread").click();
  await expect(ada.page).toHaveURL(/\?show=unread$/);
  await ada.page.getByRole("link", { name: "Show older ones" }).click();
  await expect(items(ada.page), "one of the three is read").toHaveCount(2);
  await filter(ada.page, "Posts in partner communities").click();
  await expect(ada.page).toHaveURL(/\?show=unread&kind=partner_post$/);
  await expect(ada.page.getByText("Nothing unread.")).toBeVisible();
  await filter(ada.page, "All").click();
  await expect(ada.page.getByText("Nothing of this kind.")).toBeVisible();
});

test("filters show what is not loaded yet, and an archive", async ({ person, forum }) => {
  const ada = await person("Ada");
  await mentions(forum, ada, ["The oldest"]);
  const titles = Array.from({ length: 31 }, (_, number) => `Number ${number + 1}`);
  await mentions(forum, ada, titles);
  const { notifications } = await stored(ada);
  const form: Record<string, string> = { mark: "read" };
  for (const [place, { id }] of notifications.entries()) form[`ids[${place}]`] = String(id);
  await ada.context.request.post("/realtime/api/mark_notifications", { form });
  await ada.page.goto("/inbox");
  await live(ada.page);
  await expect(items(ada.page)).toHaveCount(30);
  await unread(ada.page, 2);
  await filter(ada.page, "Unread").click();
  await expect(ada.page).toHaveURL(/\?show=unread$/);
  await expect(items(ada.page)).toHaveCount(2);
  await expect(items(ada.page).last()).toContainText("The oldest");
  await items(ada.page).last().getByRole("button", { name: "Archive" }).click();
  await expect(items(ada.page)).toHaveCount(1);
  await mention(forum, "Just now");
  await expect(items(ada.page), "what comes is among them").toHaveCount(2);
  await filter(ada.page, "Archive").click();
  await expect(items(ada.page)).toHaveText(/The oldest/);
  await items(ada.page).getByRole("button", { name: "Move to inbox" }).click();
  await expect(ada.page.getByText("Nothing is put away here.")).toBeVisible();
  await ada.page.goBack();
  await expect(items(ada.page)).toHaveCount(3);
  await ada.page.reload();
  await live(ada.page);
  await expect(items(ada.page), "the address says what is shown").toHaveCount(3);
  await filter(ada.page, "All").click();
  await expect(items(ada.page)).toHaveCount(30);
  await ada.page.getByRole("link", { name: "Show older ones" }).click();
  await expect(items(ada.page)).toHaveCount(33);
  await expect(ada.page.getByRole("link", { name: "Show older ones" })).toHaveCount(0);
  await filter(ada.page, "Posts in partner communities").click();
  await expect(ada.page.getByText("Nothing of this kind.")).toBeVisible();
});

test("the keyboard stays where it is, and goes to the next row where one leaves", async ({ person, forum }) => {
  const ada = await person("Ada");
  await mentions(forum, ada, ["Three", "Two", "One"]);
  await ada.page.goto("/inbox");
  await live(ada.page);
  const row = (title: string) => items(ada.page).filter({ hasText: `“${title}”` });
  const read = row("One").getByRole("button", { name: /^Mark as/ });
  await read.focus();
  await ada.page.keyboard.press("Enter");
  await expect(read).toHaveText("Mark as unread");
  await unread(ada.page, 2);
  await expect(read, "it is the same button").toBeFocused();
  await ada.page.keyboard.press("Enter");
  await unread(ada.page, 3);
  await expect(read).toBeFocused();
  await row("Two").getByRole("button", { name: "Archive" }).focus();
  await ada.page.keyboard.press("Enter");
  await expect(items(ada.page)).toHaveCount(2);
  await expect(row("Three"), "the one below").toBeFocused();
  await ada.page.keyboard.press("Tab");
  await expect(row("Three").getByRole("link")).toBeFocused();
  await row("Three").getByRole("button", { name: "Archive" }).focus();
  await ada.page.keyboard.press("Enter");
  await expect(row("One"), "there is none below").toBeFocused();
  await row("One").getByRole("button", { name: "Archive" }).focus();
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.locator(".rt-inbox-empty"), "there is none").toBeFocused();
  const all = ada.page.getByRole("button", { name: "Mark all as read" });
  await all.focus();
  await mention(forum, "Four");
  await unread(ada.page, 1);
  await ada.page.keyboard.press("Enter");
  await unread(ada.page, 0);
  await expect(all).toBeFocused();
  await expect(all).toHaveAttribute("aria-disabled", "true");
});

test("what is shown is marked as seen, once, and stays unread", async ({ person, forum }) => {
  const ada = await person("Ada");
  await mentions(forum, ada, ["One", "Two"]);
  const marked: string[] = [];
  ada.page.on("request", (request) => {
    if (request.url().endsWith("/mark_notifications")) marked.push(request.postData() ?? "");
  });
  const unseen = async () => (await stored(ada)).notifications.filter(({ seen }) => seen === undefined).length;
  await ada.page.goto("/");
  await live(ada.page);
  await unread(ada.page, 2);
  expect(await unseen(), "the bell shows a number, and no more").toBe(2);
  await bell(ada.page).click();
  await expect(ada.page.getByText("New", { exact: true })).toHaveCount(2);
  await expect.poll(unseen).toBe(0);
  await unread(ada.page, 2);
  await expect(ada.page.getByText("New", { exact: true }), "for as long as the page shows it").toHaveCount(2);
  expect(marked).toHaveLength(1);
  expect(marked[0]).toContain("mark=seen");
  await mention(forum, "Three");
  await expect.poll(() => marked.length).toBe(2);
  await ada.page.reload();
  await live(ada.page);
  await expect(items(ada.page)).toHaveCount(3);
  await expect(ada.page.getByText("New", { exact: true })).toHaveCount(0);
});

test("a page of somebody who is not signed in any more does nothing to who is", async ({ person, forum, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  const cyd = await person("Cyd");
  await mention(forum, "For Ada");
  await mention(forum, "For Cyd", "What do you think, @Cyd?");
  await expect.poll(async () => (await stored(cyd)).unread).toBe(1);
  const seen = ada.page.waitForResponse((answer) => answer.url().endsWith("/mark_notifications"));
  await ada.page.goto("/inbox");
  await live(ada.page);
  await expect(items(ada.page)).toHaveText(/For Ada/);
  // What is shown is marked as seen soon: that must not be what finds out who is signed in.
  await seen;
  // In another tab, of which this one hears nothing.
  await ada.context.addCookies(await cyd.context.cookies());
  await ada.page.getByRole("button", { name: "Mark all as read" }).click();
  await expect(items(ada.page)).toHaveText(/For Cyd/);
  await unread(ada.page, 1);
  expect((await stored(cyd)).unread, "nothing was done to theirs").toBe(1);
  await items(ada.page).getByRole("button", { name: "Mark as read" }).click();
  await unread(ada.page, 0);
  expect((await stored(cyd)).unread).toBe(0);
  await ada.context.clearCookies();
  await items(ada.page).getByRole("button", { name: "Archive" }).click();
  await expect(ada.page.getByText("Sign in to see what concerns you.")).toBeVisible();
  await expect(items(ada.page)).toHaveCount(0);
});

test("a server that does not answer is asked again, later and later", async ({ person, forum, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  await ada.page.clock.install();
  await ada.page.goto("/inbox");
  await live(ada.page);
  let asked = 0;
  const broken = "**/realtime/api/inbox?*";
  await ada.page.route(broken, (route) => {
    asked += 1;
    return route.fulfill({
      status: 500,
      headers: { serverfnerror: "/realtime/api/inbox", "content-type": "application/json" },
      body: JSON.stringify({ code: "unavailable", message: "notifications cannot be read right now" }),
    });
  });
  await filter(ada.page, "Unread").click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "cannot be read right now" })).toBeVisible();
  // More reasons to ask do not make more questions.
  for (const name of ["Archive", "Unread", "Archive", "Unread"]) await filter(ada.page, name).click();
  for (let second = 0; second < 20; second++) await ada.page.clock.runFor(1_000);
  // Waits of up to 1, 2, 4, 8 and 15 seconds, at random: about half of that each.
  expect(asked).toBeLessThan(20);
  await ada.page.unroute(broken);
  await expect(async () => {
    await ada.page.clock.runFor(5_000);
    await expect(ada.page.getByText("Nothing unread.")).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(ada.page.getByRole("alert").filter({ hasText: "cannot be read" })).toHaveCount(0);
});

test("what is said of everything holds where nothing else is said, and a mute changes nothing of it", async ({ person }) => {
  const ada = await person("Ada");
  await ada.page.goto("/settings");
  await live(ada.page);
  const group = (name: string) => ada.page.getByRole("group", { name, exact: true });
  const choice = (name: string, label: string) => group(name).getByRole("button", { name: label, exact: true });
  const pressed = (name: string, label: string) => expect(choice(name, label)).toHaveAttribute("aria-pressed", "true");
  const [all, mentioned, partners] = ["Everything", "Somebody mentions you", "Posts in partner communities"];
  await pressed(all, "On");
  await pressed(mentioned, "As everywhere");
  await expect(group(mentioned)).toContainText("on, as everywhere");
  await choice(all, "Off").focus();
  await ada.page.keyboard.press("Enter");
  await pressed(all, "Off");
  await expect(choice(all, "Off"), "it keeps the focus").toBeFocused();
  await expect(group(mentioned)).toContainText("off, as everywhere");
  await choice(partners, "On").click();
  await pressed(partners, "On");

  const mute = group(partners).getByText("Mute…");
  const hour = choice(partners, "For 1 hour");
  await mute.focus();
  await ada.page.keyboard.press("Enter");
  await hour.focus();
  await ada.page.keyboard.press("Escape");
  await expect(hour).toBeHidden();
  await expect(mute, "the focus is back").toBeFocused();
  await ada.page.keyboard.press("Enter");
  await hour.click();
  await expect(group(partners)).toContainText("muted, ends");
  await expect(mute).toBeFocused();
  await pressed(partners, "On");
  await ada.page.reload();
  await live(ada.page);
  await pressed(partners, "On");
  await expect(group(partners)).toContainText("muted, ends");
  await mute.click();
  await choice(partners, "Not any more").click();
  await expect(group(partners)).not.toContainText("muted");
  await choice(partners, "As everywhere").click();
  await expect(group(partners)).toContainText("off, as everywhere");
  await choice(all, "On").click();
  await expect(group(partners)).toContainText("on, as everywhere");
  await expect
    .poll(async () => (await ada.context.request.get("/realtime/api/notification_preferences")).json())
    .toEqual([]);
});

test("without JavaScript preferences are set and taken back", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.page.goto("/settings");
  const partners = ada.page.getByRole("group", { name: "Posts in partner communities" });
  const choice = (label: string) => partners.getByRole("button", { name: label, exact: true });
  await choice("Off").click();
  await expect(choice("Off")).toHaveAttribute("aria-pressed", "true");
  await partners.getByText("Mute…").click();
  await choice("For 1 day").click();
  await expect(partners).toContainText("muted, ends");
  await expect(choice("Off")).toHaveAttribute("aria-pressed", "true");
  await choice("As everywhere").click();
  await expect(partners).toContainText("on, as everywhere");
});

test("what the server refuses is taken back, and says so", async ({ person, forum, expected }) => {
  expected.push(/Failed to load resource/);
  const ada = await person("Ada");
  await mention(forum, "One");
  await ada.page.goto("/inbox");
  await unread(ada.page, 1);
  await live(ada.page);
  const address = "**/realtime/api/mark_notifications";
  await ada.page.route(address, (route) =>
    route.fulfill({
      status: 500,
      headers: { serverfnerror: "/realtime/api/mark_notifications", "content-type": "application/json" },
      body: JSON.stringify({ code: "unavailable", message: "notifications cannot be changed right now" }),
    }),
  );
  await items(ada.page).getByRole("button", { name: "Mark as read" }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "cannot be changed" })).toBeVisible();
  await unread(ada.page, 1);
  await ada.page.unroute(address);
  await items(ada.page).getByRole("button", { name: "Mark as read" }).click();
  await unread(ada.page, 0);
});

test("what a partner shares arrives marked, and can be switched off", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto("/c/harbour");
  await ada.settled();
  await bob.page.goto("/c/lantern/benches");
  await bob.settled();
  const post = async (title: string) => {
    await bob.page.getByLabel("Title").fill(title);
    await bob.page.getByLabel("Text").fill("Come and see.");
    await bob.page.getByRole("button", { name: "Post", exact: true }).click();
    await expect(bob.post(title)).toHaveCount(1);
  };
  await post("A lantern");
  const shared = ada.page.locator(".partners .entry", { hasText: "A lantern" });
  await expect(shared).toContainText("from Lantern Street");
  await unread(ada.page, 1);
  await unread(bob.page, 0);
  await post("Another lantern");
  await bell(ada.page).click();
  await expect(items(ada.page)).toContainText("Another lantern");
  await expect(items(ada.page), "one line for a lively neighbour").toHaveCount(1);
  await expect(items(ada.page)).toContainText("from Lantern Street");

  await ada.page.goto("/settings");
  await live(ada.page);
  const partners = ada.page.getByRole("group", { name: "Posts in partner communities" });
  const off = partners.getByRole("button", { name: "Off", exact: true });
  await off.click();
  await expect(off).toHaveAttribute("aria-pressed", "true");
  await ada.page.goto("/c/harbour");
  await ada.settled();
  await post("A third lantern");
  await expect(ada.page.locator(".partners"), "the page shows it all the same").toContainText("A third lantern");
  await unread(ada.page, 1);
});

test("two browsers of one person are in step, another's are not, and a mute holds", async ({ person, forum }) => {
  const desk = await person("Ada");
  const phone = await person("Ada", { viewport: { width: 360, height: 740 } });
  const bob = await person("Bob");
  await mention(forum, "Before");
  await expect(async () => {
    for (const { context } of [desk, phone]) expect(await (await context.request.get("/")).text()).toMatch(/data-unread="1"/);
  }).toPass();
  expect(await (await bob.context.request.get("/")).text()).toMatch(/data-unread="0"/);
  for (const { page } of [desk, phone, bob]) {
    await page.goto("/inbox");
    await live(page);
  }
  await mention(forum, "After");
  for (const { page } of [desk, phone]) {
    await unread(page, 2);
    await expect(items(page).first()).toContainText("After");
  }
  await items(desk.page).first().getByRole("button", { name: "Mark as read" }).click();
  for (const { page } of [desk, phone]) await unread(page, 1);
  await phone.page.getByRole("button", { name: "Mark all as read" }).click();
  for (const { page } of [desk, phone]) await unread(page, 0);

  // Board 4 is of Lantern Street, a partner of the harbour's.
  await desk.page.goto("/c/harbour");
  await desk.settled();
  const lantern = async (title: string) => {
    await bob.page.goto("/c/lantern/benches");
    await bob.settled();
    await bob.page.getByLabel("Title").fill(title);
    await bob.page.getByLabel("Text").fill("Come and see.");
    await bob.page.getByRole("button", { name: "Post", exact: true }).click();
    await expect(bob.post(title)).toHaveCount(1);
  };
  await lantern("A lantern");
  for (const { page } of [desk, phone]) await unread(page, 1);
  await expect(items(phone.page).first()).toContainText("from Lantern Street");
  await unread(bob.page, 0);
  await phone.page.goto("/settings");
  await live(phone.page);
  const partners = phone.page.getByRole("group", { name: "Posts in partner communities" });
  await partners.getByText("Mute…").click();
  await partners.getByRole("button", { name: "For 1 day" }).click();
  await expect(partners).toContainText("muted, ends");
  await expect.poll(async () => (await phone.context.request.get("/realtime/api/notification_preferences")).json()).toHaveLength(1);
  await lantern("A muted lantern");
  await mention(forum, "A mention is told all the same");
  for (const { page } of [desk, phone]) await unread(page, 2);
  expect(JSON.stringify(await stored(desk))).not.toContain("A muted lantern");
});

instances("what is read at one instance is read at the other", async ({ browser, instances }) => {
  const { one, other } = instances;
  const desk = await Person.arrive(browser, one, "Ada");
  const phone = await Person.arrive(browser, other, "Ada");
  for (const { page } of [desk, phone]) {
    await page.goto("/inbox");
    await unread(page, 0);
    await live(page);
  }
  await mention(one, "From one");
  await mention(other, "From the other");
  for (const { page } of [desk, phone]) {
    await unread(page, 2);
    await expect(items(page)).toHaveCount(2);
  }
  await items(desk.page).first().getByRole("button", { name: "Mark as read" }).click();
  for (const { page } of [desk, phone]) await unread(page, 1);
  await phone.page.getByRole("button", { name: "Mark all as read" }).click();
  for (const { page } of [desk, phone]) await unread(page, 0);
  await items(phone.page).first().getByRole("button", { name: "Archive" }).click();
  for (const { page } of [desk, phone]) await expect(items(page)).toHaveCount(1);
  for (const { context } of [desk, phone]) await context.close();
});
