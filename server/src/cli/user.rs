//! `ferry user add`: adds a person, or gives one a new link or password. Works beside a running server.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use app::error::{AppError, FieldFaultKind};
use domain::access::Role;

use super::print::say;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::db::Database;
use crate::services::accounts::AccountsService;
use crate::services::accounts::passwords::{Passwords, SHORTEST};

/// What can be done with people.
#[derive(Debug, clap::Subcommand)]
pub enum UserCommand {
    /// Add a person and print the link with which they choose a password.
    ///
    /// For a person who is there already with this role, the link (or the password) is replaced and their sessions end.
    Add(AddArgs),
}

/// Whom to add.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// The e-mail address that they sign in with.
    email: String,
    /// What they may do: viewer, contributor or administrator.
    #[arg(long, default_value = "viewer", value_parser = read_role)]
    role: Role,
    /// Read their password from standard input (one line) in place of printing a link.
    #[arg(long)]
    password_stdin: bool,
}

fn read_role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| "viewer, contributor or administrator".to_owned())
}

/// Runs the command.
pub async fn run(config: &Config, command: UserCommand) -> anyhow::Result<ExitCode> {
    let UserCommand::Add(args) = command;
    let password = if args.password_stdin { Some(read_password()?) } else { None };
    crate::start::make_data_dir(&config.data_dir)?;
    let db = Database::open(&config.database).await.context("the database cannot be opened")?;
    let accounts = AccountsService::new(db.clone(), SystemClock::shared(), Passwords::new());
    let added = accounts.add_from_command_line(&args.email, args.role, password.as_deref()).await;
    db.close().await;
    let added = match added {
        Ok(added) => added,
        Err(AppError::Stale) => bail!("{} is there already with another role; change it on the users page", args.email),
        Err(AppError::Fields(faults)) => {
            let said: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.field, wrong(fault.fault))).collect();
            bail!("{}", said.join("; "))
        }
        Err(error) => return Err(error.into()),
    };
    let what = if added.is_new { "added" } else { "is there already" };
    say!("{} ({}) {what}", args.email.trim(), args.role.as_str());
    if let Some(token) = added.invitation {
        let base = config.public_address(config.listen);
        say!("Choose a password within 3 days: {base}/invitation/{token}");
    }
    Ok(ExitCode::SUCCESS)
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn wrong(fault: FieldFaultKind) -> String {
    match fault {
        FieldFaultKind::Required => "is needed".to_owned(),
        FieldFaultKind::TooLong => "is too long".to_owned(),
        FieldFaultKind::TooShort => format!("is too short: at least {SHORTEST} characters"),
        FieldFaultKind::Invalid => "is not acceptable".to_owned(),
        FieldFaultKind::Taken => "is taken".to_owned(),
        FieldFaultKind::TooCommon => "is too easily guessed".to_owned(),
    }
}
