// What holds on every page of every test: nothing on the console, no error of a script, nothing blocked by the
// Content-Security-Policy, no request to anywhere else, the security headers on each document, and no violation that
// axe finds. A test that opens a page and never has axe look at it fails, too.
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, type Page, type Response, expect } from "@playwright/test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Where every sign-in passes through; tests of their own have axe look at these. */
const ON_THE_WAY = ["/", "/sign-in", "/data/exports"];

/** The address of a page without what differs from one to the next of its kind. */
function kindOf(url: string): string {
  const path = new URL(url).pathname.replace(ID, ":id");
  return path.replace(/^\/(set-up|invitation)\/.+/, "/$1/:token");
}

/** Watches the pages of one test. */
export class Guard {
  private readonly problems: string[] = [];
  private readonly pending: Promise<void>[] = [];
  private readonly opened = new Set<string>();
  private readonly looked = new Set<string>();
  private readonly expected = new Set<number>();
  private inspector?: BrowserContext;

  constructor(
    private readonly browser: Browser,
    private readonly origin: string,
    private readonly hasScript: boolean,
  ) {}

  /** Answers with this status are part of the test. */
  expects(status: number): void {
    this.expected.add(status);
  }

  /** Watches every page of a browser context. */
  async watch(context: BrowserContext): Promise<void> {
    await context.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`blocked by the policy: ${event.violatedDirective} ${event.blockedURI}`),
      ),
    );
    context.on("console", (message) => {
      // A bad status is judged by the answer itself.
      if (!["error", "warning"].includes(message.type()) || message.text().startsWith("Failed to load resource")) return;
      this.problems.push(`console ${message.type()} at ${message.page()?.url()}: ${message.text()}`);
    });
    context.on("weberror", (error) => this.problems.push(`script error: ${error.error().message}`));
    context.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${this.origin}/`) && !url.startsWith("data:")) this.problems.push(`a request to ${url}`);
    });
    context.on("response", (response) => this.pending.push(this.judge(response)));
  }

  private async judge(response: Response): Promise<void> {
    const [status, url] = [response.status(), response.url()];
    if (status >= 400 && !this.expected.has(status)) this.problems.push(`${status} from ${url}`);
    if (response.request().resourceType() !== "document") return;
    const headers = await response.allHeaders().catch(() => ({}) as Record<string, string>);
    if (!headers["content-type"]) return;
    const policy = headers["content-security-policy"] ?? "";
    const wanted = ["default-src 'none'", "script-src 'self' 'nonce-", "frame-ancestors 'none'", "form-action 'self'"];
    for (const part of wanted) if (!policy.includes(part)) this.problems.push(`no ${part} in the policy of ${url}`);
    if (policy.includes("'unsafe-inline'")) this.problems.push(`unsafe-inline in the policy of ${url}`);
    if (headers["x-content-type-options"] !== "nosniff") this.problems.push(`no nosniff on ${url}`);
    if (/^text\/html/.test(headers["content-type"]) && status === 200) this.opened.add(kindOf(url));
  }

  /** Has axe look at a page, as it is now. */
  async look(page: Page): Promise<void> {
    await page.waitForLoadState("load");
    const url = page.url();
    const shown = this.hasScript ? page : await this.copy(page);
    const axe = new AxeBuilder({ page: shown }).options({ rules: { "target-size": { enabled: true } } });
    const { violations } = await axe.withTags(TAGS).setLegacyMode(true).analyze();
    if (shown !== page) await shown.close();
    const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
    expect(found, `axe at ${url}`).toEqual([]);
    this.looked.add(kindOf(url));
  }

  /** Where script is off, axe cannot run: it looks at a copy of what is shown, without the scripts. */
  private async copy(page: Page): Promise<Page> {
    this.inspector ??= await this.browser.newContext({ viewport: page.viewportSize(), javaScriptEnabled: true });
    const html = (await page.content()).replace(/<script\b[^>]*>.*?<\/script>/gs, "");
    const copy = await this.inspector.newPage();
    await copy.route(page.url(), (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
    await copy.goto(page.url());
    return copy;
  }

  /** At the end of a test: nothing went wrong, and nothing was left out. */
  async conclude(): Promise<void> {
    await Promise.all(this.pending);
    await this.inspector?.close();
    expect(this.problems).toEqual([]);
    const left = [...this.opened].filter((kind) => !this.looked.has(kind) && !ON_THE_WAY.includes(kind));
    expect(left, "pages that axe never looked at").toEqual([]);
  }
}
