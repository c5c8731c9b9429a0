import { Server } from "./server.ts";

/** The host of the embedding guide. Its site lies elsewhere than the forum's, under a name of its own. */
export class Embed extends Server {
  static async start(): Promise<Embed> {
    const { port, folder } = await Server.place();
    const environment = { LEPTOS_OUTPUT_NAME: "embed", LEPTOS_SITE_ROOT: process.env.EMBED_SITE_ROOT ?? "" };
    const embed = new Embed({ name: "the embedding host", binary: "EMBED_BIN", environment }, port, folder);
    await embed.boot();
    return embed;
  }
}
