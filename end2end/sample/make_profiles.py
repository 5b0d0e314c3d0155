#!/usr/bin/env python3
"""Makes profiles.csv, the sample of 25,000 customers that the demo and the tests import.

Names and streets come from Faker in the languages of the six countries' people; towns with their post codes, phone
numbers and the dirt of real files are made here. The same seed and Faker version give the same bytes:

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_profiles.py > profiles.csv

Nobody in it exists: every address ends in a domain that is reserved for examples (RFC 2606).
"""

import csv
import datetime
import io
import random
import sys
import unicodedata

from faker import Faker

SEED = 20260901
ROWS = 25_000
TODAY = datetime.date(2026, 9, 1)
HEADER = [
    "customer_id", "email", "first_name", "last_name", "address", "city", "post_code", "country", "phone",
    "birthdate", "gender", "orders", "spent", "last_order", "newsletter", "opt_in_at", "loyalty_number",
]
DOMAINS = ["example.com", "example.org", "example.net", "mail.example", "post.example"]

# Towns with the beginning of their post codes; `#` is any digit.
SWEDEN = [
    ("Stockholm", "11# ##"), ("Göteborg", "41# ##"), ("Malmö", "21# ##"), ("Uppsala", "75# ##"), ("Umeå", "90# ##"),
    ("Örebro", "70# ##"), ("Luleå", "97# ##"), ("Växjö", "35# ##"),
]
SPAIN = [
    ("Madrid", "280##"), ("Sevilla", "410##"), ("Zaragoza", "500##"), ("A Coruña", "150##"), ("Málaga", "290##"),
    ("Vitoria-Gasteiz", "010##"), ("Almería", "040##"), ("León", "240##"),
]
CATALONIA = [
    ("Barcelona", "080##"), ("Girona", "170##"), ("Lleida", "250##"), ("Tarragona", "430##"), ("Vic", "08500"),
    ("L'Hospitalet de Llobregat", "0890#"), ("Sant Feliu de Guíxols", "17220"), ("La Seu d'Urgell", "25700"),
]
ANDORRA = [("Andorra la Vella", "AD500"), ("Escaldes-Engordany", "AD700"), ("Ordino", "AD300")]
ROMANIA = [
    ("București", "01####"), ("Cluj-Napoca", "400###"), ("Iași", "700###"), ("Timișoara", "300###"),
    ("Brașov", "500###"), ("Târgu Mureș", "540###"), ("Constanța", "900###"), ("Ploiești", "100###"),
]
PORTUGAL = [
    ("Lisboa", "1###-###"), ("Porto", "4###-###"), ("Coimbra", "3000-###"), ("Évora", "7000-###"),
    ("Setúbal", "2900-###"), ("Funchal", "9000-###"), ("Guimarães", "4800-###"), ("Viana do Castelo", "4900-###"),
]
BRITAIN = [
    ("London", "SE1# #XX"), ("Leeds", "LS# #XX"), ("Cardiff", "CF1# #XX"), ("Edinburgh", "EH# #XX"),
    ("Bristol", "BS# #XX"), ("Stoke-on-Trent", "ST# #XX"), ("King's Lynn", "PE30 #XX"),
]
# Language, country, share of the customers, towns, how phone numbers are written.
PEOPLES = [
    ("sv_SE", "SE", 22, SWEDEN, ["+46 7# ### ## ##", "07#-### ## ##", "+467########"]),
    ("es_ES", "ES", 22, SPAIN, ["+34 6## ## ## ##", "6## ### ###", "91# ### ###"]),
    ("es_CA", "ES", 14, CATALONIA, ["+34 6########", "93 ### ## ##", "6## ## ## ##"]),
    ("es_CA", "AD", 2, ANDORRA, ["+376 3## ###", "3## ###"]),
    ("ro_RO", "RO", 16, ROMANIA, ["+40 72# ### ###", "072#######", "+4074#######"]),
    ("pt_PT", "PT", 12, PORTUGAL, ["+351 91# ### ###", "91#######", "21# ### ###"]),
    ("en_GB", "GB", 12, BRITAIN, ["+44 7700 9#####", "07700 9#####"]),
]
# Hours from UTC in winter, and how each country's shop writes yes and no.
COUNTRIES = {
    "SE": (1, ["Ja", "Nej"]), "ES": (1, ["Sí", "No"]), "AD": (1, ["Sí", "No"]), "RO": (2, ["Da", "Nu"]),
    "PT": (0, ["Sim", "Não"]), "GB": (0, ["yes", "no"]),
}
CATALAN_STREETS = ["Carrer de", "Plaça de", "Passeig de", "Rambla de", "Avinguda de"]
CATALAN_NAMES = ["Sant Pere", "la Llibertat", "Pau Casals", "Mossèn Cinto", "la Lluna", "Mallorca", "Montserrat"]

rng = random.Random(SEED)


def fill(pattern):
    """Digits for `#`, letters for `X`."""
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return "".join(
        rng.choice("0123456789") if c == "#" else rng.choice(letters) if c == "X" else c for c in pattern
    )


def plain(text):
    """The letters of a name as they stand in an address."""
    text = text.replace("ł", "l").replace("ß", "ss").replace("ø", "o")
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(c for c in text if c.isalnum())


class People:
    """The people of one country and language."""

    def __init__(self, language, country, towns, phones):
        self.language, self.country, self.towns, self.phones = language, country, towns, phones
        self.faker = Faker(language)
        self.faker.seed_instance(f"{SEED}-{language}-{country}")

    def street(self):
        if self.language == "es_CA":
            return f"{rng.choice(CATALAN_STREETS)} {rng.choice(CATALAN_NAMES)}, {rng.randint(1, 180)}"
        return " ".join(self.faker.street_address().replace("\n", ", ").split())

    def person(self):
        gender = rng.choice("fm")
        first = self.faker.first_name_female() if gender == "f" else self.faker.first_name_male()
        last = self.faker.last_name()
        city, code = rng.choice(self.towns)
        return gender, first, last, city, fill(code)


def address_of(first, last, number, taken):
    """An address of its own for each person, in the ways that people choose theirs."""
    first, last = plain(first) or "kund", plain(last) or "x"
    forms = [f"{first}.{last}", f"{first}{last[:1]}", f"{first[:1]}{last}", f"{last}.{first}", first]
    local = rng.choice(forms)[:22]
    domain = rng.choice(DOMAINS)
    if f"{local}@{domain}" in taken:
        local = f"{local}{number}"
    taken.add(f"{local}@{domain}")
    return f"{local}@{domain}"


def day(first_year, last):
    """A day between the first of January of a year and another day."""
    start = datetime.date(first_year, 1, 1)
    return start + datetime.timedelta(days=rng.randrange((last - start).days + 1))


def last_sunday(year, month):
    last = datetime.datetime(year, month, 31, 1, tzinfo=datetime.UTC)
    return last - datetime.timedelta(days=(last.weekday() + 1) % 7)


def moment(country):
    """A moment of the last years, in the time of a country, with its offset: an hour more in summer."""
    seconds = rng.randrange(8 * 365 * 86_400)
    at = datetime.datetime(2018, 6, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    is_summer = last_sunday(at.year, 3) <= at < last_sunday(at.year, 10)
    offset = datetime.timedelta(hours=COUNTRIES[country][0] + is_summer)
    return at.astimezone(datetime.timezone(offset)).isoformat()


def subscribe(row):
    """Who said yes to the newsletter, and when; who said no; and those who were never asked."""
    yes, no = COUNTRIES[row["country"]][1]
    answer = rng.random()
    if answer < 0.28:
        row["newsletter"], row["opt_in_at"] = yes, moment(row["country"])
    elif answer < 0.68:
        row["newsletter"] = no


def customer(number, people, taken):
    """One clean row, as a dictionary."""
    gender, first, last, city, code = people.person()
    orders = min(int(rng.expovariate(0.45)), 60)
    row = dict.fromkeys(HEADER, "")
    row.update(
        customer_id=str(10_000 + number), email=address_of(first, last, number, taken), first_name=first,
        last_name=last, city=city, post_code=code, country=people.country, orders=str(orders),
        spent=f"{orders * rng.uniform(6, 90):.2f}" if orders else "0",
    )
    if rng.random() < 0.55:
        row["address"] = people.street()
    if rng.random() < 0.45:
        row["phone"] = fill(rng.choice(people.phones))
    if rng.random() < 0.33:
        row["birthdate"] = day(1940, datetime.date(2008, 8, 31)).isoformat()
    if rng.random() < 0.70:
        row["gender"] = gender
    if orders:
        row["last_order"] = day(2023, TODAY).isoformat()
    subscribe(row)
    if rng.random() < 0.22:
        row["loyalty_number"] = fill("00#####")
    return row


# ---- dirt --------------------------------------------------------------------------------------

BAD_ADDRESSES = ["n/a", "-", "unknown", "anna.example.com", "@example.com", "pere@", "jo an@example.org", "a@b@example.com"]


def spoil_address(row):
    row["email"] = rng.choice(BAD_ADDRESSES)


def no_address(row):
    row["email"] = ""


def shout_address(row):
    row["email"] = row["email"].upper()


def pad_address(row):
    row["email"] = f" {row['email']} "


def shout_name(row):
    row["first_name"], row["last_name"] = row["first_name"].upper(), row["last_name"].upper()


def pad_name(row):
    row["first_name"] = f"{row['first_name']}\u00a0"


def split_letters(row):
    row["last_name"] = unicodedata.normalize("NFD", row["last_name"])


def nickname(row):
    row["first_name"] = f'{row["first_name"]} "{row["first_name"][:2]}"'


def two_lines(row):
    row["address"] = f"{row['address'] or 'c/o'}\n2º, 1ª"


def odd_phone(row):
    row["phone"] = rng.choice(["ring efter 18", "000000", "+34", "600-123", "(+40) tel. soției"])


def shout_answer(row):
    row["newsletter"] = f" {row['newsletter'].upper()}"


def emoji(row):
    row["first_name"] += " 🌻"


# How many rows of 1,000 get each.
DIRT = [
    (spoil_address, 5), (no_address, 9), (shout_address, 12), (pad_address, 8), (shout_name, 10), (pad_name, 4),
    (split_letters, 5), (nickname, 3), (two_lines, 2), (odd_phone, 4), (shout_answer, 6),
    (emoji, 1),
]


def dirty(row):
    for spoil, share in DIRT:
        if rng.random() < share / 1000:
            spoil(row)


def all_rows():
    """The rows as lists of fields, structural dirt included."""
    peoples = [(People(language, country, towns, phones), share) for language, country, share, towns, phones in PEOPLES]
    taken, made = set(), []
    for number in range(ROWS):
        people = rng.choices([people for people, _ in peoples], [share for _, share in peoples])[0]
        row = customer(number, people, taken)
        dirty(row)
        # Somebody who registered twice: another number, the same address.
        if made and rng.random() < 0.006:
            row["email"] = rng.choice(made)["email"]
        made.append(row)
    fields = [[row[name] for name in HEADER] for row in made]
    for _ in range(12):
        rng.choice(fields)[0] = rng.choice(fields)[0]
    for _ in range(9):
        rng.choice(fields)[9] = rng.choice(["31/02/1980", "1975-13-01", "okänt"])
    for _ in range(6):
        rng.choice(fields)[12] = "12,50 €"
    for _ in range(4):
        rng.choice([row for row in fields if row[15]])[15] = rng.choice(["2021-02-30T09:15:00+01:00", "i mars 2021"])
    for _ in range(7):
        rng.choice(fields).append("flyttad")
    for _ in range(5):
        del rng.choice(fields)[10:]
    return fields


def main():
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for fields in all_rows():
        writer.writerow(fields)
    # As the spreadsheet programs save it: with a byte order mark.
    sys.stdout.buffer.write(out.getvalue().encode("utf-8-sig"))


if __name__ == "__main__":
    main()
