//! A million made-up customers with thirty attributes, written once as CSV and once as Parquet. The same seed gives the
//! same people.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

/// The columns, in order.
pub const COLUMNS: [&str; 30] = [
    "customer_id",
    "email",
    "first_name",
    "last_name",
    "address",
    "city",
    "state",
    "post_code",
    "country",
    "phone",
    "birthdate",
    "gender",
    "language",
    "loyalty_tier",
    "loyalty_points",
    "orders",
    "spend",
    "average_order",
    "last_order_at",
    "first_order_at",
    "opted_in",
    "opted_in_at",
    "store",
    "channel",
    "campaign",
    "score",
    "returns",
    "newsletter",
    "company",
    "note",
];

const FIRST: [&str; 12] =
    ["Anna", "Ștefan", "José", "Núria", "Åsa", "João", "Ioana", "Lluís", "María", "Björn", "Inês", "Emily"];
const LAST: [&str; 12] = [
    "Popescu",
    "García",
    "Puig",
    "Lindström",
    "Ferreira",
    "Smith",
    "Ionescu",
    "Martínez",
    "Öberg",
    "Carvalho",
    "Vila",
    "Brown",
];
const CITIES: [(&str, &str, &str, &str); 6] = [
    ("București", "București", "Romania", "+40"),
    ("Barcelona", "Barcelona", "Spain", "+34"),
    ("Girona", "Girona", "Spain", "+34"),
    ("Göteborg", "Västra Götaland", "Sweden", "+46"),
    ("Porto", "Porto", "Portugal", "+351"),
    ("Leeds", "West Yorkshire", "United Kingdom", "+44"),
];

/// A small generator of repeatable numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        let index = usize::try_from(self.roll(list.len() as u64)).unwrap_or(0);
        list[index]
    }
}

/// One customer's values. `generation` changes one percent of the people a little.
fn person(number: u64, generation: u64) -> [String; 30] {
    let mut dice = Dice(number.wrapping_mul(0x51_7C_C1_B7_27_22_0A_95));
    let (first, last) = (dice.of(&FIRST), dice.of(&LAST));
    let (city, state, country, prefix) = dice.of(&CITIES);
    let day = |dice: &mut Dice, from: u64| {
        format!("{}-{:02}-{:02}", from + dice.roll(5), 1 + dice.roll(12), 1 + dice.roll(28))
    };
    let spend_cents = dice.roll(500_000) + if number.is_multiple_of(100) { generation } else { 0 };
    let orders = 1 + dice.roll(40);
    [
        format!("C{number:08}"),
        format!("person{number}@example-{}.com", dice.roll(500)),
        first.to_owned(),
        last.to_owned(),
        format!("Street {}", 1 + dice.roll(300)),
        city.to_owned(),
        state.to_owned(),
        format!("{:05}", dice.roll(99_999)),
        country.to_owned(),
        format!("{prefix}6{:08}", dice.roll(99_999_999)),
        day(&mut dice, 1960),
        dice.of(&["f", "m", ""]).to_owned(),
        dice.of(&["en", "ca", "es", "ro", "sv", "pt"]).to_owned(),
        dice.of(&["gold", "silver", "bronze", "none"]).to_owned(),
        dice.roll(10_000).to_string(),
        orders.to_string(),
        format!("{}.{:02}", spend_cents / 100, spend_cents % 100),
        format!("{}.{:02}", spend_cents / orders / 100, spend_cents / orders % 100),
        format!("{}T{:02}:15:00+02:00", day(&mut dice, 2022), dice.roll(24)),
        format!("{}T{:02}:45:00Z", day(&mut dice, 2015), dice.roll(24)),
        dice.of(&["true", "false"]).to_owned(),
        format!("{}T08:00:00Z", day(&mut dice, 2018)),
        format!("Store {}", dice.roll(200)),
        dice.of(&["web", "shop", "app"]).to_owned(),
        format!("c{}", dice.roll(1_000)),
        format!("0.{:04}", dice.roll(9_999)),
        dice.roll(5).to_string(),
        dice.of(&["true", "false"]).to_owned(),
        if dice.roll(5) == 0 { format!("Company {}", dice.roll(5_000)) } else { String::new() },
        if dice.roll(10) == 0 { "Prefers \"quiet\" hours, no calls".to_owned() } else { String::new() },
    ]
}

/// Writes `count` people as CSV.
pub fn write_csv(path: &Path, count: u64, generation: u64) -> Result<()> {
    let mut out = csv::Writer::from_writer(BufWriter::with_capacity(1 << 20, File::create(path)?));
    out.write_record(COLUMNS)?;
    for number in 0..count {
        out.write_record(person(number, generation))?;
    }
    out.flush()?;
    Ok(())
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// Every fifth row has one: too many and too few fields, a quote that is not closed, a quote in the middle of a field, a
    /// NUL, and bytes that are no UTF-8, in turn.
    OfAllKinds,
    /// Every other row begins with a quote that is not closed.
    OpenQuotes,
}

/// Writes `count` people as a CSV file with faults in it.
pub fn write_malformed(path: &Path, count: u64, faults: Faults) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(out, "{}", COLUMNS.join(","))?;
    for number in 0..count {
        let mut line = csv::WriterBuilder::new().from_writer(Vec::new());
        line.write_record(person(number, 0))?;
        let mut line = line.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
        let spoil: Option<(&[u8], usize)> = match (faults, number % 5, number / 5 % 6) {
            (Faults::OpenQuotes, ..) => number.is_multiple_of(2).then_some((b"\"", 0)),
            (Faults::OfAllKinds, 0, 0) => Some((b",more", 5)),
            (Faults::OfAllKinds, 0, 1) => {
                line.truncate(line.len() / 2);
                Some((b"\n", line.len()))
            }
            (Faults::OfAllKinds, 0, 2) => Some((b"\"", 0)),
            (Faults::OfAllKinds, 0, 3) => Some((b"\"x\"y", 0)),
            (Faults::OfAllKinds, 0, 4) => Some((b"\0", 3)),
            (Faults::OfAllKinds, 0, _) => Some((b"\xff", 3)),
            (Faults::OfAllKinds, ..) => None,
        };
        if let Some((bytes, at)) = spoil {
            line.splice(at..at, bytes.iter().copied());
        }
        out.write_all(&line)?;
    }
    out.flush()?;
    Ok(())
}

/// Writes `count` people as Parquet, all columns as text, as exports of other tools often are.
pub fn write_parquet(path: &Path, count: u64, generation: u64) -> Result<()> {
    let schema = Arc::new(Schema::new(COLUMNS.map(|name| Field::new(name, DataType::Utf8, true)).to_vec()));
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut out = ArrowWriter::try_new(File::create(path)?, Arc::clone(&schema), Some(properties))?;
    let mut start = 0;
    while start < count {
        let end = count.min(start + 16_384);
        let rows: Vec<[String; 30]> = (start..end).map(|number| person(number, generation)).collect();
        let columns = (0..COLUMNS.len())
            .map(|c| {
                let values = rows.iter().map(|row| Some(row[c].as_str()).filter(|v| !v.is_empty()));
                Arc::new(StringArray::from_iter(values)) as ArrayRef
            })
            .collect();
        out.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
        start = end;
    }
    out.close()?;
    Ok(())
}
