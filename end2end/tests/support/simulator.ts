// A simulated Omnisend of the test's own, and what it knows.
import { Program } from "./programs";

/** The key that the simulator takes; the part before the dash is the brand. */
export const KEY = "5f0000000000000000000001-practice";
/** A key that it does not know. */
export const WRONG_KEY = "5f0000000000000000000001-mistyped";
/** A key that may not read contacts. */
export const WEAK_KEY = "5f0000000000000000000001-weak";
/** The name of the brand behind the keys. */
export const BRAND = "Practice shop";

export interface Contact {
  email: string;
  tags: string[];
  firstName?: string;
  customProperties?: Record<string, unknown>;
  [field: string]: unknown;
}

interface Logged {
  /** Method and path, such as `POST /batches`. */
  endpoint: string;
  status: number;
}

/** A simulator that runs. */
export class Simulator {
  private constructor(
    private readonly program: Program,
    /** Where Ferry finds the API. */
    readonly url: string,
    private readonly control: string,
  ) {}

  static async start(): Promise<Simulator> {
    const program = Program.start("the simulator", needed("SIMULATOR_BIN"), [
      ...["--listen", "127.0.0.1:0", "--brand-name", BRAND, "--no-limits"],
      ...["--key", KEY, "--key", `${WEAK_KEY}=brands.read`],
      ...["--batch-delay-ms", "20", "--tag-delay-ms", "1"],
    ]);
    const [, origin] = await program.line(/listens on (http:\/\/[\d.:]+)\/api/);
    return new Simulator(program, `${origin}/api`, `${origin}/_sim`);
  }

  /** Contacts as they truly are. */
  async contacts(): Promise<Contact[]> {
    return (await this.ask<{ contacts: Contact[] }>("/contacts?limit=1000")).contacts;
  }

  /** The addresses with a tag, sorted. */
  async tagged(tag: string): Promise<string[]> {
    const found = await this.ask<{ contacts: Contact[] }>(`/contacts?limit=1000&tag=${encodeURIComponent(tag)}`);
    return found.contacts.map((one) => one.email).sort();
  }

  /** What must stay zero for a well-behaved sender, and how many requests there were. */
  async summary(): Promise<Record<string, unknown>> {
    return this.ask("/summary");
  }

  /** The requests that change something. */
  async writes(): Promise<Logged[]> {
    const log = await this.ask<{ requests: Logged[] }>("/requests?limit=10000");
    return log.requests.filter((one) => !one.endpoint.startsWith("GET "));
  }

  /** Tells the simulator which requests are to fail, and how. */
  async setFaults(script: object): Promise<void> {
    const answer = await fetch(`${this.control}/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(script),
    });
    if (!answer.ok) throw new Error(`the simulator did not take the script: ${await answer.text()}`);
  }

  /** Lets batches run that a fault script held. */
  async release(): Promise<void> {
    await fetch(`${this.control}/batches/release`, { method: "POST" });
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  private async ask<T>(path: string): Promise<T> {
    const answer = await fetch(this.control + path);
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${path}`);
    return (await answer.json()) as T;
  }
}

/** An environment variable that the runner sets. */
export function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the browser tests with ONLY=browser make test`);
  return value;
}
