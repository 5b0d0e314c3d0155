// Every page in every language, in the dark and on a small telephone: readable, in the words of that language, without
// anything that sticks out to the side.
import type { Page } from "@playwright/test";

import { ADMIN } from "./support/ferry";
import type { Guard } from "./support/guard";
import { type Shown, expectEvery, innerPages, outerPages } from "./support/pages";
import { openShop } from "./support/shop";
import { expect, heading, signIn, test } from "./support/test";
import { en, words } from "./support/words";

const CODES = ["en", "ca", "es", "ro", "sv", "pt"];
const WIDTH = 320;
const USUAL = 360;

test.use({ colorScheme: "dark", viewport: { width: WIDTH, height: 640 } });

/** Opens each page in each language; axe looks at it once. */
async function check(page: Page, guard: Guard, url: string, pages: Shown[]): Promise<void> {
  for (const code of CODES) {
    const own = words(code);
    await page.context().addCookies([{ name: "ferry_language", value: code, url }]);
    // English keeps to the narrowest telephones; longer words have the usual ones.
    const width = code === "en" ? WIDTH : USUAL;
    await page.setViewportSize({ width, height: 640 });
    for (const { path, title } of pages) {
      await page.goto(path, { waitUntil: "domcontentloaded" });
      const what = `${path} in ${code}`;
      await expect(page.locator("html"), what).toHaveAttribute("lang", new RegExp(`^${code}`));
      await expect(heading(page, title(own)), what).toBeVisible();
      await expect(page.getByRole("heading", { level: 1 }), what).toHaveCount(1);
      const needed = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(needed, `the width of ${what}`).toBeLessThanOrEqual(width);
      if (code === "en") await guard.look(page);
    }
  }
}

test("every page speaks every language, fits a narrow screen and has enough contrast in the dark", async ({
  page,
  ferry,
  guard,
  anotherBrowser,
}) => {
  test.setTimeout(420_000);
  const outside = await anotherBrowser({ colorScheme: "dark", viewport: { width: WIDTH, height: 640 } });
  const setUp: Shown = { path: ferry.setUpLink, title: (own) => own.sign_in.set_up_title };
  await check(outside, guard, ferry.url, [setUp]);

  await openShop(ferry);
  const invited = await ferry.command(["user", "add", "new@ferry.example", "--role", "viewer"]);
  const outer = outerPages(String(/http\S+\/invitation\/\S+/.exec(invited)?.[0]).replace(/^https?:\/\/[^/]+/, ""));
  await check(outside, guard, ferry.url, Object.values(outer));

  await signIn(page, ADMIN);
  const inner = await innerPages(page, ferry);
  expectEvery(["/set-up/:token", ...Object.keys(outer), ...Object.keys(inner)]);
  await check(page, guard, ferry.url, Object.values(inner));

  // The menu is behind a button here.
  await page.context().addCookies([{ name: "ferry_language", value: "en", url: ferry.url }]);
  await page.goto("/data/exports");
  await page.getByRole("button", { name: en.common.menu }).click();
  await expect(page.getByRole("link", { name: en.common.segments })).toBeVisible();
  await guard.look(page);
});
