import { defineConfig } from "@playwright/test";
import tests from "../playwright.config.ts";

/** `cargo xtask bench <name>`: each file here is one. */
export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "**/*.ts",
  testIgnore: "playwright.config.ts",
  // They say themselves what takes too long.
  timeout: 0,
  reportSlowTests: null,
  workers: 1,
  outputDir: "../test-results",
  use: { ...tests.use, trace: "off" },
});
