import type { Passer } from "./crowd.ts";

/** How often a tick comes, in milliseconds: at 50 changes a second each is one change. */
const TICK = 20;

/** What a person does in turn, in the room and out of it. */
type Change = (person: Passer) => Promise<void>;

/** People who come, go, move, turn away, write and vote, evenly: as many changes a second as are asked for. */
export class Traffic {
  /** How many changes were made, and how many were refused. */
  made = 0;
  readonly failures: string[] = [];
  private readonly under = new Set<Promise<void>>();
  private readonly votes = new Map<Passer, number>();
  private timer?: NodeJS.Timeout;
  private turn = 0;

  constructor(
    private readonly people: Passer[],
    private readonly room: string,
    private readonly elsewhere: string,
    private readonly posts: number[],
  ) {}

  /** In these ten changes a tick: half of them undo what another person's turn before them did. */
  private changes(): [Change, number][] {
    const half = Math.floor(this.people.length / 2);
    return [
      [(person) => person.leave([this.room]), 0],
      [(person) => person.enter([this.room]), 10],
      [(person) => this.vote(person), half],
      [(person) => person.types(this.room), half + 5],
      [(person) => person.isAt(false), half + 20],
      [(person) => person.isAt(true), half + 30],
      [(person) => this.vote(person), half + 40],
      [(person) => person.types(this.room, false), half + 15],
      [(person) => this.moves(person), 40],
      [(person) => this.returns(person), 50],
    ];
  }

  private async vote(person: Passer): Promise<void> {
    const value = this.votes.get(person) === 1 ? 0 : 1;
    this.votes.set(person, value);
    await person.votes(this.posts[this.turn % this.posts.length], value);
  }

  /** To another board. */
  private async moves(person: Passer): Promise<void> {
    await Promise.all([person.leave([this.room]), person.enter([this.elsewhere])]);
  }

  private async returns(person: Passer): Promise<void> {
    await Promise.all([person.leave([this.elsewhere]), person.enter([this.room])]);
  }

  /** Begins, with so many changes a second. */
  start(perSecond: number): void {
    const changes = this.changes();
    const began = performance.now();
    let due = 0;
    this.timer = setInterval(() => {
      // What a late timer left out is made up for.
      const until = Math.floor(((performance.now() - began) / 1_000) * perSecond);
      for (; due < until; due++) this.next(changes);
    }, TICK);
  }

  private next(changes: [Change, number][]): void {
    const [change, shift] = changes[this.turn % changes.length];
    const round = Math.floor(this.turn / changes.length);
    const person = this.people[(round + this.people.length - (shift % this.people.length)) % this.people.length];
    this.turn += 1;
    const done = change(person)
      .then(() => void (this.made += 1))
      .catch((error: Error) => void this.failures.push(error.message))
      .finally(() => this.under.delete(done));
    this.under.add(done);
  }

  /** Ends, once what is under way is done. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.under);
  }
}
