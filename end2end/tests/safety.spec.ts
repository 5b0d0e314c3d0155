// What keeps an export from doing harm: a dry run before the run, and the brake that holds a run that is unlike the ones
// before it until somebody approves or rejects it.
import type { Page } from "@playwright/test";

import { ADMIN, type Ferry, VIEWER } from "./support/ferry";
import type { Guard } from "./support/guard";
import { SHARED_EXPORT, openShop } from "./support/shop";
import { expect, heading, signIn, test } from "./support/test";
import { en, filled } from "./support/words";

const UNTIL_IT_ENDS = { timeout: 30_000 };
const HEAD = "customer,email,first_name,last_name,country,city,post_code,birthdate,points";

/** So many customers in Sweden. */
const crowd = (count: number, name = "Asa") =>
  [
    HEAD,
    ...Array.from({ length: count }, (_, n) => `S${n},s${n}@shop.example,${name} ${n},Ek,SE,Lund,22100,1999-12-31,${n}`),
    "",
  ].join("\n");

/** Makes these the profiles. */
async function refresh(ferry: Ferry, customers: string): Promise<void> {
  const file = await ferry.file("customers.csv", customers);
  await ferry.command(["import", file, "--name", "Customers", "--primary-key", "customer"]);
}

async function open(page: Page, guard: Guard): Promise<void> {
  await page.goto("/data/exports");
  await guard.look(page);
  await page.getByRole("link", { name: SHARED_EXPORT, exact: true }).click();
  await expect(heading(page, SHARED_EXPORT)).toBeVisible();
  await guard.look(page);
}

async function run(page: Page, guard: Guard): Promise<void> {
  await open(page, guard);
  await page.getByRole("button", { name: en.exports.run, exact: true }).click();
  await page.waitForURL("**/runs/*");
}

/** The page of a run that waits for an answer: without script it loads itself again after a while. */
async function untilItAsks(page: Page): Promise<void> {
  await expect(async () => {
    await page.reload();
    await expect(page.getByText(en.safety.held_title)).toBeVisible({ timeout: 500 });
  }).toPass(UNTIL_IT_ENDS);
}

test("a dry run says what a run would do, and sends nothing", async ({ page, ferry, simulator, guard }) => {
  await openShop(ferry);
  await signIn(page, ADMIN);
  await open(page, guard);
  await page.getByRole("link", { name: en.safety.dry_run, exact: true }).click();
  await expect(heading(page, filled(en.safety.dry_title, { name: SHARED_EXPORT }))).toBeVisible();
  await expect(page.getByRole("row", { name: en.safety.joiners, exact: false }).first()).toContainText("2");
  await expect(page.getByRole("row", { name: "asa@shop.example" })).toContainText("Åsa");
  await guard.look(page);
  expect(await simulator.contacts()).toEqual([]);
  await page.goto("/data/exports");
  await expect(page.getByText(en.states.not_started).first()).toBeVisible();

  await run(page, guard);
  await expect(page.locator(".ended")).toContainText(en.states.successful, UNTIL_IT_ENDS);
  await guard.look(page);
  await refresh(ferry, crowd(3));
  await open(page, guard);
  await page.getByRole("link", { name: en.safety.dry_run, exact: true }).click();
  await expect(page.getByRole("row", { name: en.safety.leaver })).toHaveCount(2);
  await guard.look(page);
});

test("a run that finds far fewer members waits for an answer", async ({ page, ferry, simulator, guard, anotherBrowser }) => {
  await openShop(ferry);
  await refresh(ferry, crowd(60));
  await signIn(page, ADMIN);
  await run(page, guard);
  await expect(page.locator(".ended")).toContainText(en.states.successful, UNTIL_IT_ENDS);

  await refresh(ferry, crowd(30, "Bo"));
  await run(page, guard);
  await untilItAsks(page);
  await expect(page.getByText(filled(en.safety.fewer_members, { percent: "50", members: "30", usual: "60" }))).toBeVisible();
  await guard.look(page);
  const address = page.url();
  const viewer = await anotherBrowser();
  await signIn(viewer, VIEWER);
  await viewer.goto(address);
  await expect(viewer.getByText(en.safety.not_yours)).toBeVisible();
  await expect(viewer.getByRole("button", { name: en.safety.approve })).toHaveCount(0);

  await page.getByRole("button", { name: en.safety.reject, exact: true }).click();
  await expect(page.locator(".ended")).toContainText(en.states.canceled, UNTIL_IT_ENDS);
  expect((await simulator.contacts()).every((one) => one.firstName?.startsWith("Asa"))).toBe(true);

  await run(page, guard);
  await untilItAsks(page);
  await page.getByRole("button", { name: en.safety.approve, exact: true }).click();
  await expect(page.getByText(en.safety.note_approved)).toBeVisible();
  await expect(page.locator(".ended")).toContainText(en.states.successful, UNTIL_IT_ENDS);
  await expect(page.getByText(en.safety.was_held)).toBeVisible();
  await expect(page.locator("dl.facts > div", { hasText: en.safety.approved_by })).toContainText(ADMIN.email);
  await guard.look(page);
});

/** Sends the rows with one cause again. */
async function again(page: Page, cause: string): Promise<void> {
  await page.getByRole("button", { name: filled(en.safety.resend_cause, { cause }) }).click();
  await expect(page.locator(".ended")).toContainText(en.states.successful, UNTIL_IT_ENDS);
}

test("only the rows that did not arrive are sent again, each cause by itself", async ({ page, ferry, simulator, guard }) => {
  await openShop(ferry);
  const customers = crowd(4).replace("s1@shop.example", "no address").replace("s2@shop.example", "");
  await refresh(ferry, customers);
  await signIn(page, ADMIN);
  await run(page, guard);
  await expect(page.locator(".ended")).toContainText(en.states.completed_with_errors, UNTIL_IT_ENDS);
  await expect(page.getByRole("row", { name: en.states.email_invalid }).first()).toContainText("S1 no address");
  await guard.look(page);

  await refresh(ferry, crowd(4));
  await again(page, en.states.email_invalid);
  const facts = page.locator("dl.facts > div", { hasText: en.safety.resend_of });
  await expect(facts).toContainText(en.states.email_invalid);
  const delivered = async () => (await simulator.contacts()).map((one) => one.email).sort();
  expect(await delivered()).toEqual(["s0@shop.example", "s1@shop.example", "s3@shop.example"]);
  await guard.look(page);

  await page.getByRole("link", { name: en.safety.earlier_run }).click();
  await expect(page.getByRole("button", { name: en.safety.resend_all })).toBeVisible();
  await again(page, en.states.email_missing);
  expect(await delivered()).toHaveLength(4);
  await guard.look(page);
});
