//! The `ferry` command. All it does is in the library: see `server::cli`.

use std::process::ExitCode;

use clap::Parser as _;

/// Gives memory back to the system. Before version 2.38, glibc's own does not find what it has freed when it is asked for
/// aligned memory again, as hashing passwords (19 MiB) and Arrow do: every sign-in would keep 19 MiB for good.
/// See <https://sourceware.org/bugzilla/show_bug.cgi?id=14581>.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // Before anything else: without it the first TLS connection would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("ferry: TLS was set up twice");
        return ExitCode::FAILURE;
    }
    match server::cli::run(server::cli::Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ferry: {error:#}");
            ExitCode::FAILURE
        }
    }
}
