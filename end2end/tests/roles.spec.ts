// What contributors and viewers see, and what they do not.
import { CONTRIBUTOR, VIEWER } from "./support/ferry";
import { PRIVATE, PRIVATE_EXPORT, SHARED, SHARED_EXPORT, openShop } from "./support/shop";
import { expect, heading, openActions, signIn, test } from "./support/test";
import { en } from "./support/words";

test("a contributor sees only what is shared, and cannot open connections", async ({ page, ferry, guard }) => {
  await openShop(ferry);
  await signIn(page, CONTRIBUTOR);
  const shared = page.getByRole("row", { name: SHARED_EXPORT });
  await expect(shared).toContainText(SHARED);
  await expect(shared).toContainText(en.exports.may_edit);
  const other = page.getByRole("row", { name: PRIVATE_EXPORT });
  await expect(other).toContainText(en.exports.connection_hidden);
  await expect(other).toContainText(en.exports.view_only);
  expect(await page.content()).not.toContain(PRIVATE);
  await guard.look(page);

  // The export over the connection that is not shared can be looked at and not changed.
  await page.getByRole("link", { name: PRIVATE_EXPORT }).click();
  await expect(page.getByText(en.exports.view_only_text)).toBeVisible();
  await expect(page.getByLabel(en.common.display_name)).toBeDisabled();
  await expect(page.getByRole("button", { name: en.exports.run, exact: true })).toHaveCount(0);
  expect(await page.content()).not.toContain(PRIVATE);
  await guard.look(page);

  // A new export offers only the shared connection.
  await page.goto("/data/exports/new");
  const choices = page.getByLabel(en.exports.connection_for_export).locator("option");
  await expect(choices).toHaveText([en.exports.no_connection, SHARED]);
  await guard.look(page);

  const menu = page.getByRole("navigation", { name: en.common.menu });
  await expect(menu.getByRole("link", { name: en.common.segments })).toBeVisible();
  await expect(menu.getByRole("link", { name: en.common.connections })).toHaveCount(0);
  await expect(menu.getByRole("link", { name: en.common.users })).toHaveCount(0);
  guard.expects(403);
  for (const path of ["/admin/connections", "/admin/connections/new?kind=omnisend", "/admin/users"]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(403);
    await expect(heading(page, en.faults.forbidden)).toBeVisible();
    await guard.look(page);
  }
});

test("a viewer looks at everything and finds nothing to press", async ({ page, ferry, guard }) => {
  await openShop(ferry);
  await signIn(page, VIEWER);
  await expect(page.getByRole("link", { name: SHARED_EXPORT })).toBeVisible();
  await expect(page.getByRole("link", { name: en.exports.add })).toHaveCount(0);
  await openActions(page, SHARED_EXPORT);
  await expect(page.getByRole("link", { name: en.common.view, exact: true })).toBeVisible();
  await expect(page.getByRole("link", { name: en.common.remove, exact: true })).toHaveCount(0);
  await expect(page.getByRole("button", { name: en.exports.run, exact: true })).toHaveCount(0);
  await guard.look(page);

  await page.goto("/data/exports");
  await page.getByRole("link", { name: SHARED_EXPORT }).click();
  await expect(page.getByText(en.exports.view_only_text)).toBeVisible();
  const controls = page.locator("main form :is(input:not([type=hidden]), select, button)");
  expect(await controls.count()).toBeGreaterThan(3);
  for (const control of await controls.all()) await expect(control).toBeDisabled();
  await guard.look(page);
  await page.getByRole("link", { name: en.runs.history, exact: true }).click();
  await expect(page.getByText(en.runs.empty_title)).toBeVisible();
  await guard.look(page);

  await page.goto("/segments");
  await expect(page.getByRole("link", { name: en.segments.add })).toHaveCount(0);
  await guard.look(page);
  await page.getByRole("link", { name: "Nordic" }).click();
  await expect(page.getByLabel(en.common.display_name)).toBeDisabled();
  await expect(page.getByRole("button", { name: en.common.refresh })).toHaveCount(0);
  await expect(page.getByText("asa@shop.example")).toBeVisible();
  await guard.look(page);

  await page.goto("/data/profiles");
  await expect(page.getByText("berta@shop.example")).toBeVisible();
  await expect(page.getByRole("link", { name: en.common.sources, exact: true })).toHaveCount(0);
  await guard.look(page);

  guard.expects(403);
  const closed = [
    "/data/exports/new",
    "/segments/new",
    "/data/sources",
    "/data/sources/new",
    "/admin/connections",
    "/admin/users",
    "/admin/system/schedule",
  ];
  for (const path of closed) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(403);
    await expect(heading(page, en.faults.forbidden)).toBeVisible();
  }
  await guard.look(page);
});
