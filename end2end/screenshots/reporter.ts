import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";
import { sheet, type Picture } from "./sheet.ts";

/** Makes the contact sheet, and ends with one line of figures. */
export default class Pictures implements Reporter {
  private readonly began = Date.now();
  private pictures: Picture[] = [];
  private overflows: string[] = [];
  private complaints: string[] = [];
  private failed = 0;

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status !== "passed") this.failed += 1;
    for (const { type, description = "" } of result.annotations) {
      if (type === "picture") this.pictures.push(JSON.parse(description));
      if (type === "overflow") this.overflows.push(`${test.title} ${description}`);
      if (type === "complaint") this.complaints.push(`${test.title}: ${description}`);
    }
  }

  onEnd(result: FullResult): void {
    const folder = process.env.PICTURES ?? "pictures";
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "index.html"), sheet(this.pictures));
    const figures = {
      scenario: "screenshots",
      pictures: this.pictures.length,
      pages: new Set(this.pictures.map(({ page }) => page)).size,
      overflows: this.overflows,
      console_errors: this.complaints,
      failed: this.failed,
      passed: result.status === "passed",
      seconds: Math.round((Date.now() - this.began) / 1_000),
    };
    console.log(JSON.stringify(figures));
  }
}
