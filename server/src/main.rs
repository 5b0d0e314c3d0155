//! The `ferry` command. All it does is in the library: see `server::cli`.

use std::process::ExitCode;

use clap::Parser as _;

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
