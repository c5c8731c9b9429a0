import { type Browser, type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { Forum } from "./forum.ts";

/** A person with a browser of their own: nothing is shared with the others. */
export class Person {
  private constructor(
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async arrive(browser: Browser, forum: Forum, name: string, options = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: forum.url, ...options });
    const session = await forum.signIn(name);
    await context.addCookies([{ name: "forum_session", value: encodeURIComponent(session), url: forum.url }]);
    return new Person(name, context, await context.newPage());
  }

  /** The name of a person in the list of who is here. */
  here(name: string) {
    return this.page.locator(".here-names li", { hasText: name });
  }

  post(title: string) {
    return this.page.locator(".post h2", { hasText: title });
  }

  /** The page is alive: hydrated, and connected to the room. */
  async settled(): Promise<void> {
    await expect(this.here(this.name)).toBeVisible();
  }
}

/** What a restart of the server or an absence of it makes any browser print. */
const NETWORK = /ERR_CONNECTION_REFUSED|WebSocket connection to .* failed|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

type Fixtures = {
  forum: Forum;
  /** Brings a person; each console error or warning of their pages fails the test. */
  person: (name: string, options?: object) => Promise<Person>;
  /** Console messages that a test expects. */
  expected: RegExp[];
};

export const test = base.extend<Fixtures>({
  forum: async ({}, use) => {
    const forum = await Forum.start();
    await use(forum);
    await forum.stop();
  },
  expected: async ({}, use) => use([]),
  person: async ({ browser, forum, expected }, use) => {
    const people: Person[] = [];
    const complaints: string[] = [];
    await use(async (name, options) => {
      const person = await Person.arrive(browser, forum, name, options);
      person.page.on("pageerror", (error) => complaints.push(`${name}: ${error}`));
      person.page.on("console", (message) => {
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
