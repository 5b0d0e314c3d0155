// Compares a demo's receipt and the simulator's contacts with what the sample file says should have come of it.
//
//   node verify.mjs RECEIPT.json PROFILES.csv SIMULATOR_URL
//
// The rules of ferry.toml are written here a second time, in other words, and the file is read by other code: what
// Ferry got wrong would show as a difference. Exit code 0 only if nothing differs.
import { readFileSync } from "node:fs";

const [receiptFile, profilesFile, simulator] = process.argv.slice(2);

/** The fields of each record of a CSV text (RFC 4180). */
function records(text) {
  const all = [];
  let record = [], field = "", quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') { field += '"'; i += 1; }
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ",") { record.push(field); field = ""; }
    else if (c === "\n") { record.push(field); all.push(record); record = []; field = ""; }
    else if (c !== "\r") field += c;
  }
  return all;
}

const isDay = (text) => {
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const day = new Date(Date.UTC(y, m - 1, d));
  return y !== undefined && day.getUTCMonth() === m - 1 && day.getUTCDate() === Number(d);
};
const isMoment = (text) =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}$/.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));
const YES = new Set(["yes", "sí", "da", "ja", "sim"]);
const NO = new Set(["no", "nu", "nej", "não"]);
const isAnswer = (text) => YES.has(text.toLowerCase()) || NO.has(text.toLowerCase());
const isNumber = (text) => /^-?\d+(\.\d+)?$/.test(text);

/** The rows that become profiles: every field there, a key of its own, values of their attribute's type. */
function profiles(file) {
  const [header, ...rows] = records(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  const keys = new Set();
  const found = [];
  for (const fields of rows) {
    if (fields.length !== header.length) continue;
    const row = Object.fromEntries(header.map((name, index) => [name, fields[index].trim()]));
    const types = [
      ["birthdate", isDay], ["last_order", isDay], ["orders", isNumber], ["spent", isNumber],
      ["newsletter", isAnswer], ["opt_in_at", isMoment],
    ];
    if (types.some(([name, fits]) => row[name] !== "" && !fits(row[name]))) continue;
    if (row.customer_id === "" || keys.has(row.customer_id)) continue;
    keys.add(row.customer_id);
    found.push(row);
  }
  return { found, read: rows.length };
}

const SEGMENTS = {
  "ferry:sweden": (row) => row.country === "SE",
  "ferry:loyal customers": (row) => row.email !== "" && (Number(row.orders) >= 5 || Number(row.spent) > 300),
  "ferry:newsletter readers": (row) =>
    YES.has(row.newsletter.toLowerCase()) && Date.parse(row.opt_in_at) >= Date.parse("2020-01-01T00:00:00Z"),
};

/**
 * The sample's countries: what they are called in English, the code that calls them, the zero in front of a number at
 * home, and what their numbers are like behind it.
 */
const COUNTRIES = {
  AD: { name: "Andorra", calls: "376", zero: "", numbers: /^[3-8]\d{5}$/ },
  ES: { name: "Spain", calls: "34", zero: "", numbers: /^(6\d|91|93)\d{7}$/ },
  // Of 07700 9, only the numbers of films and plays are ever shown: nobody can be called there.
  GB: { name: "United Kingdom", calls: "44", zero: "0", numbers: /^7(?!7009)\d{9}$/ },
  PT: { name: "Portugal", calls: "351", zero: "", numbers: /^(21|91)\d{7}$/ },
  RO: { name: "Romania", calls: "40", zero: "0", numbers: /^7[24]\d{7}$/ },
  // 71 is not given out; of 74, 75 and 77, a part.
  SE: { name: "Sweden", calls: "46", zero: "0", numbers: /^7([023689]\d|4[02-9]|5[1-8]|7[0-7])\d{6}$/ },
};

/** The number as everybody in the world would dial it; nothing where nobody could. */
function numberOf(row) {
  const text = row.phone.replace(/[ -]/g, "");
  if (!/^\+?\d+$/.test(text)) return "";
  const isAbroad = text.startsWith("+");
  const country = isAbroad
    ? Object.values(COUNTRIES).find(({ calls }) => text.startsWith(`+${calls}`))
    : COUNTRIES[row.country];
  const prefix = isAbroad ? `+${country?.calls}` : country?.zero;
  if (!country || !text.startsWith(prefix)) return "";
  const rest = text.slice(prefix.length);
  return country.numbers.test(rest) ? `+${country.calls}${rest}` : "";
}

/**
 * What a contact should be beside its tags and its telephone: fields without a value are not sent, and each stands on one
 * line. Of a moment counts when it is, not how it is written.
 */
function fieldsOf(row) {
  const number = (text) => (text === "" ? "" : Number(text));
  const all = {
    firstName: row.first_name, lastName: row.last_name, address: row.address.replaceAll("\n", " "), city: row.city,
    postalCode: row.post_code, country: COUNTRIES[row.country].name, countryCode: row.country, gender: row.gender,
    birthdate: row.birthdate, orders: number(row.orders), total_spent: number(row.spent),
    loyalty_number: row.loyalty_number, newsletter_since: row.opt_in_at === "" ? "" : Date.parse(row.opt_in_at),
  };
  return JSON.stringify(Object.entries(all).filter(([, value]) => value !== ""));
}

/** The same of a contact that the simulator holds. */
function heldFieldsOf(contact) {
  const { orders, total_spent, loyalty_number, newsletter_since, ...others } = contact.customProperties ?? {};
  const since = newsletter_since === undefined ? undefined : Date.parse(newsletter_since);
  const { firstName, lastName, address, city, postalCode, country, countryCode, gender, birthdate } = contact;
  const all = {
    firstName, lastName, address, city, postalCode, country, countryCode, gender, birthdate, orders, total_spent,
    loyalty_number, newsletter_since: since, ...others,
  };
  return JSON.stringify(Object.entries(all).filter(([, value]) => value !== undefined && value !== null && value !== ""));
}

/** What should have come of it: row and tags of each address, and the counts of the receipt. */
function expectation(rows) {
  const people = new Map();
  const counts = { members: 0, accepted: 0, rejected: 0, held: 0 };
  for (const row of rows) {
    const mine = Object.keys(SEGMENTS).filter((tag) => SEGMENTS[tag](row));
    if (mine.length === 0) continue;
    counts.members += 1;
    const email = row.email.toLowerCase();
    if (!/^[^\s@]+@[^\s@]+\.[a-z]+$/.test(email)) { counts.rejected += 1; continue; }
    // Of several rows with one address, that of the smallest key goes, with the tags of them all.
    const known = people.get(email);
    if (known) counts.held += 1;
    else counts.accepted += 1;
    const first = known && known.row.customer_id < row.customer_id ? known.row : row;
    people.set(email, { row: first, tags: new Set([...(known?.tags ?? []), ...mine]) });
  }
  const isWithout = ({ row }) => row.phone !== "" && numberOf(row) === "";
  counts.values_left_out = [...people.values()].filter(isWithout).length;
  return { people, counts };
}

async function contacts() {
  const all = [];
  for (let offset = 0; offset !== null;) {
    const answer = await fetch(`${simulator}/_sim/contacts?limit=5000&offset=${offset}`);
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status}`);
    const page = await answer.json();
    all.push(...page.contacts);
    offset = page.nextOffset;
  }
  return all;
}

const differences = [];
const differ = (what, expected, found) => {
  if (expected !== found) differences.push(`${what}: expected ${expected}, found ${found}`);
};

const receipt = JSON.parse(readFileSync(receiptFile, "utf8"));
const sample = profiles(profilesFile);
const expected = expectation(sample.found);
const held = await contacts();
const summary = await (await fetch(`${simulator}/_sim/summary`)).json();

const outcomes = receipt.accepted + receipt.unchanged + receipt.rejected + receipt.held + receipt.unconfirmed;
differ("the receipt's outcomes add up to its members", receipt.members, outcomes);
for (const [name, count] of Object.entries(expected.counts)) differ(`the receipt's ${name}`, count, receipt[name]);
for (const name of ["unchanged", "unconfirmed", "tags_removed"]) differ(`the receipt's ${name}`, 0, receipt[name]);
const tagCount = [...expected.people.values()].reduce((sum, { tags }) => sum + tags.size, 0);
differ("the receipt's tags_added", tagCount, receipt.tags_added);

differ("contacts in the simulator", expected.people.size, held.length);
/** How many contacts have each number: whoever comes first keeps one that several people have. */
const holders = new Map();
for (const contact of held) {
  const person = expected.people.get(contact.email);
  if (!person) {
    differences.push(`${contact.email} is in the simulator, and should not be`);
    continue;
  }
  differ(`tags of ${contact.email}`, [...person.tags].sort().join(), [...(contact.tags ?? [])].sort().join());
  differ(`fields of ${contact.email}`, fieldsOf(person.row), heldFieldsOf(contact));
  const number = numberOf(person.row);
  const phone = (contact.phone ?? []).join();
  if (phone !== "") differ(`phone of ${contact.email}`, number, phone);
  if (number !== "") holders.set(number, (holders.get(number) ?? 0) + (phone === number ? 1 : 0));
  expected.people.delete(contact.email);
}
for (const [number, count] of holders) differ(`contacts with the phone ${number}`, 1, count);
for (const email of expected.people.keys()) differences.push(`${email} is missing`);
for (const name of ["welcomeMessages", "resubscribed"]) differ(`the simulator's ${name}`, 0, summary[name] ?? 0);

if (differences.length === 0) {
  console.log(`    ${sample.read} rows, ${sample.found.length} profiles, ${receipt.members} members: the receipt adds up, and`);
  console.log(`    the simulator holds exactly the ${held.length} expected contacts with all their fields and tags`);
} else {
  for (const line of differences.slice(0, 20)) console.error(`    ${line}`);
  console.error(`    ${differences.length} differences`);
  process.exit(1);
}
