// Starts programs, follows what they print, and ends them. Knows nothing of what they are.
import { type ChildProcess, spawn } from "node:child_process";

/** A program that runs in the background. */
export class Program {
  output = "";
  private readonly ended: Promise<number | null>;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.on("data", (text) => (this.output += text));
    child.stderr?.on("data", (text) => (this.output += text));
    this.ended = new Promise((resolve) => child.on("close", resolve));
  }

  static start(name: string, file: string, args: string[], env: Record<string, string> = {}): Program {
    return new Program(name, spawn(file, args, { env: environment(env), stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** The first match in what it prints. */
  async line(pattern: RegExp, seconds = 30): Promise<RegExpMatchArray> {
    const until = Date.now() + seconds * 1000;
    for (;;) {
      const found = this.output.match(pattern);
      if (found) return found;
      if (this.child.exitCode !== null) throw new Error(`${this.name} ended by itself:\n${this.output}`);
      if (Date.now() > until) throw new Error(`${this.name} did not print ${pattern}:\n${this.output}`);
      await pause(50);
    }
  }

  /** Ends it with SIGTERM; gives its exit code, or null where it had to be killed. */
  async stop(seconds = 20): Promise<number | null> {
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), seconds * 1000);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }
}

/** Runs a program to its end, with a text as its input; fails unless it succeeds. */
export async function run(file: string, args: string[], env: Record<string, string>, input = ""): Promise<string> {
  const child = spawn(file, args, { env: environment(env), stdio: "pipe" });
  child.stdin.end(input);
  let [out, err] = ["", ""];
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${out}${err}`);
  return out;
}

/** A short wait between two looks at something outside the browser. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Only what programs need: no FERRY_… setting of the machine gets into the tests. */
function environment(more: Record<string, string>): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...more };
}
