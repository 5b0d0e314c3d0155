//! What the two steps of adding a data source carry in the address and in the form: where the file is, how it is read,
//! and what its columns are.

use domain::attribute::{Attribute, AttributeType};
use domain::id::SourceId;
use domain::source::{DateOrder, Encoding, Format, Location, Reading, Source};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, FieldFaultKind};
use crate::services::{Answer, SourceDraft};

/// The form, as text: what was typed comes back as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceForm {
    /// The data source that is being changed; none while one is being added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// An uploaded file, by its server-made name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub upload: String,
    /// The name it had in the browser.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file_name: String,
    /// Or a path on the server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// How it is read; empty until somebody chose.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// See [`Encoding`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub encoding: String,
    /// `comma`, `semicolon`, `tab` or `pipe`; any other is the character itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub delimiter: String,
    /// `yes` or `no`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// The zone of date-times without an offset.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// See [`DateOrder`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub date_order: String,
    /// The display name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The primary key; `#` numbers the rows, and empty is one that has to be chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The columns' names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The columns' types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Filled by the button that also refreshes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub refresh: String,
}

/// The key that numbers the rows: no column has this name, because names are trimmed and this one is no name.
pub const NUMBERED: &str = "#";

/// Delimiters by the names that forms use.
pub const DELIMITERS: [(&str, char); 4] = [("comma", ','), ("semicolon", ';'), ("tab", '\t'), ("pipe", '|')];

/// The value of an enum by the name that it has in files.
fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// The name of such a value.
pub fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The primary key of a data source, as the form names it.
pub fn key_of(source: &Source) -> String {
    source.primary_key.clone().unwrap_or_else(|| NUMBERED.to_owned())
}

impl SourceForm {
    /// The form of a data source as it is.
    pub fn of(source: &Source) -> Self {
        let (upload, file_name, path) = match &source.location {
            Location::Upload { upload, file_name } => (upload.clone(), file_name.clone(), String::new()),
            Location::Path { path } => (String::new(), String::new(), path.clone()),
        };
        Self {
            source: Some(source.id),
            upload,
            file_name,
            path,
            name: source.name.clone(),
            key: key_of(source),
            columns: source.attributes.iter().map(|a| a.name.clone()).collect(),
            types: source.attributes.iter().map(|a| a.kind.as_str().to_owned()).collect(),
            ..Self::default()
        }
        .read_as(&source.reading)
    }

    /// The same form with the file that was chosen just now, where one was.
    pub fn with_file_of(self, chosen: Self) -> Self {
        if chosen.upload.is_empty() && chosen.path.is_empty() {
            return self;
        }
        Self { upload: chosen.upload, file_name: chosen.file_name, path: chosen.path, ..self }
    }

    /// The same form, read in this way.
    pub fn read_as(self, reading: &Reading) -> Self {
        let known = DELIMITERS.iter().find(|(_, c)| *c == reading.delimiter);
        let delimiter = known.map_or_else(|| reading.delimiter.to_string(), |(name, _)| (*name).to_owned());
        Self {
            format: reading.format.as_str().to_owned(),
            encoding: name_of(&reading.encoding),
            delimiter,
            header: if reading.has_header { "yes" } else { "no" }.to_owned(),
            time_zone: reading.time_zone.clone(),
            date_order: name_of(&reading.date_order),
            ..self
        }
    }

    /// Where the file is.
    pub fn location(&self) -> Answer<Location> {
        match (self.upload.as_str(), self.path.trim()) {
            ("", "") => Err(AppError::NotFound),
            ("", path) => Ok(Location::Path { path: path.to_owned() }),
            (upload, _) => Ok(Location::Upload { upload: upload.to_owned(), file_name: self.file_name.clone() }),
        }
    }

    /// How the file is read; none until somebody chose.
    pub fn reading(&self) -> Option<Reading> {
        let format = Format::parse(&self.format)?;
        let known = DELIMITERS.iter().find(|(name, _)| *name == self.delimiter).map(|(_, c)| *c);
        let delimiter = known.or_else(|| self.delimiter.parse().ok()).unwrap_or(',');
        Some(Reading {
            format,
            encoding: named::<Encoding>(&self.encoding).unwrap_or(Encoding::Utf8),
            delimiter,
            has_header: self.header != "no",
            time_zone: if self.time_zone.is_empty() { "UTC".to_owned() } else { self.time_zone.clone() },
            date_order: named::<DateOrder>(&self.date_order).unwrap_or_default(),
        })
    }

    /// The data source that the form describes.
    pub fn draft(&self) -> Answer<SourceDraft> {
        let reading = self.reading().ok_or_else(|| AppError::field("format", FieldFaultKind::Required))?;
        if self.columns.is_empty() || self.columns.len() != self.types.len() {
            return Err(AppError::field("types", FieldFaultKind::Invalid));
        }
        if self.key.is_empty() {
            return Err(AppError::field("primary_key", FieldFaultKind::Required));
        }
        let kinds = self.types.iter().map(|name| AttributeType::parse(name));
        let attributes = self.columns.iter().zip(kinds).map(|(name, kind)| {
            let kind = kind.ok_or_else(|| AppError::field("types", FieldFaultKind::Invalid))?;
            Ok(Attribute { name: name.clone(), kind })
        });
        Ok(SourceDraft {
            name: self.name.clone(),
            location: self.location()?,
            reading,
            attributes: attributes.collect::<Answer<Vec<_>>>()?,
            primary_key: (self.key != NUMBERED).then(|| self.key.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_that_the_form_does_not_offer_is_kept() {
        for delimiter in ['^', '\u{1f}', ' '] {
            let reading = Reading { delimiter, ..Reading::default() };
            let form = SourceForm::default().read_as(&reading);
            let query = serde_qs::to_string(&form).expect("a query");
            let read: SourceForm = serde_qs::from_str(&query).expect("the form");
            assert_eq!(read.reading(), Some(reading), "{query}");
        }
    }

    #[test]
    fn a_source_comes_back_from_its_form_as_it_was() {
        let source = Source {
            id: SourceId(uuid::Uuid::nil()),
            name: "Customers".to_owned(),
            location: Location::Path { path: "/srv/in".to_owned() },
            reading: Reading { delimiter: '\t', encoding: Encoding::Utf16Le, has_header: false, ..Reading::default() },
            attributes: vec![Attribute { name: "Post code".to_owned(), kind: AttributeType::Text }],
            primary_key: None,
            is_customer_table: true,
        };
        let form = SourceForm::of(&source);
        let draft = form.draft().expect("a whole form");
        assert_eq!((draft.name, draft.location), (source.name, source.location));
        assert_eq!((draft.reading, draft.attributes, draft.primary_key), (source.reading, source.attributes, None));
        let query = serde_qs::to_string(&form).expect("a query");
        assert_eq!(serde_qs::from_str::<SourceForm>(&query).expect("the form"), form);
    }
}
