//! What the command line says about errors. English, as all of the command line.

use app::error::{AppError, DestinationFault, FieldFaultKind, FileFault};
use domain::brake::{Alarm, Surprise};
use domain::run::RunReason;

/// An error of a service, said in words.
pub fn error(error: AppError) -> anyhow::Error {
    anyhow::anyhow!(of(&error))
}

/// What went wrong, and where it can be said, what to do.
pub fn of(error: &AppError) -> String {
    match error {
        AppError::Forbidden => "the person named by --as has no right to do this".to_owned(),
        AppError::NotFound => "there is no such thing (any more)".to_owned(),
        AppError::Fields(faults) => {
            let one = |fault: &app::error::FieldFault| format!("`{}` {}", fault.field, field(fault.fault));
            faults.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        AppError::Mapping(faults) => joined(faults),
        AppError::Rule(faults) => joined(faults),
        AppError::InUse(names) => format!("it is used by {}", names.join(", ")),
        AppError::Destination(fault) => destination(*fault).to_owned(),
        AppError::NotReady(reason) => not_ready(*reason).to_owned(),
        AppError::File(fault) => file(*fault).to_owned(),
        AppError::Stale => "somebody changed it at the same time; try again".to_owned(),
        AppError::Outdated => "there is nothing to do here (any more)".to_owned(),
        AppError::Internal(reference) => format!("something failed inside Ferry; the log says what under {reference}"),
        AppError::SignedOut
        | AppError::WrongCredentials
        | AppError::LinkInvalid
        | AppError::LastAdministrator
        | AppError::TooMany
        | AppError::OtherSite
        | AppError::Unavailable => error.to_string(),
    }
}

fn joined(faults: &[impl std::fmt::Display]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn field(fault: FieldFaultKind) -> &'static str {
    match fault {
        FieldFaultKind::Required => "is needed",
        FieldFaultKind::TooLong => "is too long",
        FieldFaultKind::TooShort => "is too short",
        FieldFaultKind::Invalid => "is not acceptable",
        FieldFaultKind::Taken => "is taken by something else",
        FieldFaultKind::TooCommon => "is too easily guessed",
    }
}

fn destination(fault: DestinationFault) -> &'static str {
    match fault {
        DestinationFault::KeyRefused => "the destination does not know this key; check that it was copied whole",
        DestinationFault::PermissionMissing => {
            "the key may not read and write contacts; make one that may. A change of its permissions can take five minutes"
        }
        DestinationFault::PlanExceeded => "the account's plan does not allow it; enlarge the plan there",
        DestinationFault::Unreachable => "the destination cannot be reached; check the network and try again",
        DestinationFault::RateLimited => "the destination asks to slow down; try again in a minute",
        DestinationFault::Unexpected => "the answer is not one of the destination; check its address",
    }
}

fn not_ready(reason: RunReason) -> &'static str {
    match reason {
        RunReason::NoConnection => "the export has no connection; give it one first",
        RunReason::NoProfiles => "there are no profiles yet; import a data source first",
        RunReason::SettingsInvalid => "its data matching or a segment no longer fits the attributes; edit them first",
        other => other.as_str(),
    }
}

/// Why a run is held, and what to do.
pub fn held(alarm: &Alarm) -> String {
    let mut lines = vec!["nothing has been sent: the run is unlike the ones before it".to_owned()];
    lines.extend(alarm.surprises.iter().map(|surprise| format!("  - {}", unusual(surprise))));
    lines.push(format!(
        "  compared with the last {} run(s); the profiles are {} day(s) old",
        alarm.runs, alarm.age_days
    ));
    lines.push("approve or reject it on its page; until then, its scheduled times are skipped".to_owned());
    lines.join("\n")
}

/// What a run waits for, and what to do.
pub fn waits(reason: RunReason, detail: Option<&str>) -> String {
    let what = match reason {
        RunReason::KeyRefused => "the destination refused the API key; replace the key of the connection",
        RunReason::PermissionMissing => {
            "the API key lacks a permission; make one that may read and write contacts, and put it into the connection"
        }
        RunReason::PlanExceeded => "the account's plan is used up; enlarge it at the destination",
        RunReason::InterfaceRetired => "the destination no longer takes this version of Ferry; update Ferry",
        RunReason::NotTheDestination => {
            "something else answers at the destination's address; check the address in Ferry's settings"
        }
        RunReason::NameUnknown => {
            "the destination's name is not found; check how this machine looks up names, and the address in Ferry's settings"
        }
        RunReason::Untrusted => {
            "the destination's certificate is not trusted; check the address in Ferry's settings, this machine's \
             certificates and its clock"
        }
        other => other.as_str(),
    };
    let said = detail.filter(|text| !text.is_empty()).map(|text| format!("\n  the destination said: {text}"));
    let said = said.unwrap_or_default();
    format!("the run waits: {what}{said}\nafter that, a running Ferry goes on with it by itself, within an hour")
}

/// What is unusual about a run.
pub fn unusual(surprise: &Surprise) -> String {
    match surprise {
        Surprise::NoMembers { usual } => format!("no members are left; usually there are {usual}"),
        Surprise::FewerMembers { percent, members, usual } => {
            format!("{percent} % fewer members: {members} instead of about {usual}")
        }
        Surprise::ManyLeave { leavers, percent } => {
            format!("{leavers} people would lose a tag, {percent} % of the usual members")
        }
        Surprise::FirstStatus { people } => {
            format!("a subscription status would be sent for the first time, to {people} people")
        }
        Surprise::ManyJoin { joiners, percent } => {
            format!("{joiners} people would be sent for the first time, {percent} % of the usual members")
        }
    }
}

/// Why a file cannot be read.
pub fn file(fault: FileFault) -> &'static str {
    match fault {
        FileFault::NotThere => "nothing is there, or not where files may be read (FERRY_SOURCE_DIRECTORIES)",
        FileFault::Empty => "it is empty, or has no rows",
        FileFault::AllRejected => {
            "every row was rejected; correct the file, or how it is read (delimiter, encoding, types, primary key)"
        }
        FileFault::Format => "it is not of the format it should be",
        FileFault::Header => "its header has the same name twice, or no name at all",
        FileFault::TooLarge => "it is larger than allowed",
        FileFault::NoSpace => "the disk is full",
        FileFault::Changed => "it was written to while it was read; try again once it is complete",
        FileFault::Incomplete => "it did not arrive whole; try again",
    }
}

/// The fault of a refresh, from its name in the database.
pub fn refresh_fault(name: Option<&str>) -> String {
    let name = name.unwrap_or("storage");
    match serde_json::from_value(serde_json::Value::String(name.to_owned())) {
        Ok(fault) => file(fault).to_owned(),
        Err(_) => "Ferry's own files or database could not be read or written; the log says more".to_owned(),
    }
}
