//! Guessing the delimiter of a CSV file, and whether its first line is a header.

use domain::source::{DateOrder, Encoding};
use jiff::tz::TimeZone;

use crate::error::Result;
use crate::profiles::moment;
use crate::profiles::read::csv::CsvReader;

/// The delimiters that are tried, the likeliest first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Rows that are tried with each.
const TRIED: usize = 200;

/// The delimiter with which the most rows, and the first, have the same number of fields, more than one; of equals, the
/// one that makes the most fields.
pub(super) fn delimiter(text: &str) -> Result<char> {
    let mut best = (DELIMITERS[0], 0.0, 1);
    for delimiter in DELIMITERS {
        let rows = CsvReader::new(text.as_bytes(), Encoding::Utf8, delimiter).sample(TRIED)?;
        let Some(count) = usual_count(&rows).filter(|count| *count > 1) else { continue };
        let usual = rows.iter().filter(|row| row.len() == count).count();
        #[expect(clippy::cast_precision_loss, reason = "at most 200")]
        let mut share = usual as f64 / rows.len() as f64;
        // A delimiter that stands in a text of every row is not in the header.
        if rows.first().is_some_and(|first| first.len() != count) {
            share /= 2.0;
        }
        let is_better = share > best.1 + 0.1 || (share > best.1 - 0.1 && count > best.2);
        if is_better {
            best = (delimiter, share, count);
        }
    }
    Ok(best.0)
}

/// The number of fields that most rows have; of equals, the greatest.
pub(super) fn usual_count(rows: &[Vec<String>]) -> Option<usize> {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for row in rows {
        *counts.entry(row.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(count, rows)| (*rows, *count)).map(|(count, _)| count)
}

/// Is the first row a header? Not when something in it can only be a value, or stands below it in its column too.
pub(super) fn has_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return true };
    let mut filled = 0;
    for (column, name) in first.iter().enumerate() {
        let name = name.trim();
        if name.is_empty() {
            continue;
        }
        filled += 1;
        if is_value(name) {
            return false;
        }
        let below = rest.iter().filter_map(|row| row.get(column));
        if below.clone().any(|text| text.trim().eq_ignore_ascii_case(name)) {
            return false;
        }
    }
    filled > 0
}

/// Would nobody call a column so? Numbers, days, instants, addresses.
fn is_value(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_number = digits > 0 && text.chars().all(|c| c.is_ascii_digit() || " +-.,/()".contains(c));
    let is_address = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    is_number
        || is_address
        || matches!(text.to_ascii_lowercase().as_str(), "true" | "false")
        || uuid::Uuid::try_parse(text).is_ok()
        || [DateOrder::DayFirst, DateOrder::MonthFirst]
            .into_iter()
            .any(|order| moment::instant(text, order, &TimeZone::UTC).is_some())
}

#[cfg(test)]
mod tests {
    use super::{delimiter, has_header};

    #[test]
    fn the_delimiter_is_the_one_that_makes_rows_alike() {
        for (text, expected) in [
            ("a,b\n1,2\n", ','),
            ("name;amount\nAnna;1,5\nBob;2,5\n", ';'),
            ("name\tnote\nAnna\ta, b, c\nBob\td\n", '\t'),
            ("a|b|c\n1|2|3\n", '|'),
            ("name\nAnna\nBob\n", ','),
            ("name,note\nAnna,x; y; z\nBob,u; v; w\n", ','),
            ("a,b;c\n\"x;y\",2\n\"z;;\",3\n", ','),
        ] {
            assert_eq!(delimiter(text).expect("a guess"), expected, "{text}");
        }
    }

    #[test]
    fn a_header_names_and_does_not_value() {
        let rows = |text: &[&[&str]]| -> Vec<Vec<String>> {
            text.iter().map(|row| row.iter().map(|field| (*field).to_owned()).collect()).collect()
        };
        assert!(has_header(&rows(&[&["id", "name"], &["1", "Anna"]])));
        assert!(has_header(&rows(&[&["name", ""], &["Anna", "x"]])));
        assert!(!has_header(&rows(&[&["1", "Anna"], &["2", "Bob"]])));
        assert!(!has_header(&rows(&[&["Anna", "anna@example.com"], &["Bob", ""]])));
        assert!(!has_header(&rows(&[&["Anna", "Roma"], &["Bob", "Roma"]])));
        assert!(!has_header(&rows(&[&["Anna", "2026-11-22"]])));
        assert!(!has_header(&rows(&[&["", ""], &["a", "b"]])));
    }
}
