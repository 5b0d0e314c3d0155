// When exports run by themselves, and the system refresh: set, shown, started, looked at by others.
import { ADMIN, VIEWER } from "./support/ferry";
import { SHARED_EXPORT, openShop } from "./support/shop";
import { expect, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

test("an export gets a schedule of its own, with its next runs in its zone and in UTC", async ({ page, ferry, guard }) => {
  await openShop(ferry);
  await signIn(page, ADMIN);
  await page.getByRole("link", { name: SHARED_EXPORT }).click();
  await expect(page.getByLabel(en.schedule.system_long)).toBeChecked();

  await page.getByLabel(en.schedule.weekly_long).check();
  await page.getByLabel(en.schedule.sunday).uncheck();
  await page.getByLabel(filled(en.schedule.time_number, { number: 1 })).fill("06:30");
  await page.getByLabel(filled(en.schedule.time_number, { number: 2 })).fill("18:15");
  await page.getByLabel(en.schedule.time_zone).selectOption("Asia/Kolkata");
  await page.getByRole("button", { name: en.schedule.show_next }).click();
  const next = page.getByRole("region", { name: en.schedule.next_title });
  await expect(next.getByRole("row")).toHaveCount(6);
  await expect(next.getByRole("columnheader")).toHaveText(["Asia/Kolkata", "UTC"]);
  await expect(next.getByRole("row").nth(1)).toContainText(/06:30.*01:00|18:15.*12:45/);
  await guard.look(page);

  await page.getByRole("button", { name: en.common.save, exact: true }).click();
  const row = page.getByRole("row", { name: SHARED_EXPORT });
  await expect(row).toContainText("06:30, 18:15 (Asia/Kolkata)");
  await guard.look(page);

  // A line that never comes is refused where it stands.
  await page.getByRole("link", { name: SHARED_EXPORT }).click();
  await expect(page.getByLabel(en.schedule.sunday)).not.toBeChecked();
  await page.getByLabel(en.schedule.cron_long).check();
  await page.getByRole("textbox", { name: en.schedule.cron_line }).fill("0 6 30 2 *");
  await page.getByRole("button", { name: en.common.save, exact: true }).click();
  await expect(page.getByRole("textbox", { name: en.schedule.cron_line })).toHaveAttribute("aria-invalid", "true");
  await guard.look(page);
});

test("the system refresh is set, started and shown task by task; a viewer only looks", async ({
  page,
  ferry,
  guard,
  anotherBrowser,
}) => {
  await openShop(ferry);
  await signIn(page, ADMIN);
  await page.goto("/admin/system");
  await expect(page.getByText(en.system.empty_title)).toBeVisible();
  await guard.look(page);
  await page.getByRole("link", { name: en.exports.schedule, exact: true }).click();
  await page.getByLabel(en.schedule.weekly_long).check();
  await page.getByLabel(en.schedule.time_zone).selectOption("Europe/Bucharest");
  await guard.look(page);
  await page.getByRole("button", { name: en.common.save, exact: true }).click();
  await expect(page.getByText(en.common.note_saved)).toBeVisible();
  await expect(page.getByRole("region", { name: en.schedule.next_title }).getByRole("row")).toHaveCount(6);

  await page.goto("/admin/system");
  await page.getByRole("button", { name: en.system.refresh_all }).click();
  await expect(async () => {
    await page.goto("/admin/system");
    await expect(page.getByRole("row", { name: "Customers" })).toContainText(en.states.successful);
    await expect(page.getByRole("row", { name: "Nordic", exact: false }).first()).toContainText(en.states.successful);
    await expect(page.getByRole("row", { name: SHARED_EXPORT })).toContainText(en.states.successful);
  }).toPass({ timeout: 60_000 });
  await guard.look(page);

  const other = await anotherBrowser();
  await signIn(other, VIEWER);
  await other.goto("/admin/system");
  await expect(other.getByRole("row", { name: "Customers" })).toBeVisible();
  await expect(other.getByRole("button", { name: en.system.refresh_all })).toHaveCount(0);
  await expect(other.getByRole("link", { name: en.exports.schedule, exact: true })).toHaveCount(0);
  await expect(other.getByRole("link", { name: "Customers" })).toHaveCount(0);
  await guard.look(other);
});
