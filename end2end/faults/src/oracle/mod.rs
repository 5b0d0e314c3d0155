//! The oracle: after any run, in a simulation or for real, says which promise was broken. It knows three things: the
//! receiver's own log and contacts ([`Seen`]), Ferry's tables ([`Books`]), and what the test did ([`Told`]).
//!
//! | | holds when |
//! |---|---|
//! | I1 completeness | every ended run accounts for each member once; after a good one the receiver has exactly the expected people, names and tags |
//! | I2 bounded repetition | the receiver took nothing that Ferry had not written down before; no batch twice, but for lost answers and those on their way at a crash; and all that Ferry says it took |
//! | I3 rate | no 60 seconds of an account hold more requests than allowed |
//! | I4 single ownership | a fence grows by one at each taking-up and belongs to one owner; states move only as documented; what has ended stays |
//! | I5 slots | one record for each slot of an export |
//! | I6 monotone | counters and checkpoints never go back; nothing ends before it began |
//! | I7 consent | nobody was subscribed again, nobody welcomed, no status sent but that of a true opt-in, with its date |
//! | I8 secrecy | no key and no address of a profile in a log or in the database |
//! | I9 liveness | once the faults have ended, every run ends |
//! | I10 clean | no temporary file stays |

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

mod books;
mod files;
mod history;
mod rules;
mod seen;

pub use books::{Books, BooksError, Place};
pub use seen::Seen;

/// Somebody who should be at the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The first name.
    pub name: String,
    /// What Ferry marks them with: tags, or the names of properties that are true.
    pub tags: BTreeSet<String>,
}

/// What the test did and expects.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Who should be there now, by address; without those whom the receiver refuses.
    pub people: BTreeMap<String, Person>,
    /// Everybody whom any run was to bring.
    pub ever: BTreeSet<String>,
    /// Every tag or property that Ferry gives begins like this.
    pub tag_prefix: String,
    /// When people opted in, as the receiver writes it: nobody else may be subscribed, and nobody with another date.
    pub opt_ins: BTreeMap<String, String>,
    /// Batches that were on their way when a process broke off, as [`Books::on_their_way`] counted them right then,
    /// all breaks together.
    pub broken_off: u64,
    /// Answers that were lost on a way that the receiver does not see.
    pub lost: u64,
    /// Requests that are allowed in any 60 seconds, of all kinds and for tags; none when others use the account too.
    pub limits: Option<(usize, usize)>,
    /// Have the faults ended long enough ago?
    pub is_over: bool,
    /// What must not be found.
    pub secrets: Vec<String>,
    /// Where it must not be found: logs, and files of the database.
    pub open_files: Vec<PathBuf>,
    /// The data directory, when no process uses it any more.
    pub data_dir: Option<PathBuf>,
}

/// Looks at everything; gives the promises that were broken, each with its number and what shows it.
///
/// # Errors
/// The database cannot be read.
pub async fn broken(books: &mut Books, seen: &Seen, told: &Told) -> Result<Vec<String>, BooksError> {
    let runs = books.runs().await?;
    let batches = books.batches().await?;
    let mut found = Vec::new();
    found.extend(rules::completeness(&runs, seen, told));
    found.extend(rules::repetition(&batches, seen, told));
    found.extend(rules::rate(seen, told));
    found.extend(history::ownership(&books.history().await?, &books.batch_history().await?));
    found.extend(rules::slots(&books.repeated_slots().await?));
    found.extend(history::monotone(&books.history().await?, &runs));
    found.extend(rules::consent(seen, told));
    found.extend(files::secrecy(told));
    found.extend(rules::liveness(&runs, told));
    found.extend(files::clean(told));
    Ok(found)
}
