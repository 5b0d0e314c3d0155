//! Every code that the services answer with, as a sentence: what happened, and what to do. One place, so that a new
//! code cannot be forgotten: the matches name every variant.

use domain::access::{Audience, Role};
use domain::mapping::MappingFault;
use domain::run::{RowReason, RunReason, RunState, Trigger};
use domain::system::{TaskReason, TaskState};

use super::number::bytes;
use super::status::Tone;
use crate::error::{AppError, DestinationFault, FieldFaultKind, FileFault};
use crate::request::upload_limit;
use crate::services::{LateSlot, Lateness, Note};
use crate::texts::{Locale, td_string, text};

/// What happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// What happened: a heading.
    pub what: String,
    /// What to do: one or two sentences.
    pub todo: String,
}

impl Sentence {
    fn new(what: &str, todo: &str) -> Self {
        Self { what: what.to_owned(), todo: todo.to_owned() }
    }
}

macro_rules! sentence {
    ($language:expr, $namespace:ident . $what:ident, $todo:ident) => {
        Sentence::new(td_string!($language, $namespace.$what), td_string!($language, $namespace.$todo))
    };
}

/// An error.
pub fn error(language: Locale, error: &AppError) -> Sentence {
    match error {
        AppError::SignedOut => sentence!(language, faults.signed_out, signed_out_todo),
        AppError::Forbidden => sentence!(language, faults.forbidden, forbidden_todo),
        AppError::NotFound => sentence!(language, faults.not_found, not_found_todo),
        AppError::WrongCredentials => sentence!(language, faults.wrong_credentials, wrong_credentials_todo),
        AppError::LinkInvalid => sentence!(language, faults.link_invalid, link_invalid_todo),
        AppError::Fields(_) => sentence!(language, faults.fields, fields_todo),
        AppError::Mapping(_) => sentence!(language, faults.mapping, mapping_todo),
        AppError::Rule(_) => sentence!(language, faults.rule, rule_todo),
        AppError::LastAdministrator => sentence!(language, faults.last_administrator, last_administrator_todo),
        AppError::Stale => sentence!(language, faults.stale, stale_todo),
        AppError::Outdated => sentence!(language, faults.outdated, outdated_todo),
        AppError::InUse(_) => sentence!(language, faults.in_use, in_use_todo),
        AppError::Destination(fault) => destination(language, *fault),
        AppError::NotReady(reason) => run_reason(language, *reason),
        AppError::File(fault) => file(language, *fault),
        AppError::TooMany => sentence!(language, faults.too_many, too_many_todo),
        AppError::OtherSite => sentence!(language, faults.other_site, other_site_todo),
        AppError::Unavailable => sentence!(language, faults.unavailable, unavailable_todo),
        AppError::Internal(code) if code == "offline" => sentence!(language, faults.offline, offline_todo),
        AppError::Internal(code) if code == "arguments" => sentence!(language, faults.arguments, arguments_todo),
        AppError::Internal(_) => sentence!(language, faults.internal, internal_todo),
    }
}

/// The particulars of an error that names several things.
pub fn details(language: Locale, error: &AppError) -> Vec<String> {
    match error {
        AppError::InUse(names) => names.clone(),
        AppError::Mapping(faults) => faults.iter().map(|fault| mapping(language, fault)).collect(),
        _ => Vec::new(),
    }
}

/// What is wrong with a field.
pub fn field(language: Locale, fault: FieldFaultKind) -> &'static str {
    match fault {
        FieldFaultKind::Required => td_string!(language, faults.field_required),
        FieldFaultKind::TooLong => td_string!(language, faults.field_too_long),
        FieldFaultKind::TooShort => td_string!(language, faults.field_too_short),
        FieldFaultKind::Invalid => td_string!(language, faults.field_invalid),
        FieldFaultKind::Taken => td_string!(language, faults.field_taken),
        FieldFaultKind::TooCommon => td_string!(language, faults.field_too_common),
    }
}

/// How a destination refused.
pub fn destination(language: Locale, fault: DestinationFault) -> Sentence {
    match fault {
        DestinationFault::KeyRefused => sentence!(language, faults.key_refused, key_refused_todo),
        DestinationFault::PermissionMissing => sentence!(language, faults.permission_missing, permission_missing_todo),
        DestinationFault::PlanExceeded => sentence!(language, faults.plan_exceeded, plan_exceeded_todo),
        DestinationFault::Unreachable => sentence!(language, faults.unreachable, unreachable_todo),
        DestinationFault::RateLimited => sentence!(language, faults.rate_limited, rate_limited_todo),
        DestinationFault::Unexpected => sentence!(language, faults.unexpected, unexpected_todo),
    }
}

/// Why a file cannot be read.
pub fn file(language: Locale, fault: FileFault) -> Sentence {
    match fault {
        FileFault::NotThere => sentence!(language, faults.file_not_there, file_not_there_todo),
        FileFault::Empty => sentence!(language, faults.file_empty, file_empty_todo),
        FileFault::AllRejected => sentence!(language, faults.file_all_rejected, file_all_rejected_todo),
        FileFault::Format => sentence!(language, faults.file_format, file_format_todo),
        FileFault::Header => sentence!(language, faults.file_header, file_header_todo),
        FileFault::TooLarge => too_large(language),
        FileFault::Changed => sentence!(language, faults.file_changed, file_changed_todo),
        FileFault::Incomplete => sentence!(language, faults.file_incomplete, file_incomplete_todo),
        FileFault::NoSpace => sentence!(language, faults.no_space, no_space_todo),
    }
}

/// With the limit that the operator has set, where it is known.
fn too_large(language: Locale) -> Sentence {
    let Sentence { what, mut todo } = sentence!(language, faults.file_too_large, file_too_large_todo);
    if let Ok(limit) = upload_limit() {
        todo = format!("{} {todo}", text!(language, faults.file_too_large_most, limit = bytes(language, limit)));
    }
    Sentence { what, todo }
}

/// What is wrong with the data matching.
pub fn mapping(language: Locale, fault: &MappingFault) -> String {
    match fault {
        MappingFault::Required(name) => {
            text!(language, faults.mapping_required, name = target(language, name).to_owned())
        }
        MappingFault::Twice(name) => {
            text!(language, faults.mapping_twice, name = target(language, name).to_owned())
        }
        MappingFault::UnknownField(name) => text!(language, faults.mapping_unknown_field, name = name.clone()),
        MappingFault::UnknownAttribute(name) => {
            text!(language, faults.mapping_unknown_attribute, name = name.clone())
        }
        MappingFault::PropertyName(name) => text!(language, faults.mapping_property_name, name = name.clone()),
    }
}

/// A target of a destination's card by its stable name; an unknown one keeps its name.
pub fn target(language: Locale, name: &str) -> &str {
    match name {
        "email" => td_string!(language, common.target_email),
        "first_name" => td_string!(language, common.target_first_name),
        "last_name" => td_string!(language, common.target_last_name),
        "address" => td_string!(language, common.target_address),
        "country" => td_string!(language, common.target_country),
        "state" => td_string!(language, common.target_state),
        "city" => td_string!(language, common.target_city),
        "post_code" => td_string!(language, common.target_post_code),
        "phone" => td_string!(language, common.target_phone),
        "birthdate" => td_string!(language, common.target_birthdate),
        "gender" => td_string!(language, common.target_gender),
        other => other,
    }
}

/// Why a run waits, failed or was skipped.
pub fn run_reason(language: Locale, reason: RunReason) -> Sentence {
    match reason {
        RunReason::RateLimit => sentence!(language, states.rate_limit, rate_limit_todo),
        RunReason::DestinationUnavailable => {
            sentence!(language, states.destination_unavailable, destination_unavailable_todo)
        }
        RunReason::DestinationWorking => sentence!(language, states.destination_working, destination_working_todo),
        RunReason::NotTheDestination => sentence!(language, states.not_the_destination, not_the_destination_todo),
        RunReason::NameUnknown => sentence!(language, states.name_unknown, name_unknown_todo),
        RunReason::Untrusted => sentence!(language, states.untrusted, untrusted_todo),
        RunReason::KeyRefused => sentence!(language, states.key_refused, key_refused_todo),
        RunReason::PermissionMissing => sentence!(language, states.permission_missing, permission_missing_todo),
        RunReason::PlanExceeded => sentence!(language, states.plan_exceeded, plan_exceeded_todo),
        RunReason::InterfaceRetired => sentence!(language, states.interface_retired, interface_retired_todo),
        RunReason::RequestRefused => sentence!(language, states.request_refused, request_refused_todo),
        RunReason::NoConnection => sentence!(language, states.no_connection, no_connection_todo),
        RunReason::NoProfiles => sentence!(language, states.no_profiles, no_profiles_todo),
        RunReason::SettingsInvalid => sentence!(language, states.settings_invalid, settings_invalid_todo),
        RunReason::RightsLost => sentence!(language, states.rights_lost, rights_lost_todo),
        RunReason::ConnectionRemoved => sentence!(language, states.connection_removed, connection_removed_todo),
        RunReason::StillActive => sentence!(language, states.still_active, still_active_todo),
        RunReason::Missed => sentence!(language, states.missed, missed_todo),
        RunReason::CanceledByPerson => sentence!(language, states.canceled_by_person, canceled_by_person_todo),
        RunReason::CrashLoop => sentence!(language, states.crash_loop, crash_loop_todo),
        RunReason::Storage => sentence!(language, states.storage, storage_todo),
        RunReason::Approval => sentence!(language, states.approval, approval_todo),
        RunReason::BatchesGone => sentence!(language, states.batches_gone, batches_gone_todo),
        RunReason::GaveWay => sentence!(language, states.gave_way, gave_way_todo),
    }
}

/// Why a row did not arrive.
pub fn row_reason(language: Locale, reason: RowReason) -> Sentence {
    match reason {
        RowReason::EmailMissing => sentence!(language, states.email_missing, email_missing_todo),
        RowReason::EmailInvalid => sentence!(language, states.email_invalid, email_invalid_todo),
        RowReason::EmailRepeated => sentence!(language, states.email_repeated, email_repeated_todo),
        RowReason::Refused => sentence!(language, states.refused, refused_todo),
        RowReason::NotTaken => sentence!(language, states.not_taken, not_taken_todo),
        RowReason::Canceled => sentence!(language, states.row_canceled, row_canceled_todo),
        RowReason::RunFailed => sentence!(language, states.run_failed, run_failed_todo),
        RowReason::GoesOn => sentence!(language, states.row_goes_on, row_goes_on_todo),
        RowReason::NoAnswer => sentence!(language, states.no_answer, no_answer_todo),
    }
}

/// The state of a run.
pub fn run_state(language: Locale, state: RunState) -> &'static str {
    match state {
        RunState::Queued => td_string!(language, states.queued),
        RunState::Preparing => td_string!(language, states.preparing),
        RunState::Sending => td_string!(language, states.sending),
        RunState::Settling => td_string!(language, states.settling),
        RunState::Tagging => td_string!(language, states.tagging),
        RunState::Waiting => td_string!(language, states.waiting),
        RunState::Successful => td_string!(language, states.successful),
        RunState::CompletedWithErrors => td_string!(language, states.completed_with_errors),
        RunState::Failed => td_string!(language, states.failed),
        RunState::Canceled => td_string!(language, states.canceled),
        RunState::Skipped => td_string!(language, states.skipped),
    }
}

/// How the state of a run feels.
pub fn run_tone(state: RunState) -> Tone {
    match state {
        RunState::Queued | RunState::Waiting => Tone::Quiet,
        RunState::Preparing | RunState::Sending | RunState::Settling | RunState::Tagging => Tone::Busy,
        RunState::Successful => Tone::Good,
        RunState::CompletedWithErrors | RunState::Skipped | RunState::Canceled => Tone::Warning,
        RunState::Failed => Tone::Bad,
    }
}

/// What started a run.
pub fn trigger(language: Locale, trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => td_string!(language, states.manual),
        Trigger::Schedule => td_string!(language, states.schedule),
        Trigger::CommandLine => td_string!(language, states.command_line),
    }
}

/// The state of a task, or of a system refresh.
pub fn task_state(language: Locale, state: TaskState) -> (Tone, &'static str) {
    match state {
        TaskState::Queued => (Tone::Quiet, td_string!(language, states.queued)),
        TaskState::Processing => (Tone::Busy, td_string!(language, system.processing)),
        TaskState::Successful => (Tone::Good, td_string!(language, states.successful)),
        TaskState::Failure => (Tone::Bad, td_string!(language, system.failure)),
        TaskState::Skipped => (Tone::Warning, td_string!(language, states.skipped)),
        TaskState::Canceled => (Tone::Warning, td_string!(language, states.canceled)),
    }
}

/// Why a task, or a system refresh, was skipped or failed.
pub fn task_reason(language: Locale, reason: TaskReason) -> &'static str {
    match reason {
        TaskReason::Upstream => td_string!(language, system.upstream),
        TaskReason::Inactive => td_string!(language, system.inactive),
        TaskReason::StillActive => td_string!(language, system.still_active),
        TaskReason::Missed => td_string!(language, system.missed),
        TaskReason::Gone => td_string!(language, system.gone),
        TaskReason::NotReady => td_string!(language, system.not_ready),
        TaskReason::Data => td_string!(language, system.data),
    }
}

/// What did not start when it should.
pub fn late(language: Locale, late: &LateSlot) -> String {
    let time = super::date_time_text(language, late.slot_at);
    match late.lateness {
        Lateness::NotSeen | Lateness::NotBegun => text!(language, system.late_not_begun, time = time),
        Lateness::Missed => text!(language, system.late_missed, time = time),
    }
}

/// A role.
pub fn role(language: Locale, role: Role) -> &'static str {
    match role {
        Role::Viewer => td_string!(language, common.viewer),
        Role::Contributor => td_string!(language, common.contributor),
        Role::Administrator => td_string!(language, common.administrator),
    }
}

/// Who may use a connection.
pub fn audience(language: Locale, audience: Audience) -> &'static str {
    match audience {
        Audience::Administrators => td_string!(language, common.administrators),
        Audience::AdministratorsAndContributors => td_string!(language, common.administrators_and_contributors),
    }
}

/// The message of the last action.
pub fn note(language: Locale, note: &Note) -> String {
    match note {
        Note::Saved => td_string!(language, common.note_saved).to_owned(),
        Note::Removed => td_string!(language, common.note_removed).to_owned(),
        Note::RunQueued => td_string!(language, common.note_run_queued).to_owned(),
        Note::RunsQueued(count) => {
            let count = *count;
            text!(language, common.note_runs_queued, count = move || count)
        }
        Note::CancelRequested => td_string!(language, common.note_cancel_requested).to_owned(),
        Note::RunApproved => td_string!(language, safety.note_approved).to_owned(),
        Note::RefreshStarted => td_string!(language, common.note_refresh_started).to_owned(),
        Note::SystemCancelRequested => td_string!(language, system.note_canceled).to_owned(),
        Note::KeyReplaced => td_string!(language, common.note_key_replaced).to_owned(),
        Note::Invited(_) => td_string!(language, common.note_invited).to_owned(),
    }
}
