// Admin > Users: adding people by a one-time link, changing and disabling them; the last administrator stays.
import { ADMIN, CONTRIBUTOR } from "./support/ferry";
import { expect, heading, openActions, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

test("an invited person chooses a password, and what is changed acts on their next request", async ({
  page,
  ferry,
  guard,
  anotherBrowser,
}) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  await guard.look(page);
  await page.getByRole("link", { name: en.common.users }).click();
  await guard.look(page);
  await page.getByLabel(en.sign_in.email).fill(CONTRIBUTOR.email);
  await page.getByLabel(en.common.contributor).check();
  await page.getByRole("button", { name: en.users.add }).click();
  const link = await page.getByLabel(en.common.one_time_link).inputValue();
  await expect(page.getByRole("row", { name: CONTRIBUTOR.email })).toContainText(en.users.invited);
  expect(page.url()).not.toContain(link.split("/").pop());
  await guard.look(page);
  // It is shown once.
  await page.reload();
  await expect(page.getByLabel(en.common.one_time_link)).toHaveCount(0);

  const other = await anotherBrowser();
  await other.goto(link);
  await expect(other.getByText(filled(en.sign_in.invitation_text, { email: CONTRIBUTOR.email }))).toBeVisible();
  await guard.look(other);
  await other.getByLabel(en.sign_in.new_password).fill(CONTRIBUTOR.password);
  await other.getByRole("button", { name: en.sign_in.invitation_button }).click();
  await other.waitForURL("**/data/exports");
  guard.expects(404);
  await other.goto(link);
  await expect(heading(other, en.faults.link_invalid)).toBeVisible();
  await other.goto("/segments");
  await expect(heading(other, en.segments.title)).toBeVisible();
  await guard.look(other);

  // Another role, then none at all.
  await page.goto("/admin/users");
  await openActions(page, CONTRIBUTOR.email);
  await page.getByRole("button", { name: filled(en.users.make_role, { role: en.common.viewer }) }).click();
  await expect(page.getByText(en.common.note_saved)).toBeVisible();
  await other.goto("/segments");
  await other.waitForURL(/\/sign-in/);
  await signIn(other, CONTRIBUTOR);
  guard.expects(403);
  expect((await other.goto("/data/sources/new"))?.status()).toBe(403);
  await guard.look(other);
  await openActions(page, CONTRIBUTOR.email);
  await page.getByRole("button", { name: en.users.disable }).click();
  await expect(page.getByRole("row", { name: CONTRIBUTOR.email })).toContainText(en.users.disabled);
  await other.goto("/segments");
  await other.waitForURL(/\/sign-in/);
  await guard.look(other);
});

test("the last administrator stays an administrator, and stays enabled", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  await guard.look(page);
  for (const act of [filled(en.users.make_role, { role: en.common.viewer }), en.users.disable]) {
    await page.goto("/admin/users");
    await openActions(page, ADMIN.email);
    await page.getByRole("button", { name: act }).click();
    await expect(page.getByRole("alert")).toContainText(en.faults.last_administrator);
    const row = page.getByRole("row", { name: ADMIN.email });
    await expect(row).toContainText(en.common.administrator);
    await expect(row).toContainText(en.users.active);
    await guard.look(page);
  }
});
