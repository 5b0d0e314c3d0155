//! The `ferry` command. All it does is in the library: see `server::cli`.

use std::process::ExitCode;

use clap::Parser as _;
use server::cli::print::show;

/// Bytes from which on the allocator asks the system for a block of its own, and gives it back when it is freed. By itself
/// glibc raises the bound to what was freed last, and before version 2.38 it does not find again what was freed of an
/// aligned block, as hashing passwords (19 MiB) and Arrow take them: every sign-in would keep 19 MiB for good.
/// See <https://sourceware.org/bugzilla/show_bug.cgi?id=14581>.
#[cfg(target_env = "gnu")]
const OWN_BLOCK: libc::c_int = 1 << 20;

/// Heaps that the allocator keeps. By itself it has eight for each core, and what is freed in one is of no use to the
/// others: the longer a run goes on, the more of them are half empty.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 2;

#[cfg(target_env = "gnu")]
fn keep_little_memory() {
    for (what, value) in [(libc::M_MMAP_THRESHOLD, OWN_BLOCK), (libc::M_ARENA_MAX, HEAPS)] {
        #[expect(unsafe_code, reason = "the allocator can be told in C only")]
        // SAFETY: it sets a number of the allocator, before there is a second thread.
        let is_taken = unsafe { libc::mallopt(what, value) };
        debug_assert_eq!(is_taken, 1);
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep_little_memory() {}

fn main() -> ExitCode {
    keep_little_memory();
    work()
}

/// A reader who has gone away is no reason to break off.
fn note(text: &str) {
    show(format_args!("ferry: {text}\n"));
}

#[tokio::main]
async fn work() -> ExitCode {
    // Before anything else: without it the first TLS connection would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        note("TLS was set up twice");
        return ExitCode::FAILURE;
    }
    match server::cli::run(server::cli::Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            note(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
