//! Reads a TOML document value by value and remembers where each one stands, so that all faults of a file are told
//! at once, each with its line. It knows TOML, and nothing of what the file is about.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something wrong with the file, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// A value and the line on which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The line, from 1.
    pub line: usize,
    /// The value.
    pub value: T,
}

/// Gathers the faults of one file.
#[derive(Debug)]
pub struct Faults {
    line_starts: Vec<usize>,
    found: RefCell<Vec<Fault>>,
}

impl Faults {
    /// For this text.
    pub fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { line_starts: starts, found: RefCell::default() }
    }

    /// Adds one.
    pub fn add(&self, line: usize, message: impl Into<String>) {
        self.found.borrow_mut().push(Fault { line, message: message.into() });
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// All of them, by line.
    pub fn into_sorted(self) -> Vec<Fault> {
        let mut found = self.found.into_inner();
        found.sort();
        found.dedup();
        found
    }

    /// The line of a byte of the text.
    pub fn line_of(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte).max(1)
    }
}

/// One table of the document. Every key that is asked for is known; [`Table::complain_about_unknown`] complains about the others.
#[derive(Debug)]
pub struct Table<'d> {
    faults: &'d Faults,
    /// How the table is called in messages, for example `[[segment]]`.
    title: String,
    line: usize,
    content: &'d DeTable<'d>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'d> Table<'d> {
    /// The whole document.
    pub fn root(faults: &'d Faults, content: &'d DeTable<'d>) -> Self {
        Self::new(faults, "the file".to_owned(), 1, content)
    }

    fn new(faults: &'d Faults, title: String, line: usize, content: &'d DeTable<'d>) -> Self {
        Self { faults, title, line, content, asked: RefCell::default() }
    }

    /// The line on which it begins.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The line on which the value of a key begins, if the key is there.
    pub fn line_of(&self, key: &'static str) -> Option<usize> {
        Some(self.faults.line_of(self.find(key)?.span().start))
    }

    /// How it is called in messages.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Does it have this key? Asking makes the key known.
    pub fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Is there a text under this key?
    pub fn is_text(&self, key: &'static str) -> bool {
        self.find(key).is_some_and(|value| value.get_ref().is_str())
    }

    /// Is there a list under this key?
    pub fn is_list(&self, key: &'static str) -> bool {
        self.find(key).is_some_and(|value| value.get_ref().is_array())
    }

    /// A text, if the key is there.
    pub fn text(&self, key: &'static str) -> Option<At<String>> {
        let value = self.find(key)?;
        let line = self.faults.line_of(value.span().start);
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(line, key, "a text in quotes", value.get_ref());
            return None;
        };
        Some(At { line, value: text.to_owned() })
    }

    /// A text that must be there and not be empty.
    pub fn required_text(&self, key: &'static str) -> Option<At<String>> {
        if !self.has(key) {
            self.faults.add(self.line, format!("{} needs `{key}`", self.title));
            return None;
        }
        let found = self.text(key)?;
        if found.value.trim().is_empty() {
            self.faults.add(found.line, format!("`{key}` must not be empty"));
            return None;
        }
        Some(found)
    }

    /// True or false, if the key is there.
    pub fn boolean(&self, key: &'static str) -> Option<At<bool>> {
        let value = self.find(key)?;
        let line = self.faults.line_of(value.span().start);
        match value.get_ref().as_bool() {
            Some(value) => Some(At { line, value }),
            None => {
                self.wrong_type(line, key, "true or false", value.get_ref());
                None
            }
        }
    }

    /// A whole number from 0 on, if the key is there.
    pub fn whole(&self, key: &'static str) -> Option<At<u32>> {
        let value = self.find(key)?;
        let line = self.faults.line_of(value.span().start);
        let number = value.get_ref().as_integer().filter(|number| number.radix() == 10);
        let Some(value) = number.and_then(|number| number.as_str().parse().ok()) else {
            self.faults.add(line, format!("`{key}` must be a whole number from 0 on"));
            return None;
        };
        Some(At { line, value })
    }

    /// A list of values as text: texts as they are, numbers, days and times as they are written.
    pub fn values(&self, key: &'static str) -> Vec<At<String>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let line = self.faults.line_of(value.span().start);
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(line, key, "a list", value.get_ref());
            return Vec::new();
        };
        let as_text = |item: &Spanned<DeValue<'_>>| {
            let line = self.faults.line_of(item.span().start);
            match plain_text(item.get_ref()) {
                Some(value) => Some(At { line, value }),
                None => {
                    self.wrong_type(line, key, "a list of plain values", item.get_ref());
                    None
                }
            }
        };
        list.iter().filter_map(as_text).collect()
    }

    /// One plain value as text, if the key is there.
    pub fn plain(&self, key: &'static str) -> Option<At<String>> {
        let value = self.find(key)?;
        let line = self.faults.line_of(value.span().start);
        let Some(value) = plain_text(value.get_ref()) else {
            self.wrong_type(line, key, "a plain value", value.get_ref());
            return None;
        };
        Some(At { line, value })
    }

    /// A table inside this one, if the key is there.
    pub fn table(&self, key: &'static str) -> Option<Table<'d>> {
        let value = self.find(key)?;
        let line = self.faults.line_of(value.span().start);
        match value.get_ref() {
            DeValue::Table(content) => Some(Self::new(self.faults, format!("`{key}`"), line, content)),
            other => {
                self.wrong_type(line, key, "a table", other);
                None
            }
        }
    }

    /// A list of tables; empty where the key is missing.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'d>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            let line = self.faults.line_of(value.span().start);
            self.wrong_type(line, key, "a list of tables", value.get_ref());
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in list.iter() {
            let line = self.faults.line_of(item.span().start);
            match item.get_ref() {
                DeValue::Table(content) => {
                    found.push(Self::new(self.faults, format!("`{key}`"), line, content));
                }
                other => self.wrong_type(line, key, "a list of tables", other),
            }
        }
        found
    }

    /// All pairs of a table whose keys are names of the reader's own choice, in the order of the file.
    pub fn pairs(&self) -> Vec<(At<String>, At<String>)> {
        let mut found: Vec<(usize, At<String>, At<String>)> = Vec::new();
        for (key, value) in self.content.iter() {
            let line = self.faults.line_of(key.span().start);
            let Some(text) = value.get_ref().as_str() else {
                self.wrong_type(line, key.get_ref(), "a text in quotes", value.get_ref());
                continue;
            };
            let name = At { line, value: key.get_ref().to_string() };
            found.push((key.span().start, name, At { line, value: text.to_owned() }));
        }
        found.sort_by_key(|(start, ..)| *start);
        found.into_iter().map(|(_, key, value)| (key, value)).collect()
    }

    /// Complains about every key that nobody asked for.
    pub fn complain_about_unknown(&self) {
        let asked = self.asked.borrow();
        for key in self.content.keys().filter(|key| !asked.contains(key.get_ref().as_ref())) {
            let known = asked.iter().copied().collect::<Vec<_>>().join(", ");
            let line = self.faults.line_of(key.span().start);
            self.faults.add(line, format!("unknown key `{}` in {}; known are: {known}", key.get_ref(), self.title));
        }
    }

    fn find(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().insert(key);
        self.content.get(key)
    }

    fn wrong_type(&self, line: usize, key: &str, wanted: &str, found: &DeValue<'_>) {
        self.faults.add(line, format!("`{key}` must be {wanted}, not a value of type {}", found.type_str()));
    }
}

fn plain_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Integer(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
