// Signing in and out.
import { ADMIN, VIEWER } from "./support/ferry";
import { expect, heading, signIn, test } from "./support/test";
import { en } from "./support/words";

test("a wrong password says so, keeps the address, and never stands in the page's address", async ({
  page,
  ferry,
  guard,
}) => {
  await ferry.addPerson(ADMIN);
  await page.goto("/sign-in");
  await page.getByLabel(en.sign_in.email).fill(ADMIN.email);
  await page.getByLabel(en.sign_in.password, { exact: true }).fill("quite another one");
  await page.getByRole("button", { name: en.sign_in.title }).click();
  await expect(page.getByRole("alert")).toContainText(en.faults.wrong_credentials);
  await expect(page.getByLabel(en.sign_in.email)).toHaveValue(ADMIN.email);
  await expect(page.getByLabel(en.sign_in.password, { exact: true })).toHaveValue("");
  expect(decodeURIComponent(page.url())).not.toContain("another");
  await guard.look(page);
});

test("sign-in leads to the page that was asked for, and sign-out ends the session on the server", async ({
  page,
  context,
  ferry,
  guard,
}) => {
  await ferry.addPerson(VIEWER);
  await page.goto("/segments");
  await page.waitForURL(/\/sign-in/);
  await page.getByLabel(en.sign_in.email).fill(VIEWER.email);
  await page.getByLabel(en.sign_in.password, { exact: true }).fill(VIEWER.password);
  await guard.look(page);
  await page.getByRole("button", { name: en.sign_in.title }).click();
  await page.waitForURL("**/segments");
  await expect(heading(page, en.segments.title)).toBeVisible();
  await guard.look(page);

  const cookies = await context.cookies();
  expect(cookies.filter((one) => one.httpOnly && one.sameSite === "Lax").length).toBeGreaterThan(0);
  await page.getByRole("button", { name: en.common.account }).click();
  await expect(page.getByText(VIEWER.email)).toBeVisible();
  await page.getByRole("button", { name: en.common.sign_out }).click();
  await page.waitForURL("**/sign-in");

  // Somebody who kept the old cookie is nobody.
  await context.clearCookies();
  await context.addCookies(cookies);
  await page.goto("/data/exports");
  await page.waitForURL(/\/sign-in/);
});

test("an address that leads away from Ferry is not followed after sign-in", async ({ page, ferry, guard }) => {
  await ferry.addPerson(VIEWER);
  await page.goto("/sign-in?next=https%3A%2F%2Fevil.example%2F");
  await page.getByLabel(en.sign_in.email).fill(VIEWER.email);
  await page.getByLabel(en.sign_in.password, { exact: true }).fill(VIEWER.password);
  await guard.look(page);
  await page.getByRole("button", { name: en.sign_in.title }).click();
  await page.waitForURL("**/data/exports");
  await guard.look(page);
});
