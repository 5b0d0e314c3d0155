// Every page in the dark and on a small telephone: readable, without anything that sticks out to the side.
import { ADMIN } from "./support/ferry";
import { SHARED, SHARED_EXPORT, openShop } from "./support/shop";
import { expect, signIn, test } from "./support/test";
import { en } from "./support/words";

test.use({ colorScheme: "dark", viewport: { width: 320, height: 640 } });

test("every page fits a narrow screen and has enough contrast in the dark", async ({ page, ferry, guard }) => {
  test.setTimeout(120_000);
  await openShop(ferry);
  await page.goto("/sign-in");
  await guard.look(page);
  await signIn(page, ADMIN);
  const lists = ["/data/exports", "/segments", "/data/sources", "/admin/connections", "/admin/users", "/data/profiles"];
  const forms = ["/data/exports/new", "/segments/new", "/data/sources/new", "/admin/connections/new?kind=omnisend"];
  const details: string[] = [];
  for (const [list, name] of [["/data/exports", SHARED_EXPORT], ["/segments", "Spain"], ["/data/sources", "Customers"], ["/admin/connections", SHARED]]) {
    await page.goto(list);
    const link = await page.getByRole("link", { name, exact: true }).first().getAttribute("href");
    details.push(String(link));
  }
  const [exportPage, , , connectionPage] = details;
  const more = [`${exportPage}/runs`, `${exportPage}/remove`, `${connectionPage}/remove`];
  for (const path of [...lists, ...forms, ...details, ...more]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width, `the width of ${path}`).toBeLessThanOrEqual(320);
    await guard.look(page);
  }
  // The menu is behind a button here.
  await page.goto("/data/exports");
  await page.getByRole("button", { name: en.common.menu }).click();
  await expect(page.getByRole("link", { name: en.common.segments })).toBeVisible();
  await guard.look(page);
});
