//! What administrators set for all that runs by itself.

use domain::system::{SystemSettings, WhenActive};

use super::{DbError, Tx, sql, values};

/// The settings, with the instant from which the schedule counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    /// The settings.
    pub settings: SystemSettings,
    /// Since when the schedule is as it is: microseconds since 1970, UTC.
    pub schedule_since: i64,
}

/// The settings.
pub async fn settings(tx: &mut Tx) -> Result<StoredSettings, DbError> {
    let (schedule, schedule_since, hours, when_active, version) = sql::fetch_one!(
        tx,
        (String, i64, i64, String, i64),
        "select schedule, schedule_since, catch_up_hours, when_active, version from system_schedule where id = 1",
    )?;
    let settings = SystemSettings {
        schedule: values::from_json("system_schedule.schedule", &schedule)?,
        catch_up_hours: u32::try_from(hours).map_err(|_| DbError::Corrupt("system_schedule.catch_up_hours"))?,
        when_active: WhenActive::parse(&when_active).ok_or(DbError::Corrupt("system_schedule.when_active"))?,
        version,
    };
    Ok(StoredSettings { settings, schedule_since })
}

/// Changes the settings. `settings.version` is the one that was shown: false when somebody saved since.
pub async fn save(tx: &mut Tx, settings: &SystemSettings, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update system_schedule
         set schedule_since = case when schedule = $2 then schedule_since else $5 end,
            schedule = $2, catch_up_hours = $3, when_active = $4, version = version + 1
         where id = 1 and version = $1",
        settings.version,
        values::to_json("system_schedule.schedule", &settings.schedule)?,
        i64::from(settings.catch_up_hours),
        settings.when_active.as_str(),
        now,
    )?;
    Ok(changed == 1)
}
