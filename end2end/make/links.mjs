// Fails on a dead link in README.md and docs/: a file that does not exist, or a heading that is not there.
// Addresses on the web are not looked at; nothing is fetched.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

function documents() {
  const files = readdirSync(root).filter((name) => name.endsWith(".md")).map((name) => join(root, name));
  const folders = ["docs", "end2end", "server", "app"].filter((name) => existsSync(join(root, name)));
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true })) {
      if (name.endsWith(".md") && !name.includes("node_modules")) files.push(join(root, folder, name));
    }
  }
  return files;
}

/** The text without code, where square brackets are not links. Line breaks stay, for line numbers. */
function withoutCode(text) {
  const blank = (match) => match.replace(/[^\n]/g, " ");
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, blank).replace(/`[^`\n]*`/g, blank);
}

/** The anchors of a document, made from its headings the way that code hosts do. */
function anchors(file) {
  const seen = new Map();
  const found = new Set();
  const text = readFileSync(file, "utf8").replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
  for (const [, heading] of text.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "").toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  for (const [, id] of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) found.add(id);
  return found;
}

function problemWith(file, target) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  const [path, anchor] = decodeURI(target).split("#");
  const wanted = path === "" ? file : resolve(path.startsWith("/") ? root : dirname(file), path.replace(/^\//, ""));
  if (!wanted.startsWith(root)) return "points outside the project";
  if (!existsSync(wanted)) return "no such file";
  if (anchor && statSync(wanted).isFile() && wanted.endsWith(".md") && !anchors(wanted).has(anchor)) return "no such heading";
  return null;
}

let links = 0;
const dead = [];
for (const file of documents()) {
  const text = withoutCode(readFileSync(file, "utf8"));
  const inline = text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
  const references = text.matchAll(/^\s*\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm);
  const attributes = text.matchAll(/\b(?:src|href|srcset)="([^"]+)"/g);
  for (const match of [...inline, ...references, ...attributes]) {
    links += 1;
    const problem = problemWith(file, match[1]);
    const line = text.slice(0, match.index).split("\n").length;
    if (problem) dead.push(`${relative(root, file)}:${line}: ${match[1]}: ${problem}`);
  }
}

console.log(`    ${links} links looked at, ${dead.length} dead`);
for (const line of dead) console.error(line);
process.exit(dead.length === 0 ? 0 : 1);
