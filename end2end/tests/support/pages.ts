// Every page of Ferry, as an address and the heading that it has in each language. What has no entry here is found out: the
// routes are read from where the program takes them.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Page, expect } from "@playwright/test";

import type { Ferry } from "./ferry";
import { CUSTOMERS, SHARED, SHARED_EXPORT } from "./shop";
import { KEY } from "./simulator";
import { type Words, en, filled } from "./words";

const APP = join(__dirname, "../../../app/src/app.rs");

/** A page: its address, and its heading in the words of a language. */
export interface Shown {
  path: string;
  title: (own: Words) => string;
}

/** The pages of somebody who is signed in, by their routes. The shop is open, and this person is an administrator. */
export async function innerPages(page: Page, ferry: Ferry): Promise<Record<string, Shown>> {
  const [exported, segment, source, connection] = [
    await linkTo(page, "/data/exports", SHARED_EXPORT),
    await linkTo(page, "/segments", "Spain"),
    await linkTo(page, "/data/sources", "Customers"),
    await linkTo(page, "/admin/connections", SHARED),
  ];
  await ferry.command(["run", SHARED_EXPORT]);
  await page.goto(`${exported}/runs`);
  const run = String(await page.locator("main a[href^='/runs/']").first().getAttribute("href"));
  const omnisend = (own: Words) => filled(own.connections.set_up, { name: "Omnisend" });
  const named = (name: string) => () => name;
  const of = (file: string, key: string, name: string) => (own: Words) => filled(own[file][key], { name });
  return {
    "/data/exports": { path: "/data/exports", title: (own) => own.exports.title },
    "/data/exports/new": { path: "/data/exports/new", title: (own) => own.exports.set_up },
    "/data/exports/:id": { path: exported, title: named(SHARED_EXPORT) },
    "/data/exports/:id/dry-run": { path: `${exported}/dry-run`, title: of("safety", "dry_title", SHARED_EXPORT) },
    "/data/exports/:id/remove": { path: `${exported}/remove`, title: of("exports", "remove_title", SHARED_EXPORT) },
    "/data/exports/:id/runs": { path: `${exported}/runs`, title: of("runs", "history_of", SHARED_EXPORT) },
    "/runs/:id": { path: run, title: of("runs", "run_of", SHARED_EXPORT) },
    "/admin/connections": { path: "/admin/connections", title: (own) => own.connections.title },
    "/admin/connections/new": { path: "/admin/connections/new?kind=omnisend", title: omnisend },
    "/admin/connections/set-up/:id": { path: await begunConnection(page), title: omnisend },
    "/admin/connections/:id": { path: connection, title: named(SHARED) },
    "/admin/connections/:id/remove": { path: `${connection}/remove`, title: of("connections", "remove_title", SHARED) },
    "/admin/users": { path: "/admin/users", title: (own) => own.users.title },
    "/admin/system": { path: "/admin/system", title: (own) => own.system.title },
    "/admin/system/schedule": { path: "/admin/system/schedule", title: (own) => own.system.title },
    "/data/sources": { path: "/data/sources", title: (own) => own.sources.title },
    "/data/sources/new": { path: "/data/sources/new", title: (own) => own.sources.add },
    "/data/sources/preview": { path: await uploadedFile(page), title: (own) => own.sources.add },
    "/data/sources/:id": { path: source, title: named("Customers") },
    "/data/profiles": { path: "/data/profiles", title: (own) => own.profiles.title },
    "/segments": { path: "/segments", title: (own) => own.segments.title },
    "/segments/new": { path: "/segments/new", title: (own) => own.segments.add },
    "/segments/:id": { path: segment, title: named("Spain") },
  };
}

/** The pages of somebody who is not signed in: all but the first administrator's, whose link ends with that person. */
export function outerPages(invitation: string): Record<string, Shown> {
  return {
    "/sign-in": { path: "/sign-in", title: (own) => own.sign_in.title },
    "/invitation/:token": { path: invitation, title: (own) => own.sign_in.invitation_title },
  };
}

/** Fails when Ferry has a page that is not among these routes. The start page only leads on. */
export function expectEvery(routes: string[]): void {
  const all = [...readFileSync(APP, "utf8").matchAll(/path!\("([^"]+)"\)/g)].map(([, route]) => route);
  expect(all.length).toBeGreaterThan(20);
  expect([...routes, "/"].sort()).toEqual(all.sort());
}

async function linkTo(page: Page, list: string, name: string): Promise<string> {
  await page.goto(list);
  return String(await page.getByRole("link", { name, exact: true }).first().getAttribute("href"));
}

/** A connection whose set-up stands at its second half. */
async function begunConnection(page: Page): Promise<string> {
  await page.goto("/admin/connections/new?kind=omnisend");
  await page.getByLabel(en.common.display_name).fill("Half a shop");
  await page.getByLabel(en.connections.api_key).fill(KEY);
  await page.getByLabel(en.connections.agree).check();
  await page.getByRole("button", { name: en.connections.connect }).click();
  await page.waitForURL("**/admin/connections/set-up/*");
  return new URL(page.url()).pathname;
}

/** A file that was uploaded and is looked at before it becomes a data source. */
async function uploadedFile(page: Page): Promise<string> {
  await page.goto("/data/sources/new");
  const file = { name: "more.csv", mimeType: "text/csv", buffer: Buffer.from(CUSTOMERS) };
  await page.getByLabel(en.sources.file, { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: en.sources.upload, exact: true }).click();
  await page.waitForURL("**/data/sources/preview?**");
  const { pathname, search } = new URL(page.url());
  return `${pathname}${search}`;
}
