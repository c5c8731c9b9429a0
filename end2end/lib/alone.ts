import { constants } from "node:fs";
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Forum } from "./forum.ts";
import { Server, fileOf } from "./server.ts";

/** The forum whose executable holds the site: copied to an empty folder, started there, and told nothing of the project. */
export class Alone extends Forum {
  static async start(): Promise<Alone> {
    const { port, folder } = await Server.place();
    const none = { LEPTOS_OUTPUT_NAME: "", LEPTOS_SITE_ROOT: "", LEPTOS_SITE_PKG_DIR: "", LEPTOS_RELOAD_PORT: "" };
    const alone = new Alone({ name: "the forum alone", binary: "ALONE_BIN", environment: none }, port, folder);
    await copyFile(fileOf("ALONE_BIN"), alone.file, constants.COPYFILE_FICLONE);
    await alone.boot();
    return alone;
  }

  protected override get file(): string {
    return join(this.folder, "forum");
  }

  /** What is in its folder. */
  files(): Promise<string[]> {
    return readdir(this.folder);
  }
}
