//! Ids in the vendor's form: 24 hexadecimal characters that begin with the second of creation. Made
//! from the place of the thing, so that no index is needed to find it again.

use crate::clock::SECOND;

/// The id of the thing at `place` in a brand, created at `created` microseconds.
pub fn object_id(created: i64, brand: u32, place: u32) -> String {
    let second = created.div_euclid(SECOND) & 0xffff_ffff;
    format!("{second:08x}{brand:08x}{place:08x}")
}

/// The place that an id names, whether or not anything is there.
pub fn place(id: &str) -> Option<u32> {
    if id.len() != 24 {
        return None;
    }
    u32::from_str_radix(id.get(16..)?, 16).ok()
}
