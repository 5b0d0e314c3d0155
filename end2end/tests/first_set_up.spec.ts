// From a Ferry that nobody has seen to its first administrator.
import { ADMIN } from "./support/ferry";
import { expect, heading, test } from "./support/test";
import { en } from "./support/words";

test("the link that ferry serve prints makes the first administrator, once", async ({
  page,
  ferry,
  guard,
  anotherBrowser,
}) => {
  await page.goto(ferry.setUpLink);
  await expect(heading(page, en.sign_in.set_up_title)).toBeVisible();
  await guard.look(page);

  // Long enough for the form, but one of the first that anybody would guess.
  await page.getByLabel(en.sign_in.email).fill(ADMIN.email);
  await page.getByLabel(en.sign_in.new_password).fill("passwordpassword");
  await page.getByRole("button", { name: en.sign_in.set_up_button }).click();
  await expect(page.getByRole("alert")).toContainText(en.faults.field_too_common);
  await expect(page.getByLabel(en.sign_in.email)).toHaveValue(ADMIN.email);
  await expect(page.getByLabel(en.sign_in.new_password)).toHaveValue("");
  expect(page.url()).not.toContain("passwordpassword");
  await guard.look(page);

  await page.getByLabel(en.sign_in.new_password).fill(ADMIN.password);
  await page.getByRole("button", { name: en.sign_in.set_up_button }).click();
  await page.waitForURL("**/data/sources");
  await expect(heading(page, en.sources.title)).toBeVisible();
  await expect(page.getByRole("link", { name: en.common.users })).toBeVisible();
  await guard.look(page);

  guard.expects(404);
  const other = await anotherBrowser();
  await other.goto(ferry.setUpLink);
  await expect(heading(other, en.faults.link_invalid)).toBeVisible();
  await expect(other.getByLabel(en.sign_in.email)).toHaveCount(0);
  await guard.look(other);
});
