//! Calendar days out of text.

use jiff::civil::Date;

/// The day that a text names; none where it names none, or where day and month could be swapped.
///
/// Read are ISO 8601 (`1984-03-07`, `19840307`, also with a time behind it, whose day is kept as it stands), year first
/// with slashes or points (`1984/3/7`), and day first with points, slashes or dashes (`7.3.1984`). Points are day first
/// in all six languages' countries; with slashes and dashes the two readings of `07/03/1984` both occur in real files,
/// so such a text counts only when one number is above 12 or both are equal. Two-digit years are not guessed.
pub(crate) fn read(text: &str) -> Option<Date> {
    let text = text.trim();
    let day_part = text.split_once(['T', 't', ' ']).map_or(text, |(day, _)| day);
    if day_part.len() == 8 && day_part.bytes().all(|b| b.is_ascii_digit()) {
        return date(&day_part[..4], &day_part[4..6], &day_part[6..]);
    }
    let separator = ['-', '/', '.'].into_iter().find(|c| day_part.contains(*c))?;
    let parts: Vec<&str> = day_part.split(separator).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    if first.len() == 4 {
        return date(first, second, third);
    }
    if third.len() != 4 {
        return None;
    }
    let day_first = date(third, second, first);
    if separator == '.' {
        return day_first;
    }
    match (day_first, date(third, first, second)) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let number = |text: &str, most: usize| -> Option<i16> {
        let digits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    let (month, day) = (number(month, 2)?, number(day, 2)?);
    let year = number(year, 4)?;
    if year == 0 {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn days_are_read_as_the_six_languages_write_them() {
        for (text, day) in [
            ("1984-03-07", "1984-03-07"),
            (" 1984-3-7 ", "1984-03-07"),
            ("19840307", "1984-03-07"),
            ("1984-03-07T23:30:00-05:00", "1984-03-07"),
            ("1984-03-07 00:00:00", "1984-03-07"),
            ("1984/03/07", "1984-03-07"),
            ("1984.03.07", "1984-03-07"),
            ("7.3.1984", "1984-03-07"),
            ("07.03.1984", "1984-03-07"),
            ("31/12/1984", "1984-12-31"),
            ("12/31/1984", "1984-12-31"),
            ("31-12-1984", "1984-12-31"),
            ("05/05/1984", "1984-05-05"),
            ("29.02.2000", "2000-02-29"),
        ] {
            assert_eq!(read(text).map(|d| d.to_string()).as_deref(), Some(day), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_or_could_be_two_is_left_out() {
        for text in [
            "",
            "7 March 1984",
            "07/03/1984",
            "07-03-1984",
            "7.3.84",
            "1984-13-01",
            "30.02.1984",
            "0000-01-01",
            "1984-03",
            "29/02/2001",
            "1984-03-07-01",
            "19841345",
            "7..1984",
            "２０００-01-01",
            "-1984-03-07",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
