import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Forum } from "./forum.ts";

/** The line between a browser and the forum, which can fall silent without a word to either, as in a tunnel. */
export class Line {
  private ends = new Set<Socket>();
  private held?: Socket[];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(forum: Forum): Promise<Line> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const line = new Line(server, `http://127.0.0.1:${(server.address() as { port: number }).port}`);
    server.on("connection", (near) => line.take(near, forum.port));
    return line;
  }

  private take(near: Socket, port: number): void {
    this.keep(near);
    if (this.held) {
      near.pause();
      this.held.push(near);
      near.once("released", () => this.join(near, port));
    } else this.join(near, port);
  }

  private join(near: Socket, port: number): void {
    const far = connect(port, "127.0.0.1");
    this.keep(far);
    near.pipe(far);
    far.pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  }

  private keep(end: Socket): void {
    this.ends.add(end);
    end.on("error", () => end.destroy());
    end.on("close", () => this.ends.delete(end));
  }

  /** From here on nothing arrives, in either direction, and nobody is told. */
  silence(): void {
    for (const end of this.ends) {
      end.unpipe();
      end.pause();
      end.removeAllListeners("close");
    }
    this.held = [];
  }

  /** Whoever connects is heard again; what was open before stays dead. */
  restore(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const near of held) near.emit("released");
  }

  async close(): Promise<void> {
    for (const end of this.ends) end.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
