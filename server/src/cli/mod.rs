//! The command line. English only. Each command is a file; the settings are `config`'s.

// `println!` breaks off when nobody reads: `print` has what does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::{Settings, start_logging};

pub mod apply;
pub mod check;
pub mod desk;
mod dry_run;
pub mod import;
mod keys;
pub mod print;
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
    /// Look after the secret keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
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
        Command::Keys(keys::KeysCommand::Rotate) => keys::rotate(&config).await,
        Command::Import(args) => import::run(&config, &args).await,
        Command::Apply(args) => apply::run(&config, &args).await,
        Command::Run(args) => run::run(&config, &args).await,
        Command::Check(_) => check::run(&config).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    /// Every command with those below it.
    fn all(command: &Command) -> Vec<&Command> {
        std::iter::once(command).chain(command.get_subcommands().flat_map(all)).collect()
    }

    #[test]
    fn the_command_line_is_consistent_and_describes_every_command_and_argument() {
        super::Cli::command().debug_assert();
        let mut command = super::Cli::command();
        command.build();
        let own = |one: &&Command| !one.get_name().starts_with("help");
        for one in all(&command).into_iter().filter(own) {
            assert!(one.get_about().is_some(), "{} is not described", one.get_name());
            for argument in one.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {} is not described", one.get_name(), argument.get_id());
            }
        }
    }

    #[test]
    fn the_help_names_the_variable_of_every_setting_and_shows_no_secret() {
        let mut command = super::Cli::command();
        command.build();
        let help = command.render_long_help().to_string();
        let (settings, others): (Vec<_>, Vec<_>) = command.get_arguments().partition(|one| one.get_env().is_some());
        assert_eq!(settings.len(), 16);
        for setting in settings {
            let name = setting.get_long().expect("a flag").to_uppercase().replace('-', "_");
            assert_eq!(setting.get_env().and_then(|env| env.to_str()), Some(format!("FERRY_{name}").as_str()));
            assert!(help.contains(&format!("[env: FERRY_{name}")), "{name}");
        }
        let others: Vec<_> = others.into_iter().map(|one| one.get_id().as_str()).collect();
        assert_eq!(others, ["help", "version"], "settings without a variable");
        for hidden in ["FERRY_SECRET_KEY=", "FERRY_DATABASE_URL="] {
            assert!(!help.contains(hidden), "{hidden}");
        }
    }
}
