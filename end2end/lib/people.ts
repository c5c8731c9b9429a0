import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, test as base, expect } from "@playwright/test";
import { complaintsOf } from "./axe.ts";
import { Forum } from "./forum.ts";

/** A person with a browser of their own: nothing is shared with the others. */
export class Person {
  private constructor(
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
    /** Whether pages may run scripts: without, nobody can look into them. */
    readonly scripted: boolean,
  ) {}

  /** A person who is signed in; a guest, without a name. */
  static async arrive(browser: Browser, forum: Forum, name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: forum.url, ...options });
    if (name) {
      const value = encodeURIComponent(await forum.signIn(name));
      await context.addCookies([{ name: "forum_session", value, url: forum.url }]);
    }
    return new Person(name, context, await context.newPage(), options.javaScriptEnabled !== false);
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

/** A page that connects anew while it connects: whoever signs out ends their sockets, and their pages know it by two ways. */
const OWN_CLOSE = /WebSocket is closed before the connection is established/;

/** What Chromium prints of the client's files where a page runs no scripts, or is slow to. */
export const UNUSED_YET = /was preloaded using link preload but not used within a few seconds/;

type Fixtures = {
  /** The forum's environment, on top of the tests' own: set by `test.use`. */
  environment: Record<string, string>;
  forum: Forum;
  /** Brings a person to a forum; each console error or warning of their pages fails the test, and so does what keeps
   * anybody from using the pages that are open at its end. */
  arrive: (forum: Forum, name: string, options?: object) => Promise<Person>;
  /** Brings a person to the test's forum. */
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
  arrive: async ({ browser, expected }, use) => {
    const people: Person[] = [];
    const complaints: string[] = [];
    await use(async (forum, name, options) => {
      const person = await Person.arrive(browser, forum, name, options);
      // Of the context, so that no tab opened later goes unheard.
      person.context.on("weberror", (error) => complaints.push(`${name}: ${error.error()}`));
      person.context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(`${name}: ${message.text()} (${message.location().url})`);
      });
      people.push(person);
      return person;
    });
    for (const person of people) {
      for (const page of person.scripted ? person.context.pages() : []) complaints.push(...(await complaintsOf(page)).map((text) => `${person.name}: ${text}`));
      await person.context.close();
    }
    const known = [...expected, OWN_CLOSE, UNUSED_YET];
    expect(complaints.filter((text) => !known.some((one) => one.test(text)))).toEqual([]);
  },
  person: async ({ forum, arrive }, use) => use((name, options) => arrive(forum, name, options)),
});

export { expect, NETWORK };
