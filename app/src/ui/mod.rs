//! Parts that two or more screens use. They show what they are given: no server function, no decision.

mod error_panel;
mod field;
mod icon;
mod kind;
mod layout;
mod list;
mod menus;
mod number;
mod pace;
mod page;
mod pagination;
mod parts;
pub mod schedule;
pub mod sentences;
mod status;
mod table;
mod time;

pub use error_panel::{ErrorPanel, FaultSummary};
pub use field::{Choice, Faults, RadioGroup, SelectField, TextField};
pub use icon::{Icon, icon};
pub use kind::{kind_name, kind_picture};
pub use list::ListQuery;
pub use number::{bytes, decimal, number, percent};
pub use pace::pace_lines;
pub use page::{Screen, open_page, signed_in};
pub use pagination::Pagination;
pub use parts::{ActionsMenu, CopyBox, EmptyState, Notice, PostButton};
pub use status::{Badge, Tone};
pub use table::{Column, List, SearchForm, Table, nothing_found, own_text};
pub use time::{DateTime, TimeAgo, date_time_text, duration_text, seconds_until};
