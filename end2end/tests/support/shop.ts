// A small shop: its customers as a file, and its Ferry as a configuration. The numbers that the tests expect stand here,
// beside the rows that give them.
import { ADMIN, CONTRIBUTOR, type Ferry, VIEWER } from "./ferry";

/** Ten customers; two lines of the file cannot become profiles. */
export const CUSTOMERS = [
  "customer,email,first_name,last_name,country,city,post_code,birthdate,points",
  "C01,ana@shop.example,Ana,Pérez,ES,Málaga,08001,1990-02-28,120",
  "C02,berta@shop.example,Berta,Coll,ES,Girona,17001,1985-11-05,80",
  // No day of birth: it is left out, and she is sent without it.
  "C03,carmen@shop.example,Carmen,Ruiz,ES,Sevilla,41001,in spring,15",
  // No address, and something that is none: rejected when they are sent. The key is a formula to a spreadsheet.
  "C04,,Dolors,Vila,ES,Vic,08500,1970-01-01,0",
  "=1+2,not-an-address,Enric,Mas,ES,Reus,43201,1970-01-01,0",
  // The address of C01 again: held back.
  "C06,ANA@shop.example,Ana,P.,ES,Madrid,28001,,7",
  "C07,asa@shop.example,Åsa,Öberg,SE,Umeå,90325,1999-12-31,300",
  "C08,lars@shop.example,Lars,Ek,SE,Lund,22100,,44",
  "C09,ioana@shop.example,Ioana,Țăran,RO,Iași,700001,,9",
  "C10,mihai@shop.example,Mihai,Ștefan,RO,Cluj,400001,,61",
  "C10,again@shop.example,Another,One,RO,Cluj,400001,,61",
  "C11,short@shop.example,Too,Short",
  "",
].join("\r\n");

/** What the refresh of the file says. */
export const IMPORT = { read: 12, accepted: 10, rejected: 2 };

/** Who of Spain arrives, and what becomes of all six. */
export const SPAIN = {
  delivered: ["ana@shop.example", "berta@shop.example", "carmen@shop.example"],
  counts: { members: 6, accepted: 3, unchanged: 0, rejected: 2, held: 1, unconfirmed: 0 },
};

export const SHARED = "Shop for everybody";
export const PRIVATE = "Shop for the office";
export const SHARED_EXPORT = "Nordic newsletter";
export const PRIVATE_EXPORT = "Office letter";

const connection = (name: string, audience: string) => `
[[connection]]
name = "${name}"
kind = "omnisend"
audience = "${audience}"
key_env = "SHOP_KEY"
export_user = "${ADMIN.email}"
consent = { agreed_by = "${ADMIN.email}", language = "en", wording = "The test agrees." }
`;

const exporting = (name: string, over: string, segment: string) => `
[[export]]
name = "${name}"
connection = "${over}"
segments = ["${segment}"]
matching = { email = "email", first_name = "first_name", country = "country" }
`;

const SEGMENT = (name: string, country: string) => `
[[segment]]
name = "${name}"
items = [{ attribute = "country", operator = "equals", values = ["${country}"] }]
`;

/** People, profiles, two segments, two connections and an export over each: what tests about rights begin with. */
export async function openShop(ferry: Ferry): Promise<void> {
  for (const one of [ADMIN, CONTRIBUTOR, VIEWER]) await ferry.addPerson(one);
  await ferry.file("customers.csv", CUSTOMERS);
  await ferry.apply(
    [
      `[data_source]\nname = "Customers"\nfile = "customers.csv"\nprimary_key = "customer"\n`,
      SEGMENT("Nordic", "SE"),
      SEGMENT("Spain", "ES"),
      connection(SHARED, "administrators_and_contributors"),
      connection(PRIVATE, "administrators"),
      exporting(SHARED_EXPORT, SHARED, "Nordic"),
      exporting(PRIVATE_EXPORT, PRIVATE, "Spain"),
    ].join(""),
  );
}
