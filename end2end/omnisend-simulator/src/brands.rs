//! `GET /brands/current`.

use serde_json::json;

use crate::auth::VERSION;
use crate::call::Call;
use crate::problem::Answer;
use crate::query::Query;

/// The brand that the key belongs to.
pub fn current(call: &mut Call<'_>) -> Answer {
    if let Err(faults) = Query::parse(call.query, &[]) {
        return Answer::invalid(&faults, call.request);
    }
    let brand = &call.brand;
    Answer::json(
        200,
        &json!({
            "brandID": brand.id,
            "connected": true,
            "currency": "EUR",
            "name": brand.name,
            "platform": "api",
            "timezone": "Europe/Madrid",
            "version": VERSION,
            "website": brand.website,
        }),
    )
}
