// The texts of the screens, read from where the screens take them: a reworded label breaks no test.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const LOCALES = join(__dirname, "../../../app/locales");

export type Words = Record<string, Record<string, string>>;

/** All texts of a language, by file and key. */
export function words(language: string): Words {
  const folder = join(LOCALES, language);
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return Object.fromEntries(
    files.map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(join(folder, name), "utf8"))]),
  );
}

/** A text with its places filled in. */
export function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{\{ (\w+) \}\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`nothing is given for "${name}" in "${text}"`);
    return String(values[name]);
  });
}

/** The English texts. */
export const en = words("en");
