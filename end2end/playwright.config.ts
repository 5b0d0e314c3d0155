// How the browser tests run: in the system's Chromium, each test with script and without.
// A test that needs script is named *.hydrate.spec.ts and is left out of the second project.
//
// The runner script gives the places of the programs: FERRY_BIN, SIMULATOR_BIN and FERRY_CHROMIUM.
// Fixtures start a Ferry of their own on a free port; there is no server shared by all tests.
import { defineConfig } from "@playwright/test";

const launchOptions = {
  executablePath: process.env.FERRY_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    // Chromium's sandbox does not work for root, and the tests load our own pages only.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  testDir: "tests",
  outputDir: "../target/browser-tests",
  fullyParallel: false,
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["json", { outputFile: "../target/browser-tests.json" }]],
  use: {
    browserName: "chromium",
    launchOptions,
    locale: "en-GB",
    timezoneId: "Europe/Madrid",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
  projects: [
    { name: "script", use: { javaScriptEnabled: true } },
    { name: "no script", use: { javaScriptEnabled: false }, testIgnore: "**/*.hydrate.spec.ts" },
  ],
});
