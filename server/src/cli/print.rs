//! What the commands print. A reader who goes away, such as `head`, has read enough: that is no failure, the work goes
//! on, and the exit code says how it went.

use std::fmt::Arguments;
use std::io::Write as _;

/// Prints a line to standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::print::line(format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::cli::print::note_line(format_args!($($text)*)) };
}

pub(super) use {note, say};

/// What [`say`] does.
pub(crate) fn line(text: Arguments<'_>) {
    // Nobody reads any more: there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What [`note`] does.
pub(crate) fn note_line(text: Arguments<'_>) {
    show(format_args!("{text}\n"));
}

/// Shows something on standard error without ending the line.
pub fn show(text: Arguments<'_>) {
    let _ = write!(std::io::stderr(), "{text}");
}
