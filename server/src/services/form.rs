//! Rules for single fields of forms that several services share.

use app::error::{AppError, FieldFaultKind};

/// The longest display name, in characters.
pub const MAX_NAME: usize = 100;

/// A display name as it is kept: without blanks around it.
///
/// # Errors
/// It is empty, longer than [`MAX_NAME`], or has characters that cannot be seen.
pub fn name(field: &str, text: &str) -> Result<String, AppError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(AppError::field(field, FieldFaultKind::Required));
    }
    if name.chars().count() > MAX_NAME {
        return Err(AppError::field(field, FieldFaultKind::TooLong));
    }
    if name.chars().any(char::is_control) {
        return Err(AppError::field(field, FieldFaultKind::Invalid));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, FieldFaultKind>) {
        let expected = expected.map(str::to_owned).map_err(|fault| AppError::field("name", fault));
        assert_eq!(name("name", text), expected);
    }

    #[test]
    fn a_name_is_trimmed_and_has_a_length() {
        check("  Spring buyers ", Ok("Spring buyers"));
        check(&"ș".repeat(MAX_NAME), Ok(&"ș".repeat(MAX_NAME)));
        check(&"ș".repeat(MAX_NAME + 1), Err(FieldFaultKind::TooLong));
        check(" \t ", Err(FieldFaultKind::Required));
        check("a\0b", Err(FieldFaultKind::Invalid));
        check("a\nb", Err(FieldFaultKind::Invalid));
    }
}
