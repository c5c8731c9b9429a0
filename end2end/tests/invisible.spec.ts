// The switch with which a person hides.
import { devices } from "@playwright/test";
import { type Person, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

/** Everything that a page is sent from here on. */
function frames(person: Person): string[] {
  const heard: string[] = [];
  person.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.push(String(payload))));
  return heard;
}

const toggle = (person: Person) => person.page.getByRole("switch", { name: "Appear offline" });

async function hide(person: Person): Promise<void> {
  await person.openMenu();
  await toggle(person).click();
  await expect(toggle(person)).toHaveAttribute("aria-checked", "true");
  await person.page.keyboard.press("Escape");
  await expect(person.page.locator(".menu")).toBeHidden();
}

test("nobody else sees a hidden person come, type or leave", async ({ forum, person }) => {
  const bob = await person("Bob");
  await bob.page.goto("/");
  await expect(bob.page.locator(".rt-connection")).toHaveAttribute("data-state", "live");
  await hide(bob);

  const ada = await person("Ada");
  const guest = await person("");
  const heard = [frames(ada), frames(guest)];
  await ada.page.goto(SQUARE);
  await ada.settled();
  await guest.page.goto(SQUARE);
  await bob.page.goto(SQUARE);
  await expect(bob.page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
  await expect(bob.here("Bob"), "he sees himself, and how").toContainText("hidden");
  await expect(bob.here("Ada")).toBeVisible();
  await expect(bob.page.getByRole("heading", { name: "One person here" })).toBeVisible();
  await bob.page.getByLabel("Title").pressSequentially("Secretly");
  await bob.page.getByLabel("Title").fill("");
  await bob.page.getByRole("link", { name: "Repair café" }).click();
  await expect(bob.page.getByRole("heading", { name: "Repair café", level: 1 })).toBeVisible();
  await bob.page.close();

  // What Cyd does later is seen, so what Bob did was not under way any more.
  const cyd = await person("Cyd");
  await cyd.page.goto(SQUARE);
  await cyd.settled();
  await cyd.page.getByLabel("Title").pressSequentially("Openly");
  for (const other of [ada, guest]) {
    await expect(other.page.getByText("Cyd is writing…")).toBeVisible();
    await expect(other.here("Cyd")).toBeVisible();
    await expect(other.here("Bob")).toHaveCount(0);
  }
  for (const each of heard) {
    expect(each.length).toBeGreaterThan(0);
    // Not in what the transport says: its random ids may spell anything.
    const said = each.filter((frame) => /^4[23]/.test(frame));
    expect(said.filter((frame) => frame.includes("Bob"))).toEqual([]);
  }
  await cyd.page.close();
});

test("the switch works by keyboard, holds for all devices, and through a reload", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  const { defaultBrowserType: _, ...pixel } = devices["Pixel 7"];
  const phone = await person("Bob", pixel);
  for (const one of [ada, bob, phone]) {
    await one.page.goto(SQUARE);
    await expect(one.page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
  }
  await expect(ada.here("Bob")).toBeVisible();

  await bob.page.getByRole("button", { name: "Bob" }).focus();
  await bob.page.keyboard.press("Enter");
  await bob.page.keyboard.press("Tab");
  await expect(toggle(bob)).toBeFocused();
  await expect(toggle(bob)).toHaveAttribute("aria-checked", "false");
  await bob.page.keyboard.press("Space");
  await expect(toggle(bob)).toHaveAttribute("aria-checked", "true");
  await expect(ada.here("Bob")).toHaveCount(0);
  await bob.page.keyboard.press("Escape");
  await expect(bob.page.getByRole("button", { name: /Bob.*appearing offline/ })).toBeFocused();

  await expect(phone.page.locator(".account-button .dot"), "his phone knows").toHaveAttribute("data-status", "invisible");
  await bob.page.reload();
  await expect(bob.page.locator(".account-button .dot")).toHaveAttribute("data-status", "invisible");
  await expect(ada.here("Bob")).toHaveCount(0);

  await phone.openMenu();
  await toggle(phone).tap();
  await expect(toggle(phone)).toHaveAttribute("aria-checked", "false");
  await expect(ada.here("Bob")).toHaveCount(1);
  await expect(bob.page.locator(".account-button .dot")).toHaveAttribute("data-status", "online");
});

test("an author has a dot while they are online, and none while they hide", async ({ forum, person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await forum.post(await forum.signIn("Bob"), 1, "By Bob");
  await ada.page.goto(SQUARE);
  await ada.settled();
  const dot = ada.page.locator(".post", { hasText: "By Bob" }).locator(".dot");
  await expect(dot).toHaveAttribute("data-status", "gone");
  // Wherever he is on the site.
  await bob.page.goto("/c/orchard");
  await expect(dot).toHaveAttribute("data-status", "online");
  await expect(dot).toHaveText("online");
  await hide(bob);
  await expect(dot).toHaveAttribute("data-status", "gone");
  await expect(dot).toHaveText("");
});

test("in a community it is seen at which board somebody is", async ({ person }) => {
  const ada = await person("Ada");
  const bob = await person("Bob");
  await ada.page.goto("/c/harbour");
  await bob.page.goto("/c/harbour/repair");
  const place = ada.here("Bob").getByRole("link");
  await expect(place).toHaveText("Repair café");
  await bob.page.getByRole("link", { name: "The square" }).click();
  await expect(place).toHaveText("The square");
  await place.click();
  await expect(ada.page.getByRole("heading", { name: "The square", level: 1 })).toBeVisible();
  await bob.page.getByRole("link", { name: "Curia" }).click();
  await ada.page.getByRole("link", { name: "Harbour Quarter" }).click();
  await expect(ada.here("Bob")).toBeVisible();
  await expect(place).toHaveCount(0);
});
