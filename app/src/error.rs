//! The one error that crosses the wire to a browser: codes and field names, never internal text. Screens translate the
//! codes; the server has logged the cause under the same reference.

use domain::mapping::MappingFault;
use domain::rule::RuleFault;
pub use domain::source::FileFault;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// Why something was not done. Travels in a URL when a form was sent without script, so it stays short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "code", content = "with")]
pub enum AppError {
    /// Nobody is signed in.
    #[error("not signed in")]
    SignedOut,
    /// The person may not do this.
    #[error("not allowed")]
    Forbidden,
    /// It does not exist, or the person may not know that it does.
    #[error("not found")]
    NotFound,
    /// Wrong address or password, or a disabled account: deliberately one answer.
    #[error("wrong address or password")]
    WrongCredentials,
    /// The one-time link is used up or too old.
    #[error("the link is no longer valid")]
    LinkInvalid,
    /// Fields of the form are not acceptable.
    #[error("some fields need attention")]
    Fields(Vec<FieldFault>),
    /// The data matching is not acceptable.
    #[error("the data matching needs attention")]
    Mapping(Vec<MappingFault>),
    /// The rule is not acceptable.
    #[error("the rule needs attention")]
    Rule(Vec<RuleFault>),
    /// It would leave Ferry without an administrator.
    #[error("the last administrator stays")]
    LastAdministrator,
    /// Somebody saved it after this form was opened; what was typed is kept.
    #[error("changed by somebody else")]
    Stale,
    /// What was asked for is no longer possible, because it stands otherwise by now.
    #[error("no longer possible")]
    Outdated,
    /// It is still in use: the names of what uses it.
    #[error("still in use")]
    InUse(Vec<String>),
    /// The destination did not accept the key, or could not be asked.
    #[error("the destination refused")]
    Destination(DestinationFault),
    /// The export has no connection, no segments or no profiles yet.
    #[error("not ready to run")]
    NotReady(domain::run::RunReason),
    /// The file cannot be read as what it says it is.
    #[error("the file cannot be read")]
    File(FileFault),
    /// Too many attempts; try again later.
    #[error("too many attempts")]
    TooMany,
    /// The page of another site asked for it.
    #[error("asked for by another site")]
    OtherSite,
    /// Ferry cannot do anything right now; try again in a moment.
    #[error("not available right now")]
    Unavailable,
    /// Something failed on our side; the number finds it in the log.
    #[error("internal error {0}")]
    Internal(String),
}

/// One field of a form that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// The field's name in the form.
    pub field: String,
    /// What is wrong.
    pub fault: FieldFaultKind,
}

/// What can be wrong with a field; screens translate it by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldFaultKind {
    /// It must not be empty.
    Required,
    /// It is too long.
    TooLong,
    /// It is too short.
    TooShort,
    /// It is not of the expected form.
    Invalid,
    /// Something else has this name already.
    Taken,
    /// It is too common or too easily guessed.
    TooCommon,
}

/// How a destination refused a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationFault {
    /// It does not know the key.
    KeyRefused,
    /// The key lacks the permission to read and write contacts.
    PermissionMissing,
    /// The account's plan does not allow it.
    PlanExceeded,
    /// It cannot be reached, or does not answer in time.
    Unreachable,
    /// It asks to slow down.
    RateLimited,
    /// It answered something that we cannot understand.
    Unexpected,
}

impl AppError {
    /// The HTTP status that says the same to programs.
    pub fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::Forbidden | Self::OtherSite => 403,
            Self::NotFound | Self::LinkInvalid => 404,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Internal(code) if code == ARGUMENTS => 400,
            Self::Internal(_) => 500,
            Self::WrongCredentials
            | Self::Fields(_)
            | Self::Mapping(_)
            | Self::Rule(_)
            | Self::LastAdministrator
            | Self::Stale
            | Self::Outdated
            | Self::InUse(_)
            | Self::Destination(_)
            | Self::NotReady(_)
            | Self::File(_) => 422,
        }
    }

    /// One field is not acceptable.
    pub fn field(field: &str, fault: FieldFaultKind) -> Self {
        Self::Fields(vec![FieldFault { field: field.to_owned(), fault }])
    }
}

/// The code of a request that is not what the function takes.
const ARGUMENTS: &str = "arguments";

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        // What the framework reports is about the transport; its text may quote the request.
        let code = match error {
            ServerFnErrorErr::Request(_) => "offline",
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                ARGUMENTS
            }
            _ => "transport",
        };
        Self::Internal(code.to_owned())
    }
}
