//! a Parquet file is imported with every row accounted for, or refused, within the memory that the fuzzer allows.
#![no_main]

use std::panic::{catch_unwind, set_hook};

use ferry_fuzz::TABLES;
use libfuzzer_sys::fuzz_target;

/// The library that reads Parquet panics at some files; Ferry catches that and refuses them. What it does not catch counts.
fn import(bytes: &[u8]) {
    if let Err(panic) = catch_unwind(|| ferry_fuzz::import("table.parquet", bytes)) {
        let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        eprintln!("{}", said.unwrap_or("a panic"));
        std::process::abort();
    }
}

fuzz_target!(
    init: {
        // Instead of the fuzzer's, which ends at every panic.
        set_hook(Box::new(|_| {}));
        ferry_fuzz::begin_with(&TABLES.map(ferry_fuzz::as_parquet));
    },
    |bytes: &[u8]| import(bytes)
);
