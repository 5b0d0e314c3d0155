//! The command line. English only. Each command is a file; the settings are `config`'s.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::{Settings, start_logging};

pub mod apply;
pub mod check;
pub mod desk;
mod dry_run;
pub mod import;
pub mod run;
mod serve;
mod user;
mod words;

/// Carries customer segments to where marketing happens.
#[derive(Debug, clap::Parser)]
#[command(name = "ferry", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the web server, the runner and the scheduler until the process is asked to end.
    Serve,
    /// Add people from the command line.
    #[command(subcommand)]
    User(user::UserCommand),
    Import(import::ImportArgs),
    Apply(apply::ApplyArgs),
    Run(run::RunArgs),
    Check(check::CheckArgs),
}

/// Runs the command; the exit code says how it went.
///
/// # Errors
/// What a person at the command line has to know.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    start_logging(&cli.settings.log, cli.settings.log_format).context("FERRY_LOG cannot be read")?;
    let config = cli.settings.check()?;
    match cli.command {
        Command::Serve => serve::run(config).await,
        Command::User(command) => user::run(&config, command).await,
        Command::Import(args) => import::run(&config, &args).await,
        Command::Apply(args) => apply::run(&config, &args).await,
        Command::Run(args) => run::run(&config, &args).await,
        Command::Check(_) => check::run(&config).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent_and_describes_every_setting() {
        super::Cli::command().debug_assert();
        let mut command = super::Cli::command();
        command.build();
        let help = command.render_long_help().to_string();
        for setting in ["LISTEN", "DATA_DIR", "DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FILE", "PUBLIC_URL"] {
            assert!(help.contains(&format!("[env: FERRY_{setting}")), "{setting}");
        }
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} is not described", argument.get_id());
        }
    }
}
