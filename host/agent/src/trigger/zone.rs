//! When a schedule comes true in a zone, whose clocks leap.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use openclaw_package::manifest::{CronTrigger, Schedule, ZoneName};

/// More than the minutes that a clock was ever set back.
const REPEATED: usize = 48 * 60;

/// A zone that this machine's time zone database does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this machine knows no time zone {0}")]
pub struct UnknownZone(ZoneName);

impl UnknownZone {
    /// What to do next.
    #[must_use]
    pub fn hint() -> &'static str {
        "install or update the system's tzdata; if the name is wrong, tell the skill's author"
    }
}

/// The next time of a trigger after another.
///
/// # Errors
/// [`UnknownZone`]: another zone's time would be a wrong one.
pub fn next(trigger: &CronTrigger, after: Timestamp) -> Result<Option<Timestamp>, UnknownZone> {
    Ok(next_in(&trigger.schedule, &zone(&trigger.timezone)?, after))
}

/// The zone of a name.
pub(super) fn zone(name: &ZoneName) -> Result<TimeZone, UnknownZone> {
    if name.is_utc() {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name.as_str()).map_err(|_| UnknownZone(name.clone()))
}

/// The next time of a schedule in a zone. What the clock leaps over comes true at the first moment after, and what it
/// shows twice the first time.
pub(super) fn next_in(schedule: &Schedule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut shown = TimeZone::UTC.to_timestamp(zone.to_datetime(after)).ok()?.as_second();
    for _ in 0..=REPEATED {
        shown = schedule.next_after(shown)?;
        let found = instant(zone, TimeZone::UTC.to_datetime(Timestamp::from_second(shown).ok()?))?;
        // In the hour that is shown a second time, those of the first are over.
        if found > after {
            return Some(found);
        }
    }
    None
}

/// The moment at which a clock shows a time, or has leapt over it.
fn instant(zone: &TimeZone, shown: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(shown);
    let earlier = ambiguous.earlier().ok()?;
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => zone.following(earlier).next().map(|leap| leap.timestamp()),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => Some(earlier),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule: Schedule = schedule.parse().unwrap();
        let zone = super::zone(&zone.parse().unwrap()).unwrap();
        let mut after: Timestamp = after.parse().unwrap();
        let mut step = || {
            after = next_in(&schedule, &zone, after).unwrap();
            after.to_string()
        };
        (0..count).map(|_| step()).collect()
    }

    #[test]
    fn a_time_is_that_of_the_zone_in_summer_and_in_winter() {
        assert_eq!(
            times("0 9 1 1,7 *", "Europe/Berlin", "2026-01-02T00:00:00Z", 2),
            ["2026-07-01T07:00:00Z", "2027-01-01T08:00:00Z"]
        );
        assert_eq!(times("0 9 * * *", "UTC", "2026-07-01T08:59:59Z", 1), ["2026-07-01T09:00:00Z"]);
        assert_eq!(
            times("30 0 * * *", "Asia/Kathmandu", "2026-07-01T00:00:00Z", 1),
            ["2026-07-01T18:45:00Z"]
        );
    }

    #[test]
    fn what_the_clock_leaps_over_comes_true_once_at_the_first_moment_after() {
        // On 29 March 2026, 02:00 is followed by 03:00 in Berlin, which is 01:00 in UTC.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            times("*/15 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 3),
            ["2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"]
        );
        // A leap of half an hour.
        assert_eq!(
            times("15 2 4 10 *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 1),
            ["2026-10-03T15:30:00Z"]
        );
        // A day that never was.
        assert_eq!(
            times("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 2),
            ["2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"]
        );
    }

    #[test]
    fn what_the_clock_shows_twice_comes_true_the_first_time_only() {
        // On 25 October 2026, 03:00 is followed by 02:00 in Berlin, which is 01:00 in UTC.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        assert_eq!(
            times("30 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"]
        );
        assert_eq!(times("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1), ["2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn a_leap_day_comes_true_in_leap_years() {
        assert_eq!(
            times("0 0 29 2 *", "America/New_York", "2026-01-01T00:00:00Z", 2),
            ["2028-02-29T05:00:00Z", "2032-02-29T05:00:00Z"]
        );
        assert_eq!(times("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_zone_that_is_not_there_is_named_and_never_utc() {
        let trigger = CronTrigger {
            tool: "run".parse().unwrap(),
            schedule: "0 9 * * *".parse().unwrap(),
            timezone: "Europe/Atlantis".parse().unwrap(),
            missed: Default::default(),
            overlap: Default::default(),
        };
        let error = next(&trigger, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.to_string(), "this machine knows no time zone Europe/Atlantis");
    }

    #[test]
    fn the_end_of_time_has_no_next() {
        let each: Schedule = "* * * * *".parse().unwrap();
        let zone = super::zone(&"Europe/Berlin".parse().unwrap()).unwrap();
        assert_eq!(next_in(&each, &zone, Timestamp::MAX), None);
        assert!(next_in(&each, &zone, Timestamp::MIN).is_some());
    }
}
