//! The names of columns: how a header becomes names of attributes, and where each attribute stands in a file.
//!
//! Names are trimmed and lose control characters; an empty one becomes `column_3` by its place; one that stands twice
//! gets a number (`Name`, `Name_2`), so that no column is lost and no file refused for its header.

use std::collections::HashSet;
use std::io::Read;

use domain::source::{FileFault, Source};

use super::read::csv::CsvReader;
use crate::error::Result;

/// The names of attributes for the names in a header.
pub(crate) fn repaired(header: &[String]) -> Vec<String> {
    let clean: Vec<String> = header
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let name: String = name.chars().filter(|c| !c.is_control() && *c != '\u{feff}').collect();
            match name.trim() {
                "" => format!("column_{}", index + 1),
                name => name.to_owned(),
            }
        })
        .collect();
    let given: HashSet<&str> = clean.iter().map(String::as_str).collect();
    let mut taken: HashSet<String> = HashSet::new();
    clean
        .iter()
        .map(|name| {
            let mut unique = name.clone();
            let mut number = 2;
            // A number that makes a name which stands elsewhere in the header is passed over.
            while taken.contains(&unique) || (number > 2 && given.contains(unique.as_str())) {
                unique = format!("{name}_{number}");
                number += 1;
            }
            taken.insert(unique.clone());
            unique
        })
        .collect()
}

/// The names of the columns of a file without a header.
pub(crate) fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("column_{number}")).collect()
}

/// In which field of a CSV file each attribute stands. The reader is moved past the header, if the source has one. None
/// for a file without a row.
///
/// # Errors
/// [`FileFault::Header`] when an attribute is not in the file.
pub(crate) fn places<R: Read>(reader: &mut CsvReader<R>, source: &Source) -> Result<Option<Vec<usize>>> {
    let names = if source.reading.has_header {
        let Some(header) = reader.header()? else { return Ok(None) };
        repaired(&header)
    } else {
        let last =
            source.attributes.iter().filter_map(|attribute| attribute.name.strip_prefix("column_")?.parse().ok());
        numbered(last.max().unwrap_or(0))
    };
    reader.expect_fields(names.len());
    let places = source
        .attributes
        .iter()
        .map(|attribute| names.iter().position(|name| *name == attribute.name).ok_or(FileFault::Header));
    Ok(Some(places.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::repaired;

    #[test]
    fn no_column_is_lost_for_its_name() {
        let header = [" Full Name", "", "Name", "Name", "Name_2", "Name", "\u{feff}Id\u{1f}", "  "].map(str::to_owned);
        let expected = ["Full Name", "column_2", "Name", "Name_3", "Name_2", "Name_4", "Id", "column_8"];
        assert_eq!(repaired(&header), expected);
    }
}
