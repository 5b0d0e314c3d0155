//! Starts the log: to standard error, as text or as one JSON object a line. The log holds no keys, passwords and
//! addresses of customers; that is up to whoever writes to it.

use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line of text for each event.
    Text,
    /// One JSON object a line.
    Json,
}

/// What libraries log stays out, unless it is asked for by their names: lines that repeat with every request, and lines
/// with what goes through them, which are addresses of pages with searches in them, or the values of columns.
const QUIET: &str = "memory_serve=warn,tower_sessions=error,tower_sessions_core=error,sqlx::query=warn,\
    tower_http=info,h2=info,hyper=info,reqwest=info,multer=info";

/// Starts the log of this process.
///
/// # Errors
/// The filter cannot be read.
pub fn start_logging(filter: &str, format: LogFormat) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{},{filter}", ferry_data::QUIET_LOG))?;
    // Whoever reads the log may go away; that would be printed to the log itself, and end the work.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    let log = log.with_env_filter(filter).with_writer(std::io::stderr);
    // A log that is running already stays: tests start several servers in one process.
    let _ = match format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
