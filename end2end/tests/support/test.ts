// The test function of all specs, with what each test gets of its own: a simulator, a Ferry, and the guard.
import { type BrowserContext, type BrowserContextOptions, type Page, test as base } from "@playwright/test";

import { Ferry, type Person } from "./ferry";
import { Guard } from "./guard";
import { Simulator } from "./simulator";
import { en } from "./words";

interface Fixtures {
  simulator: Simulator;
  ferry: Ferry;
  guard: Guard;
  /** A browser of somebody who is not signed in, watched like the first. */
  anotherBrowser: (options?: BrowserContextOptions) => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern
  simulator: async ({}, use) => {
    const simulator = await Simulator.start();
    await use(simulator);
    await simulator.stop();
  },
  ferry: async ({ simulator }, use, info) => {
    const ferry = await Ferry.start(simulator);
    await use(ferry);
    if (info.status !== info.expectedStatus) await info.attach("ferry.log", { body: ferry.output });
    await ferry.stop();
  },
  baseURL: async ({ ferry }, use) => use(ferry.url),
  guard: [
    async ({ browser, ferry, context, javaScriptEnabled }, use, info) => {
      const guard = new Guard(browser, ferry.url, javaScriptEnabled ?? true);
      await guard.watch(context);
      await use(guard);
      if (info.status === info.expectedStatus) await guard.conclude();
    },
    { auto: true },
  ],
  anotherBrowser: async ({ browser, ferry, guard, javaScriptEnabled, locale, timezoneId }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options = {}) => {
      const settings = { baseURL: ferry.url, javaScriptEnabled, locale, timezoneId, ...options };
      const context = await browser.newContext(settings);
      contexts.push(context);
      await guard.watch(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

export { expect } from "@playwright/test";

/** Signs somebody in through the form. */
export async function signIn(page: Page, person: Person): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel(en.sign_in.email).fill(person.email);
  await page.getByLabel(en.sign_in.password, { exact: true }).fill(person.password);
  await page.getByRole("button", { name: en.sign_in.title }).click();
  await page.waitForURL((url) => url.pathname === "/data/exports");
}

/** Opens the menu of a row, behind its three dots. */
export async function openActions(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: en.common.actions_of.replace("{{ name }}", name) }).click();
}

/** The heading of a page. */
export function heading(page: Page, text: string) {
  return page.getByRole("heading", { level: 1, name: text, exact: true });
}
