// The main job, from nothing to a finished run: a file, profiles, a segment, an export, its receipt, and what stands at
// the destination afterwards. Then the same again, when nothing has changed.
import type { Page } from "@playwright/test";

import { ADMIN, type Ferry } from "./support/ferry";
import type { Guard } from "./support/guard";
import { pause } from "./support/programs";
import { BRAND } from "./support/simulator";
import { CUSTOMERS, IMPORT, SPAIN } from "./support/shop";
import { expect, heading, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

const SEGMENT = "People in Spain";
const EXPORT = "Spanish newsletter";
/** A run in a busy machine; the pages follow by themselves. */
const UNTIL_IT_ENDS = { timeout: 30_000 };

/** Uploads the customers, says how they are read, and follows the refresh to its report. */
async function uploadCustomers(page: Page, guard: Guard): Promise<void> {
  await page.goto("/data/sources/new");
  await guard.look(page);
  const file = { name: "customers.csv", mimeType: "text/csv", buffer: Buffer.from(CUSTOMERS) };
  await page.getByLabel(en.sources.file, { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: en.sources.upload, exact: true }).click();
  await page.waitForURL("**/data/sources/preview?**");
  await expect(page.getByLabel(en.common.display_name)).toHaveValue("customers");
  await expect(page.getByLabel(filled(en.sources.type_of, { name: "points" }))).toHaveValue("integer");
  await expect(page.getByRole("cell", { name: "berta@shop.example" })).toBeVisible();
  await guard.look(page);

  await page.getByLabel(en.common.display_name).fill("Customers");
  await page.getByLabel(en.sources.primary_key).selectOption("customer");
  await page.getByLabel(filled(en.sources.type_of, { name: "post_code" })).selectOption("text");
  await page.getByRole("button", { name: en.sources.save_and_refresh }).click();
  await expect(page.getByText(en.sources.rows_accepted)).toBeVisible(UNTIL_IT_ENDS);
  const fact = (name: string) => page.locator("dl.facts > div", { hasText: name }).locator("dd");
  await expect(fact(en.sources.rows_read)).toHaveText(String(IMPORT.read));
  await expect(fact(en.sources.rows_accepted)).toHaveText(String(IMPORT.accepted));
  await expect(fact(en.sources.rows_rejected)).toHaveText(String(IMPORT.rejected));
  await expect(page.getByRole("row", { name: en.sources.row_key_repeated })).toContainText("12");
  await expect(page.getByRole("row", { name: en.sources.row_field_count })).toContainText("13");
  await guard.look(page);
}

/** Looks for one of them by address; the post code has kept its zero. */
async function findProfile(page: Page, guard: Guard): Promise<void> {
  await page.goto("/data/profiles");
  await page.getByLabel(en.profiles.search).fill("ana@");
  await page.getByRole("button", { name: en.common.search }).click();
  await expect(page.getByRole("row", { name: "C01" })).toContainText("08001");
  await expect(page.getByText("berta@shop.example")).toHaveCount(0);
  await guard.look(page);
}

/** Sets the rule up, sees the count before saving, saves; gives the tag that the members will carry. */
async function addSegment(page: Page, guard: Guard, hasScript: boolean): Promise<string> {
  await page.goto("/segments");
  await guard.look(page);
  await page.getByRole("link", { name: en.segments.add }).click();
  await guard.look(page);
  await page.getByLabel(en.common.display_name).fill(SEGMENT);
  // From here on a page takes a while to wake up: what is typed before counts all the same.
  const late = "**/ferry.wasm";
  if (hasScript) {
    await page.route(late, async (route) => {
      await pause(1500);
      await route.continue();
    });
  }
  await page.getByLabel(en.segments.attribute, { exact: true }).selectOption("country");
  const value = page.getByLabel(en.segments.value, { exact: true });
  if (hasScript) {
    // The page is drawn anew for the other attribute, with what was typed.
    await page.waitForURL(/country/);
    await value.fill("ES");
  } else {
    await value.fill("ES");
    await value.press("Enter");
  }
  const counted = filled(en.segments.counted, { members: 6, profiles: IMPORT.accepted, share: 60 });
  await expect(page.getByText(counted)).toBeVisible();
  await page.unroute(late);
  await expect(page.getByRole("cell", { name: "carmen@shop.example" })).toBeVisible();
  await expect(page.getByText("lars@shop.example")).toHaveCount(0);
  await expect(page.getByLabel(en.common.display_name)).toHaveValue(SEGMENT);
  await guard.look(page);
  await page.getByRole("button", { name: en.common.save, exact: true }).click();
  await expect(page.getByText(en.common.note_saved)).toBeVisible();
  await page.goto("/segments");
  await expect(page.getByRole("row", { name: SEGMENT })).toContainText("6");
  await page.getByRole("link", { name: SEGMENT }).click();
  await guard.look(page);
  return page.locator("dl.facts code").innerText();
}

/** Fills in a new export and saves it, which does not run it. */
async function addExport(page: Page, guard: Guard): Promise<void> {
  await page.goto("/data/exports");
  await expect(page.getByText(en.exports.empty_title)).toBeVisible();
  await guard.look(page);
  await page.getByRole("link", { name: en.exports.add }).click();
  await guard.look(page);
  await page.getByLabel(en.common.display_name).fill(EXPORT);
  // The names of the columns suggest the matching.
  await expect(page.getByLabel(`${en.common.target_email} ${en.exports.required}`)).toHaveValue("email");
  await expect(page.getByLabel(en.common.target_first_name, { exact: true })).toHaveValue("first_name");
  await expect(page.getByLabel(en.common.target_post_code, { exact: true })).toHaveValue("post_code");
  await page.getByLabel(en.exports.field_to_add).selectOption({ label: en.exports.custom_property });
  await page.getByRole("button", { name: en.exports.add_attribute }).click();
  await page.getByLabel(en.exports.property_name, { exact: true }).fill("points");
  await page.getByLabel(en.exports.property_from, { exact: true }).selectOption("points");
  await expect(page.getByLabel(en.common.display_name)).toHaveValue(EXPORT);
  await page.getByLabel(SEGMENT).check();
  await expect(page.getByRole("row", { name: SEGMENT })).toContainText("6");
  await guard.look(page);
}

/** The counts of an ended run, by their names on the page. */
async function receipt(page: Page): Promise<Record<string, number>> {
  await expect(page.getByText(en.runs.adds_up)).toBeVisible(UNTIL_IT_ENDS);
  const counts: Record<string, number> = {};
  for (const name of ["members", "accepted", "unchanged", "rejected", "held", "unconfirmed"]) {
    const row = page.getByRole("region", { name: en.runs.outcomes }).getByRole("row", { name: en.runs[name] });
    counts[name] = Number(await row.locator("td.number").innerText());
  }
  return counts;
}

async function prepare(ferry: Ferry): Promise<void> {
  await ferry.addPerson(ADMIN);
  await ferry.apply(
    `[[connection]]\nname = "${BRAND}"\nkind = "omnisend"\nkey_env = "SHOP_KEY"\nexport_user = "${ADMIN.email}"\n` +
      `consent = { agreed_by = "${ADMIN.email}", language = "en", wording = "The test agrees." }\n`,
  );
}

test("from a file to the people of a segment at the destination", async ({
  page,
  ferry,
  simulator,
  guard,
  javaScriptEnabled,
}) => {
  test.setTimeout(120_000);
  await prepare(ferry);
  await signIn(page, ADMIN);
  await uploadCustomers(page, guard);
  await findProfile(page, guard);
  const tag = await addSegment(page, guard, javaScriptEnabled ?? true);
  await addExport(page, guard);
  await page.getByRole("button", { name: en.exports.save_and_run }).click();
  await page.waitForURL("**/runs/*");

  const counts = await receipt(page);
  expect(counts).toEqual(SPAIN.counts);
  const { members, ...outcomes } = counts;
  expect(Object.values(outcomes).reduce((sum, count) => sum + count)).toBe(members);
  await expect(page.locator(".ended")).toContainText(en.states.completed_with_errors);
  for (const reason of [en.states.email_missing, en.states.email_invalid, en.states.email_repeated]) {
    await expect(page.getByRole("row", { name: reason }).first()).toBeVisible();
  }
  await expect(page.getByText(filled(en.safety.left_out, { values: 1 }))).toBeVisible();
  await guard.look(page);

  // The destination holds exactly these people, with their fields and the one tag.
  const contacts = await simulator.contacts();
  expect(contacts.map((one) => one.email).sort()).toEqual(SPAIN.delivered);
  expect(await simulator.tagged(tag)).toEqual(SPAIN.delivered);
  const ana = contacts.find((one) => one.email === "ana@shop.example");
  expect(ana).toMatchObject({ firstName: "Ana", city: "Málaga", postalCode: "08001", customProperties: { points: 120 } });
  expect(await simulator.summary()).toMatchObject({ welcomeMessages: 0, resubscribed: 0, emptyConsents: 0 });

  // The file of the rows that did not arrive is safe to open in a spreadsheet.
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: en.runs.download }).click(),
  ]);
  const rows = await (await download.createReadStream()).setEncoding("utf8").reduce((all, part) => all + part, "");
  expect(rows).toContain("C04,,email_missing");
  expect(rows).toContain("'=1+2,not-an-address,email_invalid");
  expect(rows).toContain("C06,ana@shop.example,email_repeated");
  expect(rows.trim().split("\r\n")).toHaveLength(4);

  // Once more, unchanged: nothing is sent.
  const before = (await simulator.writes()).length;
  await page.getByRole("link", { name: en.runs.to_export }).click();
  await expect(heading(page, EXPORT)).toBeVisible();
  await guard.look(page);
  await page.getByRole("button", { name: en.exports.run, exact: true }).click();
  await page.waitForURL("**/runs/*");
  expect(await receipt(page)).toEqual({ ...SPAIN.counts, accepted: 0, unchanged: 3 });
  expect((await simulator.writes()).length).toBe(before);

  await page.getByRole("link", { name: en.runs.history, exact: true }).click();
  await expect(heading(page, filled(en.runs.history_of, { name: EXPORT }))).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(3);
  await guard.look(page);
  await page.goto("/data/exports");
  await expect(page.getByRole("row", { name: EXPORT })).toContainText(en.states.completed_with_errors);
});
