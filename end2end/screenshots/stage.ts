import type { Browser, BrowserContext } from "@playwright/test";
import { crowd, forEach, names, type Passer } from "../lib/crowd.ts";
import { Forum } from "../lib/forum.ts";
import { HEBREW_COMMENT, HEBREW_NAME, LONG_NAME, LONG_TEXT, LONG_TITLE } from "../lib/texts.ts";
import type { Scene } from "./scenes.ts";

/** Of the seed: the harbour, its square, and who decides there. */
const COMMUNITY = 1;
const BOARD = 1;
const ADMIN = "Maren Holt";

/** Who looks after the site. */
const OPERATOR = "Otto Brandt";

/** The person whose browser it is; of the seed, so that they have a history. */
export const VIEWER = "Jonas Blum";

/** The most people at once, the viewer among them. */
const MOST = 200;

/** A forum where everything that is hard to show is there to be shown. */
export class Stage {
  private here = 0;

  private constructor(
    readonly forum: Forum,
    /** The long post. */
    readonly post: number,
    private readonly people: Passer[],
    private readonly sessions: Map<string, string>,
  ) {}

  static async set(): Promise<Stage> {
    const forum = await Forum.start({ DEMO_SIGN_IN: "true" });
    // The first two to come are the ones whose names are hard to show.
    const people = await crowd(forum, [LONG_NAME, HEBREW_NAME, ...names(MOST - 3)]);
    const [long, hebrew, ...others] = people;
    const sessions = new Map<string, string>();
    for (const name of [VIEWER, ADMIN, OPERATOR, "Nobody yet"]) sessions.set(name, await forum.signIn(name));
    await forum.run("--operator", OPERATOR);
    const post = await forum.post(long.session, BOARD, LONG_TITLE, LONG_TEXT);
    const remark = await forum.comment(hebrew.session, post, HEBREW_COMMENT);
    const answer = await forum.comment(long.session, post, "Half past ten, at the fountain. I bring the *long* tape.", remark);
    await forum.comment(sessions.get(VIEWER)!, post, "Is the fifth hive looking for somebody? I have a veil, and time.");
    await forum.comment(others[0].session, post, "Then there are two of us at least.", answer);
    await forEach(others.slice(0, 23), (person) => person.votes(post, 1));
    // What the viewer is told of.
    const own = await forum.post(sessions.get(VIEWER)!, BOARD, "A table for the street fair", "It folds. So do I, by evening.");
    for (const person of [hebrew, long, others[1]]) await forum.comment(person.session, own, "I can carry one end of it.");
    await forum.post(hebrew.session, BOARD, "שעות הפתיחה של הספרייה", `ביום ראשון הספרייה פתוחה עד 20:00. @${VIEWER} יודע איפה המפתח.`);
    return new Stage(forum, post, people, sessions);
  }

  /** As many people as are asked for are present everywhere, the viewer among them; people only come. */
  async gather(count: number): Promise<void> {
    const coming = this.people.slice(this.here, Math.max(count - 1, 0));
    const rooms = [`community:${COMMUNITY}`, `board:${BOARD}`, `post:${this.post}`];
    const from = this.here;
    // One by one as long as they are few, so that they are seen in this order.
    const come = (person: Passer, i: number) => person.come(rooms, (from + i) % 7 !== 6);
    for (const [i, person] of coming.slice(0, 2).entries()) await come(person, i);
    await forEach(coming.slice(2), (person, i) => come(person, i + 2));
    this.here += coming.length;
  }

  /** Somebody votes; every few times by a wave of more of them, as people are. */
  async stir(turn: number): Promise<void> {
    const voting = this.people.slice(30, 31 + 3 * (turn % 5));
    await forEach(voting, (person) => person.votes(this.post, turn % 2 === 0 ? 1 : 0));
  }

  /** Those with the hard names write, until told to stop. */
  write(): () => Promise<void> {
    const writing = this.people.slice(0, Math.min(this.here, 2));
    const rooms = [`board:${BOARD}`, `post:${this.post}`];
    const tell = async (on: boolean) => {
      for (const person of writing) for (const room of rooms) await person.types(room, on);
    };
    const again = setInterval(() => void tell(true).catch(() => {}), 2_500);
    void tell(true).catch(() => {});
    return async () => {
      clearInterval(again);
      await tell(false);
    };
  }

  /** A browser of the viewer, of an admin, of an operator, of somebody to whom nothing has happened, or of a guest. */
  async browser(browser: Browser, who: Scene["who"]): Promise<BrowserContext> {
    const context = await browser.newContext({ baseURL: this.forum.url });
    const name = { viewer: VIEWER, admin: ADMIN, operator: OPERATOR, new: "Nobody yet", guest: undefined }[who];
    const session = name && this.sessions.get(name);
    if (session) {
      await context.addCookies([{ name: "forum_session", value: encodeURIComponent(session), url: this.forum.url }]);
    }
    return context;
  }

  async strike(): Promise<void> {
    await Promise.allSettled(this.people.filter((person) => person.isHere).map((person) => person.go()));
    await this.forum.stop();
  }
}
