// A page of another origin that posts forms to Ferry in the browser of somebody who is signed in: refused, and nothing is
// changed. Another port of the same host is the hard case, because the browser sends the cookie along.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { ADMIN, VIEWER } from "./support/ferry";
import { expect, heading, signIn, test } from "./support/test";
import { en } from "./support/words";

/** Forms that somebody is lured into sending, a button each. */
const FORMS: Record<string, Record<string, string>> = {
  "/api/users/add": { email: VIEWER.email, role: "administrator" },
  "/api/session/set-theme": { theme: "dark" },
  "/api/session/sign-out": {},
};

function page(ferry: string): string {
  const forms = Object.entries(FORMS).map(([path, fields]) => {
    const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
    return `<form method="post" action="${ferry}${path}">${inputs.join("")}<button>${path}</button></form>`;
  });
  return `<!doctype html><title>A prize</title>${forms.join("")}`;
}

/** Serves the page on a port of its own. */
async function elsewhere(ferry: string): Promise<[Server, number]> {
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(page(ferry)));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return [server, (server.address() as AddressInfo).port];
}

test("a form on a page of another origin changes nothing", async ({ browser, ferry, javaScriptEnabled, locale }) => {
  await ferry.addPerson(ADMIN);
  // Not watched: these pages break the rules on purpose.
  const context = await browser.newContext({ baseURL: ferry.url, javaScriptEnabled, locale });
  const tab = await context.newPage();
  await signIn(tab, ADMIN);
  const [server, port] = await elsewhere(ferry.url);

  for (const host of ["127.0.0.1", "localhost"]) {
    for (const path of Object.keys(FORMS)) {
      await tab.goto(`http://${host}:${port}/`);
      const answered = tab.waitForResponse((answer) => answer.url() === ferry.url + path);
      await tab.getByRole("button", { name: path }).click();
      const answer = await answered;
      expect(answer.status(), `${path} from ${host}`).toBe(403);
      const sent = await answer.request().allHeaders();
      if (host === "127.0.0.1") expect(sent.cookie, "the cookie went along").toContain("ferry=");
      await expect(tab.getByText(en.faults.other_site).first()).toBeVisible();
    }
  }

  await tab.goto("/admin/users");
  await expect(heading(tab, en.users.title)).toBeVisible();
  await expect(tab.getByRole("row", { name: ADMIN.email })).toBeVisible();
  await expect(tab.getByText(VIEWER.email)).toHaveCount(0);
  expect(await tab.locator("html").getAttribute("data-theme")).toBeNull();
  await context.close();
  server.close();
});
