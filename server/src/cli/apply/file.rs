//! What a configuration file says, read from TOML with the line of every statement. It knows the form of the file and
//! the words of the domain; whether the things it names exist is checked in `plan`.

use std::collections::HashMap;

use domain::access::Audience;
use domain::attribute::AttributeType;
use domain::connection::MOST_RESERVED;
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::schedule::Schedule;
use domain::source::{DateOrder, Encoding, Format};
use toml::de::DeTable;

use super::fields::{name, one_of_two, time_zone, word};
use super::reader::{At, Fault, Faults, Table};
use super::safety::SafetyEntry;
use super::system::SystemEntry;

/// A whole file.
#[derive(Debug, Default)]
pub struct ConfigurationFile {
    /// `[data_source]`
    pub source: Option<At<SourceEntry>>,
    /// `[[segment]]`
    pub segments: Vec<At<SegmentEntry>>,
    /// `[[connection]]`
    pub connections: Vec<At<ConnectionEntry>>,
    /// `[[export]]`
    pub exports: Vec<At<ExportEntry>>,
    /// `[system]`
    pub system: Option<At<SystemEntry>>,
}

/// Where a data source's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// A file beside the configuration file, copied into Ferry's data directory.
    File(String),
    /// A file or folder that Ferry reads where it is.
    Path(String),
}

/// A data source. What is not said is guessed from the file.
#[derive(Debug)]
pub struct SourceEntry {
    pub name: At<String>,
    pub bytes: At<Bytes>,
    pub format: Option<Format>,
    pub encoding: Option<Encoding>,
    pub delimiter: Option<char>,
    pub has_header: Option<bool>,
    pub time_zone: Option<At<String>>,
    pub date_order: Option<DateOrder>,
    pub primary_key: Option<At<String>>,
    /// Types that differ from the guess, by attribute.
    pub types: Vec<(At<String>, AttributeType)>,
}

/// A segment.
#[derive(Debug)]
pub struct SegmentEntry {
    pub name: At<String>,
    pub is_active: bool,
    pub is_static: bool,
    pub rule: Rule,
    /// The line of each item of the rule, by its path as [`domain::rule::RuleFault`] names it.
    pub lines: HashMap<String, usize>,
}

/// Where a key is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// An environment variable.
    Variable(String),
    /// A file that holds nothing else.
    File(String),
}

/// A connection.
#[derive(Debug)]
pub struct ConnectionEntry {
    pub name: At<String>,
    pub kind: At<String>,
    pub audience: Audience,
    pub key: At<KeyPlace>,
    /// Who agrees to the data leaving.
    pub agreed_by: At<String>,
    pub language: String,
    pub wording: String,
    /// Whose rights the exports run with.
    pub export_user: At<String>,
    /// Per cent of the account's limit that are left to other programs.
    pub reserve_percent: Option<u8>,
}

/// An export.
#[derive(Debug)]
pub struct ExportEntry {
    pub name: At<String>,
    pub connection: Option<At<String>>,
    pub segments: Vec<At<String>>,
    pub mapping: Mapping,
    /// The line of each match, in the order of the mapping.
    pub mapping_lines: Vec<usize>,
    pub schedule: Schedule,
    pub safety: SafetyEntry,
    /// How members are marked; none where the file does not speak of it.
    pub marking: Option<At<Marking>>,
}

/// Reads the text of a file. All faults at once, by line.
pub fn read(text: &str) -> Result<ConfigurationFile, Vec<Fault>> {
    let faults = Faults::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(1, |span| faults.line_of(span.start));
        faults.add(line, error.message().to_owned());
    }
    // What follows a fault of the notation is not what was meant: complaints about it would only confuse.
    if !errors.is_empty() {
        return Err(faults.into_sorted());
    }
    let file = read_root(&Table::root(&faults, document.get_ref()), &faults);
    let found = faults.into_sorted();
    if found.is_empty() { Ok(file) } else { Err(found) }
}

fn read_root(root: &Table<'_>, faults: &Faults) -> ConfigurationFile {
    let file = ConfigurationFile {
        source: root.table("data_source").and_then(|table| source(table, faults)),
        segments: root.tables("segment").into_iter().filter_map(|table| segment(table, faults)).collect(),
        connections: root.tables("connection").into_iter().filter_map(|table| connection(table, faults)).collect(),
        exports: root.tables("export").into_iter().filter_map(|table| export(table, faults)).collect(),
        system: root.table("system").map(|table| super::system::read(table, faults)),
    };
    root.complain_about_unknown();
    unique("segment", file.segments.iter().map(|one| &one.value.name), faults);
    unique("connection", file.connections.iter().map(|one| &one.value.name), faults);
    unique("export", file.exports.iter().map(|one| &one.value.name), faults);
    file
}

fn unique<'n>(what: &str, names: impl Iterator<Item = &'n At<String>>, faults: &Faults) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for name in names {
        if let Some(first) = seen.insert(name.value.trim().to_lowercase(), name.line) {
            faults.add(name.line, format!("the {what} `{}` stands in line {first} already", name.value));
        }
    }
}

fn source(table: Table<'_>, faults: &Faults) -> Option<At<SourceEntry>> {
    let name = name(&table, faults);
    let bytes = one_of_two(&table, faults, ("file", Bytes::File), ("path", Bytes::Path));
    let format = word(&table, faults, "format", &["csv", "parquet", "ndjson"], Format::parse);
    let encodings = ["utf8", "utf16_le", "utf16_be", "windows1252"];
    let encoding = word(&table, faults, "encoding", &encodings, |name| match name {
        "utf8" => Some(Encoding::Utf8),
        "utf16_le" => Some(Encoding::Utf16Le),
        "utf16_be" => Some(Encoding::Utf16Be),
        "windows1252" => Some(Encoding::Windows1252),
        _ => None,
    });
    let delimiter = table.text("delimiter").and_then(|text| {
        let mut characters = text.value.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) if one.is_ascii() && !matches!(one, '"' | '\r' | '\n' | '\0') => Some(one),
            _ => {
                faults.add(text.line, "`delimiter` must be one ASCII character, for example \";\"");
                None
            }
        }
    });
    let has_header = table.boolean("header").map(|at| at.value);
    let time_zone = time_zone(&table, faults);
    let date_order = word(&table, faults, "date_order", &["day_first", "month_first"], |name| match name {
        "day_first" => Some(DateOrder::DayFirst),
        "month_first" => Some(DateOrder::MonthFirst),
        _ => None,
    });
    let primary_key = table.text("primary_key");
    let types = table.table("types").map(|types| read_types(&types, faults)).unwrap_or_default();
    let line = table.line();
    table.complain_about_unknown();
    let entry = SourceEntry {
        name: name?,
        bytes: bytes?,
        format,
        encoding,
        delimiter,
        has_header,
        time_zone,
        date_order,
        primary_key,
        types,
    };
    Some(At { line, value: entry })
}

fn read_types(table: &Table<'_>, faults: &Faults) -> Vec<(At<String>, AttributeType)> {
    let mut found = Vec::new();
    for (name, kind) in table.pairs() {
        match AttributeType::parse(&kind.value) {
            Some(kind) => found.push((name, kind)),
            None => {
                let known = AttributeType::ALL.map(AttributeType::as_str);
                faults.add(kind.line, format!("`{}` is no type; known are: {}", kind.value, known.join(", ")));
            }
        }
    }
    found
}

fn segment(table: Table<'_>, faults: &Faults) -> Option<At<SegmentEntry>> {
    let name = name(&table, faults);
    let is_active = table.boolean("active").is_none_or(|at| at.value);
    let is_static =
        word(&table, faults, "type", &["dynamic", "static"], |name| Some(name == "static")).unwrap_or(false);
    let time_zone = time_zone(&table, faults).map_or_else(|| "UTC".to_owned(), |at| at.value);
    let mut lines = HashMap::from([(String::new(), table.line())]);
    let root = group(&table, faults, "", &mut lines);
    let line = table.line();
    table.complain_about_unknown();
    let rule = Rule { time_zone, root };
    Some(At { line, value: SegmentEntry { name: name?, is_active, is_static, rule, lines } })
}

/// Reads `join` and `items` of a group; `path` names it as [`domain::rule::RuleFault`] does.
fn group(table: &Table<'_>, faults: &Faults, path: &str, lines: &mut HashMap<String, usize>) -> Group {
    let join = word(table, faults, "join", &["all", "any"], |name| match name {
        "all" => Some(Join::All),
        "any" => Some(Join::Any),
        _ => None,
    });
    if !table.has("items") {
        faults.add(table.line(), format!("{} needs `items`, the list of conditions", table.title()));
    }
    let mut items = Vec::new();
    for (index, item) in table.tables("items").into_iter().enumerate() {
        let path = if path.is_empty() { index.to_string() } else { format!("{path}.{index}") };
        lines.insert(path.clone(), item.line());
        if item.has("items") || item.has("join") {
            items.push(Item::Group(group(&item, faults, &path, lines)));
        } else {
            // A condition that cannot be read still takes its place, so that the paths of the others stay right.
            items.push(Item::Condition(condition(&item, faults)));
        }
        item.complain_about_unknown();
    }
    Group { join: join.unwrap_or(Join::All), items }
}

fn condition(table: &Table<'_>, faults: &Faults) -> Condition {
    let attribute = table.required_text("attribute").map(|at| at.value).unwrap_or_default();
    let operator = table.required_text("operator").and_then(|text| {
        let found = operator_of(&text.value);
        if found.is_none() {
            let known: Vec<_> = Operator::ALL.iter().filter_map(|operator| name_of(*operator)).collect();
            faults.add(text.line, format!("`{}` is no operator; known are: {}", text.value, known.join(", ")));
        }
        found
    });
    let values = table.values("values").into_iter().map(|at| at.value).collect();
    let ignore_case = table.boolean("ignore_case").is_some_and(|at| at.value);
    Condition { attribute, operator: operator.unwrap_or(Operator::IsNotEmpty), values, ignore_case }
}

fn operator_of(name: &str) -> Option<Operator> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn name_of(operator: Operator) -> Option<String> {
    serde_json::to_value(operator).ok()?.as_str().map(str::to_owned)
}

fn connection(table: Table<'_>, faults: &Faults) -> Option<At<ConnectionEntry>> {
    let name = name(&table, faults);
    let kind = table.required_text("kind");
    let audiences = ["administrators", "administrators_and_contributors"];
    let audience = word(&table, faults, "audience", &audiences, Audience::parse).unwrap_or(Audience::Administrators);
    let key = one_of_two(&table, faults, ("key_env", KeyPlace::Variable), ("key_file", KeyPlace::File));
    let export_user = table.required_text("export_user");
    let consent = table.table("consent").and_then(|consent| {
        let by = consent.required_text("agreed_by");
        let language = consent.required_text("language");
        let wording = consent.required_text("wording");
        consent.complain_about_unknown();
        Some((by?, language?.value, wording?.value))
    });
    if !table.has("consent") {
        let what = "a connection needs `consent`: who agrees that the data leaves (agreed_by), and to which words \
                    (language, wording)";
        faults.add(table.line(), what);
    }
    let reserve_percent = table.whole("reserve_percent").and_then(|percent| {
        let found = u8::try_from(percent.value).ok().filter(|percent| *percent <= MOST_RESERVED);
        if found.is_none() {
            faults.add(percent.line, format!("`reserve_percent` must be from 0 to {MOST_RESERVED}"));
        }
        found
    });
    let line = table.line();
    table.complain_about_unknown();
    let (agreed_by, language, wording) = consent?;
    let entry = ConnectionEntry {
        name: name?,
        kind: kind?,
        audience,
        key: key?,
        agreed_by,
        language,
        wording,
        export_user: export_user?,
        reserve_percent,
    };
    Some(At { line, value: entry })
}

fn export(table: Table<'_>, faults: &Faults) -> Option<At<ExportEntry>> {
    let name = name(&table, faults);
    let connection = table.text("connection");
    let segments = table.values("segments");
    let mut matches = Vec::new();
    let mut mapping_lines = Vec::new();
    let pairs = |key| table.table(key).map(|inner| inner.pairs()).unwrap_or_default();
    let targets = pairs("matching").into_iter().map(|(name, from)| (name.line, Field::Target(name.value), from));
    let properties = pairs("properties").into_iter().map(|(name, from)| (name.line, Field::Property(name.value), from));
    for (line, field, attribute) in targets.chain(properties) {
        matches.push(Match { field, attribute: attribute.value });
        mapping_lines.push(line);
    }
    if !table.has("matching") {
        faults.add(table.line(), "an export needs `matching`: which attribute feeds which field, at least the e-mail");
    }
    let schedule = super::schedule::read(&table, faults).unwrap_or_default();
    let safety = super::safety::read(&table, faults);
    let marking = word(&table, faults, "marking", &["tags", "properties"], Marking::parse);
    let line = table.line();
    let marking = marking.map(|value| At { line: table.line_of("marking").unwrap_or(line), value });
    table.complain_about_unknown();
    let mapping = Mapping { matches };
    let name = name?;
    let value = ExportEntry { name, connection, segments, mapping, mapping_lines, schedule, safety, marking };
    Some(At { line, value })
}
