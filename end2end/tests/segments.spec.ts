// The editor of segments shows a rule as it is, however a file has written its moments, and counts it.
import { ADMIN } from "./support/ferry";
import { expect, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

/** Half past eleven and half past midnight around New Year in Madrid, and a day in summer. */
const PEOPLE = [
  "customer,email,joined",
  "C1,ana@shop.example,2019-12-31T22:30:00Z",
  "C2,berta@shop.example,2019-12-31T23:30:00Z",
  "C3,carmen@shop.example,2020-06-01T12:00:30Z",
  "",
].join("\n");

const segment = (name: string, items: string) =>
  `\n[[segment]]\nname = "${name}"\ntime_zone = "Europe/Madrid"\nitems = [${items}]\n`;
const joined = (operator: string, value: string) =>
  `{ attribute = "joined", operator = "${operator}", values = ["${value}"] }`;

const counted = (members: number, share: number) => filled(en.segments.counted, { members, profiles: 3, share });

test("moments of a rule are shown in its zone, counted, and kept when it is saved", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await ferry.file("people.csv", PEOPLE);
  await ferry.apply(
    `[data_source]\nname = "People"\nfile = "people.csv"\nprimary_key = "customer"\n` +
      segment("From the new year on", joined("greater_or_equal", "2019-12-31T23:00:00Z")) +
      segment("Half a minute past two", joined("equals", "2020-06-01T14:00:30+02:00")) +
      segment("Until New Year's Day", joined("less_or_equal", "2020-01-01")) +
      segment("Everybody", ""),
  );
  await signIn(page, ADMIN);
  const value = page.getByLabel(en.segments.value, { exact: true });
  for (const [name, type, shown, members, share] of [
    ["From the new year on", "datetime-local", "2020-01-01T00:00", 2, 66],
    ["Half a minute past two", "datetime-local", "2020-06-01T14:00:30", 1, 33],
    // The whole day: a moment would say less.
    ["Until New Year's Day", "text", "2020-01-01", 2, 66],
  ] as const) {
    await page.goto("/segments");
    await page.getByRole("link", { name }).click();
    await expect(value).toHaveAttribute("type", type);
    await expect(value).toHaveValue(shown);
    await expect(page.getByText(counted(members, share))).toBeVisible();
    await guard.look(page);
    await page.getByRole("button", { name: en.common.save, exact: true }).click();
    await expect(page.getByText(en.common.note_saved)).toBeVisible();
    await expect(value).toHaveValue(shown);
    await expect(page.getByText(counted(members, share))).toBeVisible();
  }

  // Without a condition, everybody fulfils all of them.
  await page.goto("/segments");
  await guard.look(page);
  await page.getByRole("link", { name: "Everybody" }).click();
  await expect(page.getByText(counted(3, 100))).toBeVisible();
  await expect(page.getByRole("cell", { name: "carmen@shop.example" })).toBeVisible();
});

test("a search keeps the order that was chosen", async ({ page, ferry, guard }) => {
  await ferry.addPerson(ADMIN);
  await ferry.file("people.csv", PEOPLE);
  await ferry.apply(
    `[data_source]\nname = "People"\nfile = "people.csv"\nprimary_key = "customer"\n` +
      segment("All of them", "") +
      segment("Only one of them", joined("equals", "2020-06-01T12:00:30Z")) +
      segment("Nobody else", joined("less_than", "1990-01-01")),
  );
  await signIn(page, ADMIN);
  await page.goto("/segments");
  await page.getByRole("link", { name: en.segments.members }).click();
  await page.waitForURL(/sort=members/);
  await page.getByRole("link", { name: en.segments.members }).click();
  await page.waitForURL(/order=desc/);
  const names = page.getByRole("rowheader");
  await expect(names).toHaveText(["All of them", "Only one of them", "Nobody else"]);
  await page.getByLabel(en.segments.search).fill("of them");
  await page.getByRole("button", { name: en.common.search }).click();
  await expect(names).toHaveText(["All of them", "Only one of them"]);
  await guard.look(page);
  await page.getByRole("link", { name: en.common.show_all }).click();
  await expect(names).toHaveText(["All of them", "Only one of them", "Nobody else"]);
});
