// A file as Ferry understands it, and one of which no row becomes a profile.
import { ADMIN } from "./support/ferry";
import { expect, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

/** With a byte order mark and semicolons; the first row has no number, the second no key. */
const FILE = "\ufeffid;=points\r\n1;many\r\n;5\r\n";

test("the guesses are told at once, and a file without a good row says why", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  await page.goto("/data/sources/new");
  await expect(page.getByText(filled(en.sources.upload_text, { limit: "10\u00a0GB" }))).toBeVisible();
  await guard.look(page);
  const file = { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(FILE) };
  await page.getByLabel(en.sources.file, { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: en.sources.upload, exact: true }).click();
  await page.waitForURL("**/data/sources/preview?**");
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
