import { defineConfig } from "@playwright/test";
import tests from "../playwright.config.ts";

/** `cargo xtask screenshots`. */
export default defineConfig({
  ...tests,
  testDir: ".",
  // One forum for all, whose people gather as the pictures go on.
  workers: 1,
  fullyParallel: false,
  outputDir: "../test-results",
  reportSlowTests: null,
  reporter: [["list"], ["./reporter.ts"]],
  use: { ...tests.use, trace: "off" },
});
