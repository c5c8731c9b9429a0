import { defineConfig } from "@playwright/test";
import { launchOptions } from "./lib/chromium.ts";

export default defineConfig({
  testDir: "./tests",
  // Each test starts servers of its own, and two cores carry two browsers.
  workers: 2,
  fullyParallel: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions,
    trace: "retain-on-failure",
  },
});
