// Six languages: the browser's one at first, the chosen one from then on.
import { ADMIN } from "./support/ferry";
import { expect, heading, signIn, test } from "./support/test";
import { en, words } from "./support/words";

const CODES = ["en", "ca", "es", "ro", "sv", "pt"];

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

test("every page speaks each of the six languages, without a word of another", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await signIn(page, ADMIN);
  for (const code of CODES) {
    await page.context().addCookies([{ name: "ferry_language", value: code, url: ferry.url }]);
    await page.goto("/data/sources");
    const own = words(code);
    await expect(heading(page, own.sources.title)).toBeVisible();
    await expect(page.getByText(own.sources.empty_text)).toBeVisible();
    await expect(page.getByRole("navigation").first()).toContainText(own.common.profiles);
    if (code !== "en") await expect(page.getByText(en.sources.empty_text)).toHaveCount(0);
    await guard.look(page);
  }
});
