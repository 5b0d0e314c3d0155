//! The one error of the data engine. It never holds a value out of anybody's data: only what kind of thing went wrong.

use std::io;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use domain::rule::RuleFault;
use domain::source::FileFault;

/// What the data engine gives.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Why the data engine did not do something.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A source file cannot be read as it should.
    #[error("the file cannot be read: {0:?}")]
    File(FileFault),
    /// The rule does not fit the snapshot's attributes.
    #[error("the rule does not fit the attributes")]
    Rule(Vec<RuleFault>),
    /// The settings name an attribute that the data does not have.
    #[error("an attribute that is not there is named")]
    UnknownAttribute,
    /// There is no such snapshot, segment, plan or ledger.
    #[error("no such file in the data directory")]
    Missing,
    /// Our own files cannot be read or written. The text is for the log.
    #[error("storage: {0}")]
    Storage(String),
    /// The memory limit does not suffice, even with spilling.
    #[error("the memory limit does not suffice")]
    Memory,
    /// The caller no longer waits for the answer.
    #[error("canceled")]
    Canceled,
    /// A fault in Ferry itself. The text is for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<FileFault> for DataError {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<io::Error> for DataError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::File(FileFault::NoSpace),
            // The text of an operating system error names no data; a wrapped error might.
            _ => Self::Storage(match error.raw_os_error() {
                Some(code) => format!("{} ({code})", error.kind()),
                None => error.kind().to_string(),
            }),
        }
    }
}

impl From<ArrowError> for DataError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => error.into(),
            ArrowError::ExternalError(error) => boxed(error),
            ArrowError::ParquetError(_) => Self::Storage("parquet".to_owned()),
            ArrowError::MemoryError(_) => Self::Memory,
            other => Self::Internal(kind_of(&other)),
        }
    }
}

impl From<ParquetError> for DataError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) => boxed(error),
            _ => Self::Storage("parquet".to_owned()),
        }
    }
}

impl From<object_store::Error> for DataError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::Generic { source, .. } => boxed(source),
            other => Self::Storage(kind_of(&other)),
        }
    }
}

impl From<DataFusionError> for DataError {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::ArrowError(error, _) => (*error).into(),
            DataFusionError::ParquetError(error) => (*error).into(),
            DataFusionError::ObjectStore(error) => (*error).into(),
            DataFusionError::IoError(error) => error.into(),
            DataFusionError::ResourcesExhausted(text) => {
                tracing::warn!(detail = %text, "the data engine's memory does not suffice");
                Self::Memory
            }
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => (*inner).into(),
            DataFusionError::External(error) => boxed(error),
            DataFusionError::Plan(text) | DataFusionError::Internal(text) | DataFusionError::NotImplemented(text) => {
                Self::Internal(text)
            }
            other => Self::Internal(kind_of(&other)),
        }
    }
}

/// What an error that travelled through another library's box is.
fn boxed(error: Box<dyn std::error::Error + Send + Sync>) -> DataError {
    let error = match error.downcast::<DataError>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let error = match error.downcast::<io::Error>() {
        Ok(error) => return (*error).into(),
        Err(error) => error,
    };
    match error.downcast::<DataFusionError>() {
        Ok(error) => (*error).into(),
        Err(error) => match error.downcast::<ArrowError>() {
            Ok(error) => (*error).into(),
            Err(_) => DataError::Storage("another library's error".to_owned()),
        },
    }
}

/// The name of an enum's variant, without what it holds (which may quote data).
fn kind_of(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
