// Six languages: the browser's one at first, the chosen one from then on. That every page speaks each of them is looked at
// in appearance.spec.ts.
import { ADMIN } from "./support/ferry";
import { expect, heading, test } from "./support/test";
import { words } from "./support/words";

test("the browser's language is spoken, and a chosen one is kept", async ({ ferry, guard, anotherBrowser }) => {
  await ferry.addPerson(ADMIN);
  const ro = words("ro");
  const sv = words("sv");
  const page = await anotherBrowser({ locale: "ro-RO" });
  await page.goto("/sign-in");
  await expect(page.locator("html")).toHaveAttribute("lang", /^ro/);
  await expect(heading(page, ro.sign_in.title)).toBeVisible();
  await guard.look(page);
  await page.getByLabel(ro.sign_in.email).fill(ADMIN.email);
  await page.getByLabel(ro.sign_in.password, { exact: true }).fill(ADMIN.password);
  await page.getByRole("button", { name: ro.sign_in.title }).click();
  await expect(heading(page, ro.exports.title)).toBeVisible();
  await guard.look(page);

  await page.getByRole("button", { name: ro.common.language }).click();
  await guard.look(page);
  await page.getByRole("button", { name: "Svenska" }).click();
  await expect(heading(page, sv.exports.title)).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", /^sv/);
  await page.getByRole("link", { name: sv.common.segments }).click();
  await expect(heading(page, sv.segments.title)).toBeVisible();
  await guard.look(page);
});
