import { defineConfig } from "@playwright/test";

/** What Chromium needs as root, and what keeps it from calling its makers. */
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

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
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args },
    trace: "retain-on-failure",
  },
});
