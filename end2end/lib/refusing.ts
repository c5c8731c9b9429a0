import type { BrowserContext } from "@playwright/test";

/** What a server says of a page whose protocol it does not serve any more. */
const REFUSAL = "unsupported_protocol: this server speaks protocol 2, not 1: reload";

/** Between a browser and the forum: a server that serves the page's protocol, until it does not any more. */
export class Refusing {
  private refuses = false;
  private open = new Set<() => void>();
  /** How many connections were refused. */
  refused = 0;

  static async before(context: BrowserContext): Promise<Refusing> {
    const line = new Refusing();
    await context.routeWebSocket(/\/realtime\/socket\.io\//, (socket) => {
      if (!line.refuses) {
        const server = socket.connectToServer();
        line.open.add(() => {
          void server.close();
          void socket.close();
        });
        return;
      }
      socket.onMessage((text) => {
        if (!String(text).startsWith("40")) return;
        line.refused++;
        socket.send(`44${JSON.stringify({ message: REFUSAL })}`);
      });
      socket.send(`0${JSON.stringify({ sid: "x", upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 100_000 })}`);
    });
    return line;
  }

  /** From now on nobody is served, and whoever was has to come back. */
  refuse(): void {
    this.refuses = true;
    for (const close of this.open) close();
    this.open.clear();
  }
}
