// A run while it goes on, and stopping it.
import { ADMIN } from "./support/ferry";
import { SHARED_EXPORT, openShop } from "./support/shop";
import { expect, openActions, signIn, test } from "./support/test";
import { en } from "./support/words";

test("a run that goes on shows how far it is, and can be stopped", async ({ page, ferry, simulator, guard }) => {
  await openShop(ferry);
  // The destination takes the batch and does not come round to it.
  const held = { do: "batch_held", for_ms: 600_000 };
  await simulator.setFaults({ rules: [{ name: "busy", method: "POST", path: "/batches", action: held }] });
  await signIn(page, ADMIN);
  await guard.look(page);
  await openActions(page, SHARED_EXPORT);
  await page.getByRole("button", { name: en.exports.run, exact: true }).click();
  await page.waitForURL("**/runs/*");
  await expect(page.locator(".progress-state")).toHaveText(en.states.settling, { timeout: 20_000 });
  await guard.look(page);

  await page.getByRole("button", { name: en.common.cancel, exact: true }).click();
  await expect(page.getByText(en.common.note_cancel_requested)).toBeVisible();
  await expect(page.getByRole("button", { name: en.common.cancel, exact: true })).toHaveCount(0);
  await simulator.release();
  await expect(page.locator(".ended")).toContainText(en.states.canceled, { timeout: 30_000 });
  await expect(page.getByText(en.runs.adds_up)).toBeVisible();
  await guard.look(page);

  // What was in flight arrived or is held back; the next run brings everybody, once.
  await page.getByRole("link", { name: en.runs.to_export }).click();
  await guard.look(page);
  await simulator.setFaults({ rules: [] });
  await page.getByRole("button", { name: en.exports.run, exact: true }).click();
  await page.waitForURL("**/runs/*");
  await expect(page.locator(".ended")).toContainText(en.states.successful, { timeout: 30_000 });
  const delivered = (await simulator.contacts()).map((one) => one.email).sort();
  expect(delivered).toEqual(["asa@shop.example", "lars@shop.example"]);
});
