import { type Browser, type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { Forum } from "./forum.ts";

/** A person with a browser of their own: nothing is shared with the others. */
export class Person {
  private constructor(
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** A person who is signed in; a guest, without a name. */
  static async arrive(browser: Browser, forum: Forum, name: string, options = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: forum.url, ...options });
    if (name) {
      const value = encodeURIComponent(await forum.signIn(name));
      await context.addCookies([{ name: "forum_session", value, url: forum.url }]);
    }
    return new Person(name, context, await context.newPage());
  }

  /** The name of a person in the list of who is here. */
  here(name: string) {
    return this.page.locator(".here-names li", { hasText: name });
  }

  post(title: string) {
    return this.page.locator(".post h2", { hasText: title });
  }

  /** Unfolds what is below the person's name in the bar. */
  async openMenu(): Promise<void> {
    await this.page.locator(".account-button").click();
    await expect(this.page.locator(".menu")).toBeVisible();
  }

  async signOut(): Promise<void> {
    await this.openMenu();
    await this.page.getByRole("button", { name: "Sign out" }).click();
  }

  /** The page is alive: hydrated, connected, in its room, and seen there. */
  async settled(): Promise<void> {
    await expect(this.page.locator(".rt-presence")).toHaveAttribute("data-state", "live");
    await expect(this.here(this.name)).toBeVisible();
  }
}

/** What a restart of the server or an absence of it makes any browser print. */
const NETWORK = /ERR_CONNECTION_REFUSED|WebSocket connection to .* failed|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

type Fixtures = {
  /** The forum's environment, on top of the tests' own: set by `test.use`. */
  environment: Record<string, string>;
  forum: Forum;
  /** Brings a person; each console error or warning of their pages fails the test. */
  person: (name: string, options?: object) => Promise<Person>;
  /** Console messages that a test expects. */
  expected: RegExp[];
};

export const test = base.extend<Fixtures>({
  environment: [{}, { option: true }],
  forum: async ({ environment }, use) => {
    const forum = await Forum.start(environment);
    await use(forum);
    await forum.stop();
  },
  expected: async ({}, use) => use([]),
  person: async ({ browser, forum, expected }, use) => {
    const people: Person[] = [];
    const complaints: string[] = [];
    await use(async (name, options) => {
      const person = await Person.arrive(browser, forum, name, options);
      // Of the context, so that no tab opened later goes unheard.
      person.context.on("weberror", (error) => complaints.push(`${name}: ${error.error()}`));
      person.context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(`${name}: ${message.text()}`);
      });
      people.push(person);
      return person;
    });
    for (const person of people) await person.context.close();
    expect(complaints.filter((text) => !expected.some((known) => known.test(text)))).toEqual([]);
  },
});

export { expect, NETWORK };
