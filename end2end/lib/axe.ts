import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What has to hold: WCAG 2.2, A and AA. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What axe finds wrong with a page as it is now, in words. A page without scripts, and one that is gone, has none to say. */
export async function complaintsOf(page: Page): Promise<string[]> {
  if (page.isClosed() || !page.url().startsWith("http://127.0.0.1")) return [];
  // What fades in or out is looked at when it is there, or gone.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.evaluate(source);
  const violations = await page.evaluate(async (values) => {
    const { axe } = window as any;
    const found = await axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return found.violations.flatMap(({ id, help, nodes }: any) =>
      nodes.map(({ target, failureSummary }: any) => `${id} (${help}) at ${target.join(" ")}: ${failureSummary.replace(/\s+/g, " ")}`),
    );
  }, RULES);
  return violations.map((violation: string) => `${new URL(page.url()).pathname}: ${violation}`);
}
