//! a text file, CSV or JSON as its first byte says, is imported with every row accounted for, or refused.
#![no_main]

use ferry_fuzz::TABLES;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: ferry_fuzz::begin_with(&TABLES.map(|text| text.as_bytes().to_vec())), |bytes: &[u8]| {
    let Some((kind, content)) = bytes.split_first() else { return };
    let name = ["table.csv", "table.csv", "table.csv", "table.ndjson"][usize::from(kind % 4)];
    ferry_fuzz::import(name, content);
});
