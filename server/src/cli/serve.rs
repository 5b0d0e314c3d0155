//! `ferry serve`: starts the server and ends it when the process is asked to.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::print::say;
use crate::config::Config;

/// Runs the command.
pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    for line in config.to_string().lines() {
        tracing::info!("{line}");
    }
    if config.is_open_without_https() {
        tracing::warn!(
            "other machines can reach {}, and FERRY_PUBLIC_URL names no https address: cookies are not kept to HTTPS",
            config.listen
        );
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = crate::start::start(config).await?;
    if let Some(link) = &running.set_up_link {
        // Standard output, whatever the log is set to: without it nobody gets in.
        say!("Set up the first administrator within 24 hours: {link}");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending: a second signal ends at once");
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::FAILURE),
        _ = interrupt.recv() => Ok(ExitCode::FAILURE),
    }
}
