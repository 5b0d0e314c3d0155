//! Schedules, wherever they are set or shown: as a form's value, as fields, as a sentence, as the next runs.

mod fields;
mod form;
mod words;

pub use fields::{kind_choices, look_ahead, own_fields, times_fields, weekday_fields, zone_field};
pub use form::{ScheduleForm, schedule_faults};
pub use words::{labels, schedule_text};
