//! The house rules that a compiler cannot know, checked over every file that git tracks.
//!
//! A rule that fails names each place. The rules are about walls (who may use what), sizes and words;
//! they are not about formatting or lints, which rustfmt and clippy check.

#![expect(clippy::expect_used, reason = "a check that cannot read the sources has to stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tracked text file: its path from the root of the project, and what is in it.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = Path::new(&self.path).extension();
        extension.is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    }

    fn is_under(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    /// Test code: a folder `tests`, a file `tests.rs` or `…_tests.rs`, or made for tests.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.contains("/tests/") || name.ends_with("tests.rs") || name == "testing.rs"
    }

    /// The lines with their numbers, comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| {
            let start = line.trim_start();
            !(start.starts_with("//") || start.starts_with('#') && self.has_extension(&["toml", "sh"]))
        })
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

fn root() -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server.parent().expect("server/ lies in the project's folder").to_owned()
}

/// All tracked files with one of these extensions, and new ones that git would not ignore.
fn sources(extensions: &[&str]) -> Vec<Source> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the project's files");
    let names = String::from_utf8(listing.stdout).expect("file names are UTF-8");
    let found: BTreeSet<&str> = names.lines().collect();
    let sources: Vec<Source> = found
        .into_iter()
        .filter_map(|path| {
            let source = Source { path: path.to_owned(), text: String::new() };
            if !source.has_extension(extensions) {
                return None;
            }
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(Source { text, ..source })
        })
        .collect();
    assert!(!sources.is_empty(), "no file with {extensions:?} found: is this a git checkout?");
    sources
}

#[track_caller]
fn none(rule: &str, places: Vec<String>) {
    assert!(places.is_empty(), "{rule}:\n  {}", places.join("\n  "));
}

/// Does the line use this name as a whole word?
fn mentions(line: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Every place in code where one of the names is used outside of the folders that may.
fn uses_outside(files: &[Source], names: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for file in files.iter().filter(|file| !file.is_under(allowed)) {
        for (number, line) in file.code() {
            if let Some(name) = names.iter().find(|name| mentions(line, name)) {
                places.push(format!("{}:{number}: {name}", file.path));
            }
        }
    }
    places
}

fn uses_inside(files: Vec<Source>, names: &[&str], folders: &[&str]) -> Vec<String> {
    let inside: Vec<Source> = files.into_iter().filter(|file| file.is_under(folders)).collect();
    uses_outside(&inside, names, &[])
}

const THIS_FILE: &str = "server/tests/tidy.rs";

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let files = sources(&["rs", "ts", "js", "mjs", "css", "scss", "sh", "py"]);

    let long = files
        .iter()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .map(|(file, lines)| format!("{}: {lines} lines", file.path))
        .collect();

    none("split these files by meaning", long);
}

#[test]
fn every_rust_file_opens_by_saying_what_it_is() {
    let silent =
        sources(&["rs"]).iter().filter(|file| !file.text.starts_with("//!")).map(|file| file.path.clone()).collect();

    none("the first line is a `//!` sentence", silent);
}

#[test]
fn sql_stays_in_the_database_folder() {
    // The log's filter names the library's events; the tests of the whole and the oracle look into the database from
    // outside.
    let allowed =
        ["server/src/db/", "server/src/config/log.rs", "server/tests/it/", "end2end/faults/src/oracle/", THIS_FILE];
    let places = uses_outside(&sources(&["rs"]), &["sqlx"], &allowed);

    none("sqlx belongs under server/src/db", places);

    let manifests = sources(&["toml"]);
    let allowed = ["Cargo.toml", "clippy.toml", "deny.toml", "server/Cargo.toml", "end2end/faults/"];
    let places = uses_outside(&manifests, &["sqlx"], &allowed);
    none("only the server and the oracle depend on sqlx", places);
}

#[test]
fn the_data_engine_stays_in_its_crate() {
    let places = uses_outside(&sources(&["rs"]), &["datafusion"], &["server/data/", "end2end/bench/", THIS_FILE]);
    none("DataFusion belongs under server/data", places);

    let allowed = ["Cargo.toml", "server/data/", "end2end/bench/"];
    let places = uses_outside(&sources(&["toml"]), &["datafusion"], &allowed);
    none("only server/data depends on DataFusion", places);
}

#[test]
fn http_stays_in_the_web_folder() {
    let files = sources(&["rs"]).into_iter().filter(|file| !file.is_test()).collect();
    let places = uses_inside(files, &["axum", "leptos_axum"], &["server/src/", "server/data/", "app/src/domain/"]);
    let places: Vec<String> = places.into_iter().filter(|place| !place.starts_with("server/src/web/")).collect();

    none("axum belongs under server/src/web", places);
}

/// The tests of access rights go through the table there.
#[test]
fn an_address_beside_the_pages_is_added_in_the_table() {
    let ways = [".route(", ".route_service(", ".nest(", ".nest_service("];
    let mut places = Vec::new();
    for file in sources(&["rs"]).iter().filter(|file| file.is_under(&["server/src/"]) && !file.is_test()) {
        let lines = file.code().filter(|(_, line)| ways.iter().any(|way| line.contains(way)));
        places.extend(lines.map(|(number, _)| format!("{}:{number}", file.path)));
    }
    places.retain(|place| !place.starts_with("server/src/web/plain.rs:"));

    none("an address belongs in the table of server/src/web/plain.rs", places);
}

#[test]
fn the_engine_and_the_services_know_no_web_framework() {
    let folders = ["server/src/engine/", "server/src/services/", "server/src/destinations/", "server/data/"];
    let names = ["axum", "leptos", "leptos_axum", "leptos_router", "tower_sessions"];

    none("engine and services work without a web server", uses_inside(sources(&["rs"]), &names, &folders));
}

#[test]
fn the_domain_is_plain_values() {
    let names = [
        "leptos",
        "axum",
        "tokio",
        "sqlx",
        "reqwest",
        "async",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "Zoned::now",
        "cfg(feature",
    ];
    let places = uses_inside(sources(&["rs"]), &names, &["app/src/domain/"]);

    none("the domain has no framework, no IO and no clock", places);
}

#[test]
fn the_server_feature_is_asked_for_in_one_file() {
    let mut places = Vec::new();
    for file in sources(&["rs"]) {
        if ["app/src/lib.rs", "app/src/services.rs", THIS_FILE].contains(&file.path.as_str()) {
            continue;
        }
        for (number, line) in file.code() {
            if line.contains("feature = \"ssr\"") || line.contains("feature = \"hydrate\"") {
                places.push(format!("{}:{number}", file.path));
            }
        }
    }

    none("`cfg(feature = \"ssr\")` belongs in app/src/lib.rs and at the traits of app/src/services.rs", places);
}

/// A destination is one folder and one line: another vendor must not need a change elsewhere.
#[test]
fn a_vendors_name_stays_with_its_destination() {
    const VENDOR: &str = "omnisend";
    // `config` has the operators' setting for the address.
    let allowed =
        ["server/src/destinations/omnisend/", "server/src/config/", "end2end/", "app/locales/", "public/", "docs/"];
    // The registry's line, the use of the setting, and the simulator as a dependency of tests.
    let allowed_words = ["mod omnisend", "omnisend::", "FERRY_OMNISEND_URL", "omnisend_url", "omnisend-simulator"];
    let mut places = Vec::new();
    for file in sources(&["rs", "toml", "scss", "sql"]) {
        if file.is_under(&allowed) || file.is_test() {
            continue;
        }
        for (number, line) in file.lines() {
            if allowed_words.iter().any(|word| line.contains(word)) {
                continue;
            }
            if line.to_lowercase().contains(VENDOR) {
                places.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }

    none("a vendor's name belongs in its destination's folder", places);
}

#[test]
fn exceptions_to_lints_say_why() {
    let mut places = Vec::new();
    for file in sources(&["rs"]) {
        for (number, line) in file.code() {
            let start = line.trim_start();
            if start.starts_with("#[allow(") || start.starts_with("#![allow(") {
                places.push(format!("{}:{number}", file.path));
            }
        }
    }

    none("use #[expect(…, reason = …)]", places);
}

#[test]
fn both_databases_have_the_same_migrations() {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources(&["rs", "sql"]) {
        let Some(rest) = file.path.strip_prefix("migrations/") else { continue };
        let (kind, name) = rest.split_once('/').expect("a migration lies in its database's folder");
        names.entry(kind.to_owned()).or_default().insert(name.to_owned());
    }

    let sqlite = names.get("sqlite").cloned().unwrap_or_default();
    let postgres = names.get("postgres").cloned().unwrap_or_default();
    assert!(!sqlite.is_empty(), "migrations/sqlite is empty");
    assert_eq!(sqlite, postgres, "the same numbers and names in both folders");
}

/// The texts of one language and file, flattened to dotted keys. Plural forms differ between
/// languages, so they count as one key.
fn text_keys(value: &serde_json::Value, prefix: &str, keys: &mut BTreeSet<String>) {
    let Some(object) = value.as_object() else {
        keys.insert(prefix.to_owned());
        return;
    };
    for (name, value) in object {
        let mut stem = name.as_str();
        for form in ["_zero", "_one", "_two", "_few", "_many", "_other"] {
            stem = stem.strip_suffix(form).unwrap_or(stem);
        }
        text_keys(value, &format!("{prefix}.{stem}"), keys);
    }
}

#[test]
fn every_language_has_every_text() {
    let mut languages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources(&["json"]) {
        let Some(rest) = file.path.strip_prefix("app/locales/") else { continue };
        let (language, name) = rest.split_once(['/', '.']).expect("a file or folder per language");
        let value = serde_json::from_str(&file.text).expect("texts are JSON");
        text_keys(&value, name, languages.entry(language.to_owned()).or_default());
    }

    let names: Vec<&str> = languages.keys().map(String::as_str).collect();
    assert_eq!(names, ["ca", "en", "es", "pt", "ro", "sv"]);
    let mut missing = Vec::new();
    for (language, keys) in &languages {
        missing.extend(languages["en"].difference(keys).map(|key| format!("{language} lacks {key}")));
        missing.extend(keys.difference(&languages["en"]).map(|key| format!("en lacks {key} of {language}")));
    }
    none("a text in all six languages", missing);
}
