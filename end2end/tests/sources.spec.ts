// A file as Ferry understands it, one of which no row becomes a profile, and a newer one for a data source.
import type { Page } from "@playwright/test";

import { ADMIN } from "./support/ferry";
import { expect, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

/** With a byte order mark and semicolons; the first row has no number, the second no key. */
const FILE = "\ufeffid;=points\r\n1;many\r\n;5\r\n";

/** Fills in the upload form of the page, and waits for the look at the file. */
async function upload(page: Page, name: string, content: string): Promise<void> {
  const file = { name, mimeType: "text/csv", buffer: Buffer.from(content) };
  await page.getByLabel(en.sources.file, { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: en.sources.upload, exact: true }).click();
  await page.waitForURL("**/data/sources/preview?**");
}

test("the guesses are told at once, and a file without a good row says why", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  await page.goto("/data/sources/new");
  await expect(page.getByText(filled(en.sources.upload_text, { limit: "10\u00a0GB" }))).toBeVisible();
  await guard.look(page);
  await upload(page, "people.csv", FILE);
  const summary = page.locator("summary", { hasText: en.sources.reading });
  await expect(summary).toContainText(filled(en.sources.with_mark, { encoding: "UTF-8" }));
  await expect(summary).toContainText(en.sources.semicolon);
  await expect(summary).toContainText(en.sources.header_yes);
  await guard.look(page);

  await page.getByLabel(en.sources.primary_key).selectOption("id");
  await page.getByLabel(filled(en.sources.type_of, { name: "=points" })).selectOption("integer");
  await page.getByRole("button", { name: en.sources.save_and_refresh }).click();
  await expect(page.getByText(en.faults.file_all_rejected)).toBeVisible({ timeout: 30_000 });
  const row = (reason: string) => page.getByRole("row", { name: reason });
  await expect(row(en.sources.row_type)).toContainText("2");
  await expect(row(en.sources.row_key_missing)).toContainText("3");
  await guard.look(page);

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: en.sources.download }).click(),
  ]);
  const rows = await (await download.createReadStream()).setEncoding("utf8").reduce((all, part) => all + part, "");
  expect(rows).toBe("\ufefffile,line,reason,attribute\r\n,2,type,'=points\r\n,3,key_missing,id\r\n");
});

test("a newer file takes the place of the one before, unless it lacks the key", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  await page.goto("/data/sources/new");
  await guard.look(page);
  await upload(page, "people.csv", "customer,post code\nC1,08001\nC2,08002\n");
  const key = page.getByLabel(en.sources.primary_key);
  await key.selectOption("customer");
  await page.getByLabel(filled(en.sources.type_of, { name: "post code" })).selectOption("text");
  await page.getByRole("button", { name: en.sources.save_and_refresh }).click();
  // It is offered once the refresh has ended.
  const newer = page.getByText(en.sources.newer_file);
  await expect(newer).toBeVisible({ timeout: 30_000 });
  const source = page.url();
  await newer.click();
  await guard.look(page);

  await upload(page, "without-key.csv", "name,post code\nAna,08001\n");
  await expect(page.getByText(en.sources.missing_columns)).toBeVisible();
  await expect(page.getByText(en.sources.missing_key)).toBeVisible();
  await expect(key).toHaveValue("");
  await guard.look(page);
  await page.getByRole("button", { name: en.sources.save_and_refresh }).click();
  await expect(page).toHaveURL(/\/data\/sources\/preview\?/);

  await page.goto(source);
  await expect(page.getByText("people.csv")).toBeVisible();
  await newer.click();
  await upload(page, "newer.csv", "post code;customer\n08003;C3\n");
  await expect(page.getByText(en.sources.missing_columns)).toBeHidden();
  await expect(page.getByLabel(en.common.display_name)).toHaveValue("people");
  await expect(key).toHaveValue("customer");
  await expect(page.getByLabel(filled(en.sources.type_of, { name: "post code" }))).toHaveValue("text");
  await page.getByRole("button", { name: en.sources.save_and_refresh }).click();
  await page.waitForURL(source);
  await expect(page.getByText("newer.csv")).toBeVisible();
  await expect(newer).toBeVisible({ timeout: 30_000 });
  await page.goto("/data/profiles");
  await expect(page.getByRole("cell", { name: "08003" })).toBeVisible();
  await guard.look(page);
});
