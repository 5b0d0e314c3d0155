// Adding a connection, step by step in the order of the pages, and what can be done with it afterwards.
import type { Page } from "@playwright/test";

import { ADMIN } from "./support/ferry";
import { BRAND, KEY, WEAK_KEY, WRONG_KEY } from "./support/simulator";
import { expect, heading, openActions, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

const NAME = "Girona shop";

async function connect(page: Page, key: string): Promise<void> {
  await page.getByLabel(en.connections.api_key).fill(key);
  await page.getByLabel(en.connections.agree).check();
  await page.getByRole("button", { name: en.connections.connect }).click();
}

test("a connection is added through every step, and saved only when all is there", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  await guard.look(page);
  await page.getByRole("link", { name: en.common.connections }).click();
  await expect(page.getByText(en.connections.empty_title)).toBeVisible();
  await guard.look(page);
  await page.getByRole("link", { name: en.connections.add }).click();
  await expect(heading(page, filled(en.connections.set_up, { name: "Omnisend" }))).toBeVisible();
  await guard.look(page);

  const fields = page.locator("main form :is([name=name], [name=audience], [name=key], [name=agreed], button)");
  const order = await fields.evaluateAll((all) => all.map((one) => (one as HTMLInputElement).name || "connect"));
  expect(order).toEqual(["name", "audience", "audience", "key", "agreed", "connect"]);
  await expect(page.getByLabel(en.common.administrators, { exact: true })).toBeChecked();
  await page.getByLabel(en.common.display_name).fill(NAME);

  // The form asks for consent; a form that does not is refused by the server.
  await page.getByLabel(en.connections.api_key).fill(KEY);
  await page.getByRole("button", { name: en.connections.connect }).click();
  await expect(page.locator("[name=agreed]:invalid")).toHaveCount(1);
  await page.locator("[name=agreed]").evaluate((box) => box.removeAttribute("required"));
  await page.getByRole("button", { name: en.connections.connect }).click();
  await expect(page.getByRole("alert")).toContainText(`${en.connections.agree}: ${en.faults.field_required}`);

  await connect(page, WRONG_KEY);
  await expect(page.getByRole("alert")).toContainText(en.faults.key_refused);
  await expect(page.getByLabel(en.common.display_name)).toHaveValue(NAME);
  await expect(page.getByLabel(en.connections.api_key)).toHaveValue("");
  expect(page.url()).not.toContain("mistyped");
  await guard.look(page);
  await connect(page, WEAK_KEY);
  await expect(page.getByRole("alert")).toContainText(en.faults.permission_missing);

  await connect(page, KEY);
  await expect(page.getByText(filled(en.connections.connected_to, { name: BRAND }))).toBeVisible();
  const save = page.getByRole("button", { name: en.common.save, exact: true });
  await expect(save).toBeDisabled();
  await expect(page.getByText(en.connections.save_needs)).toBeVisible();
  await guard.look(page);

  const password = page.getByLabel(en.sign_in.password, { exact: true });
  await password.fill("not my password");
  await page.getByRole("button", { name: en.connections.add_export_user }).click();
  await expect(page.getByRole("alert")).toContainText(en.faults.wrong_credentials);
  await expect(save).toBeDisabled();
  await password.fill(ADMIN.password);
  await page.getByRole("button", { name: en.connections.add_export_user }).click();
  await expect(page.getByText(filled(en.connections.export_user_is, { email: ADMIN.email }))).toBeVisible();
  await guard.look(page);
  await save.click();

  await page.waitForURL("**/admin/connections");
  const row = page.getByRole("row", { name: NAME });
  await expect(row).toContainText("Omnisend");
  await expect(row).toContainText(BRAND);
  await expect(row).toContainText(en.common.administrators);
  await guard.look(page);
});

test("a saved connection never shows its key, and can be shared, renamed, given another key and removed", async ({
  page,
  ferry,
  guard,
}) => {
  await ferry.addPerson(ADMIN);
  await ferry.apply(
    `[[connection]]\nname = "${NAME}"\nkind = "omnisend"\nkey_env = "SHOP_KEY"\nexport_user = "${ADMIN.email}"\n` +
      `consent = { agreed_by = "${ADMIN.email}", language = "en", wording = "The test agrees." }\n`,
  );
  await signIn(page, ADMIN);
  await guard.look(page);
  await page.goto("/admin/connections");
  await openActions(page, NAME);
  await guard.look(page);
  await page.getByRole("button", { name: en.connections.share }).click();
  await expect(page.getByRole("row", { name: NAME })).toContainText(en.common.administrators_and_contributors);

  await page.getByRole("link", { name: NAME }).click();
  await expect(page.getByText(filled(en.connections.agreed_by, { email: ADMIN.email }))).toBeVisible();
  expect(await page.content()).not.toContain(KEY);
  await guard.look(page);
  await page.getByLabel(en.connections.api_key).fill(WRONG_KEY);
  await page.getByRole("button", { name: en.connections.replace_key }).click();
  await expect(page.getByRole("alert")).toContainText(en.faults.key_refused);
  await page.getByLabel(en.connections.api_key).fill(KEY);
  await page.getByRole("button", { name: en.connections.replace_key }).click();
  await expect(page.getByText(en.common.note_key_replaced)).toBeVisible();
  await page.getByLabel(en.common.display_name).fill("Vic shop");
  await page.getByRole("button", { name: en.common.save, exact: true }).click();
  await expect(page.getByText(en.common.note_saved)).toBeVisible();

  await page.goto("/admin/connections");
  await openActions(page, "Vic shop");
  await page.getByRole("link", { name: en.common.remove, exact: true }).click();
  await expect(heading(page, filled(en.connections.remove_title, { name: "Vic shop" }))).toBeVisible();
  await guard.look(page);
  await page.getByRole("button", { name: en.common.remove, exact: true }).click();
  await expect(page.getByText(en.common.note_removed)).toBeVisible();
  await expect(page.getByText(en.connections.empty_title)).toBeVisible();
});
