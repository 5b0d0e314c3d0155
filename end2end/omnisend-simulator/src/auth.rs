//! Keys, scopes and the version header. The key is looked at first: a bad key answers 401 whatever
//! the version header says.

use jiff::civil::Date;

use crate::options::KeyOptions;
use crate::problem::{Answer, FieldFault};

/// The version that this simulator speaks, and the newest there is.
pub const VERSION: &str = "2026-03-15";

/// A key that the simulator knows.
#[derive(Debug, Clone)]
pub struct Key {
    pub brand: usize,
    pub scopes: Vec<String>,
    /// 401 for a key that was deleted, 403 for one whose permissions were taken away.
    pub refused_with: Option<u16>,
}

impl Key {
    pub fn new(brand: usize, options: &KeyOptions) -> Self {
        Self { brand, scopes: options.scopes.clone(), refused_with: None }
    }

    /// Refuses a call whose scope this key lacks.
    pub fn require(&self, scope: &str, request: u64) -> Result<(), Answer> {
        let has = self.scopes.iter().any(|own| own == scope) && self.refused_with != Some(403);
        if has { Ok(()) } else { Err(Answer::forbidden(scope, request)) }
    }
}

/// The key in an `Authorization` header: `Omnisend-API-Key KEY`, or `Bearer TOKEN`, which this
/// simulator takes for the same thing.
pub fn key_of(authorization: Option<&str>) -> Option<&str> {
    let (scheme, key) = authorization?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("Omnisend-API-Key") || scheme.eq_ignore_ascii_case("Bearer");
    known.then(|| key.trim()).filter(|key| !key.is_empty())
}

/// Checks the `Omnisend-Version` header.
pub fn version(header: Option<&str>, request: u64) -> Result<(), Answer> {
    let Some(text) = header.map(str::trim).filter(|text| !text.is_empty()) else {
        return Err(Answer::invalid(&[FieldFault::required("Omnisend-Version")], request));
    };
    let date = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    let (Some(date), Ok(own)) = (date, VERSION.parse::<Date>()) else {
        let fault = FieldFault::format("Omnisend-Version", "Must be a date as YYYY-MM-DD.");
        return Err(Answer::invalid(&[fault], request));
    };
    // A date between two releases means the earlier one; before this one there is none left.
    if date < own {
        return Err(Answer::problem(410, "problem", "Gone", "API version has been retired.", request));
    }
    Ok(())
}
