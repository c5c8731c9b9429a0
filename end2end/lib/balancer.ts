import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Forum } from "./forum.ts";

/** What stands before several instances: each connection goes to the first of them that takes it. */
export class Balancer {
  private ends = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly instances: Forum[],
    readonly url: string,
  ) {}

  static async before(...instances: Forum[]): Promise<Balancer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const balancer = new Balancer(server, instances, `http://127.0.0.1:${port}`);
    server.on("connection", (near) => balancer.take(near, 0));
    return balancer;
  }

  private take(near: Socket, index: number): void {
    const instance = this.instances[index];
    if (!instance) {
      near.destroy();
      return;
    }
    const far = connect(instance.port, "127.0.0.1");
    far.once("error", () => this.take(near, index + 1));
    far.once("connect", () => {
      for (const [end, other] of [[near, far], [far, near]] as const) {
        this.ends.add(end);
        end.on("error", () => end.destroy());
        end.on("close", () => {
          this.ends.delete(end);
          other.destroy();
        });
        end.pipe(other);
      }
    });
  }

  async close(): Promise<void> {
    for (const end of this.ends) end.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
