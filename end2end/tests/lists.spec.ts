// Lists: searched and sorted through the address, so that a link shows the same list to somebody else.
import { ADMIN } from "./support/ferry";
import { openShop } from "./support/shop";
import { expect, signIn, test } from "./support/test";
import { en } from "./support/words";

test("segments and data sources are searched and sorted", async ({ page, ferry, guard }) => {
  await openShop(ferry);
  await signIn(page, ADMIN);
  await guard.look(page);
  await page.goto("/segments");
  const names = page.locator("main tbody th a");
  await expect(names).toHaveText(["Nordic", "Spain"]);
  await page.getByRole("link", { name: en.common.display_name }).click();
  await expect(names).toHaveText(["Spain", "Nordic"]);
  await expect(page.getByRole("columnheader", { name: en.common.display_name })).toHaveAttribute("aria-sort", "descending");
  await guard.look(page);
  await page.getByRole("searchbox").fill("nord");
  await page.getByRole("button", { name: en.common.search }).click();
  await expect(names).toHaveText(["Nordic"]);

  await page.goto("/data/sources?search=nothing+like+it");
  await expect(page.getByText(en.common.nothing_found, { exact: true })).toBeVisible();
  await guard.look(page);
  await page.getByRole("searchbox").fill("customers.CSV");
  await page.getByRole("button", { name: en.common.search }).click();
  await expect(names).toHaveText(["Customers"]);
});
