// A Ferry of the test's own: `ferry serve` on a free port with a data directory that is gone afterwards.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Program, pause, run } from "./programs";
import { KEY, type Simulator, needed } from "./simulator";

/** A person with their password. */
export interface Person {
  email: string;
  password: string;
  role: "administrator" | "contributor" | "viewer";
}

const person = (name: string, role: Person["role"]): Person => ({
  email: `${name}@ferry.example`,
  password: `lantern ${name} seven harbour`,
  role,
});
export const ADMIN = person("anna", "administrator");
export const CONTRIBUTOR = person("carles", "contributor");
export const VIEWER = person("vera", "viewer");

/** A Ferry that runs. */
export class Ferry {
  private constructor(
    private readonly program: Program,
    private readonly folder: string,
    private readonly env: Record<string, string>,
    /** Where it is, without a slash at the end. */
    readonly url: string,
    /** The one-time link for the first administrator, as it stands in what `ferry serve` prints. */
    readonly setUpLink: string,
  ) {}

  static async start(simulator: Simulator): Promise<Ferry> {
    const folder = await mkdtemp(join(tmpdir(), "ferry-browser-test-"));
    const env = {
      FERRY_DATA_DIR: join(folder, "data"),
      FERRY_OMNISEND_URL: simulator.url,
      FERRY_LOG: "info",
      SHOP_KEY: KEY,
    };
    const program = Program.start("Ferry", needed("FERRY_BIN"), ["serve"], { ...env, FERRY_LISTEN: "127.0.0.1:0" });
    const [link, url] = await program.line(/(http:\/\/[\d.:]+)\/set-up\/\S+/);
    const ferry = new Ferry(program, folder, env, url, link);
    await ferry.isReady();
    return ferry;
  }

  /** Runs one of Ferry's commands beside the server. */
  async command(args: string[], input = ""): Promise<string> {
    return run(needed("FERRY_BIN"), args, this.env, input);
  }

  /** Adds somebody who may sign in. */
  async addPerson(one: Person): Promise<void> {
    await this.command(["user", "add", one.email, "--role", one.role, "--password-stdin"], one.password);
  }

  /** Brings Ferry to what a configuration says. */
  async apply(toml: string): Promise<void> {
    await this.command(["apply", await this.file("ferry.toml", toml)]);
  }

  /** A file in the test's own folder. */
  async file(name: string, content: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  /** What the server printed so far. */
  get output(): string {
    return this.program.output;
  }

  /** Ends it; a server that does not end cleanly is a fault. */
  async stop(): Promise<void> {
    const code = await this.program.stop();
    await rm(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`Ferry ended with ${code} on SIGTERM:\n${this.output}`);
    if (/panicked/.test(this.output)) throw new Error(`Ferry panicked:\n${this.output}`);
  }

  private async isReady(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await pause(50);
    }
    throw new Error(`Ferry did not become ready:\n${this.output}`);
  }
}
