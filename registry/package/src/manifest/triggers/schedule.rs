//! When a trigger calls: the five fields of crontab(5), in a time that has no zone yet.
//!
//! | field        | values                              |
//! |--------------|-------------------------------------|
//! | minute       | 0–59                                |
//! | hour         | 0–23                                |
//! | day of month | 1–31                                |
//! | month        | 1–12, or `jan` to `dec`             |
//! | day of week  | 0–7, 0 and 7 for Sunday, or `sun` to `sat` |
//!
//! A field is a list, with commas, of `*`, a value, or a range `a-b`; a step, `*/n` or `a-b/n`, takes every nth.
//! Where neither day field begins with `*`, a day need be in one of them only, as with cron. There are no seconds,
//! years or nicknames, and no `?`, `L`, `W` or `#`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::conversions::string_conversions;
use crate::text::quoted;

const MAX_LEN: usize = 256;
const MINUTES_OF_DAY: i64 = 24 * 60;

/// The Gregorian calendar begins anew after so many months, with the same weekdays too.
const CYCLE: usize = 400 * 12;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schedule {schedule:?}: {problem}")]
pub struct ScheduleError {
    schedule: String,
    problem: String,
}

impl ScheduleError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-schedule"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(
            "write minute, hour, day of month, month and day of week, for example \"0 9 * * mon-fri\""
                .to_owned(),
        )
    }
}

/// Five fields of cron that come true at some time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
    /// Whether a day need be in one of its two fields only.
    either: bool,
}

impl Schedule {
    /// The schedule as it is written, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time of the schedule after a time, both in seconds since the beginning of 1970 as a clock on the
    /// wall counts them. In UTC that is all; elsewhere the clock leaps, which is for the caller to know.
    ///
    /// There is one, unless it is beyond what the number holds.
    pub fn next_after(&self, seconds: i64) -> Option<i64> {
        let minute = seconds.div_euclid(60).checked_add(1)?;
        let (today, now) = (minute.div_euclid(MINUTES_OF_DAY), minute.rem_euclid(MINUTES_OF_DAY));
        let (mut year, mut month, mut first_day) = civil(today);
        let mut day_number = today;
        for _ in 0..=CYCLE {
            let length = days_in(year, month);
            for day in first_day..=length {
                let earliest = if day_number == today { now } else { 0 };
                if self.has_day(month, day, day_number)
                    && let Some(time) = self.time_from(earliest)
                {
                    return day_number.checked_mul(MINUTES_OF_DAY)?.checked_add(time)?.checked_mul(60);
                }
                day_number += 1;
            }
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            first_day = 1;
        }
        None
    }

    fn has_day(&self, month: i64, day: i64, day_number: i64) -> bool {
        // The first day of 1970 was a Thursday.
        let weekday = (day_number + 4).rem_euclid(7);
        let (by_day, by_weekday) = (self.days.has(day), self.weekdays.has(weekday));
        self.months.has(month) && if self.either { by_day || by_weekday } else { by_day && by_weekday }
    }

    /// The first time of a day, in minutes, that is not before another.
    fn time_from(&self, earliest: i64) -> Option<i64> {
        let times = (earliest / 60..24).filter(|hour| self.hours.has(*hour));
        let mut times = times.flat_map(|hour| (0..60).map(move |minute| (hour, minute)));
        let found = times.find(|(hour, minute)| self.minutes.has(*minute) && hour * 60 + minute >= earliest);
        found.map(|(hour, minute)| hour * 60 + minute)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let refuse = |problem| ScheduleError { schedule: quoted(text), problem };
        let fields: Vec<&str> = text.split_ascii_whitespace().take(6).collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            let problem = if fields.len() < 5 {
                "it has fewer than five fields"
            } else {
                "it has more than five fields"
            };
            return Err(refuse(problem.to_owned()));
        };
        if text.len() > MAX_LEN {
            return Err(refuse(format!("it is longer than {MAX_LEN} bytes")));
        }
        let read = |name: &str, field: &str, range: (u32, u32), names: &[&str]| {
            Values::read(field, range, names).map_err(|problem| refuse(format!("the {name} {problem}")))
        };
        let schedule = Self {
            minutes: read("minute", minute, (0, 59), &[])?,
            hours: read("hour", hour, (0, 23), &[])?,
            days: read("day of month", day, (1, 31), &[])?,
            months: read("month", month, (1, 12), &MONTHS)?,
            weekdays: read("day of week", weekday, (0, 7), &WEEKDAYS)?.with_sunday(),
            either: !day.starts_with('*') && !weekday.starts_with('*'),
            text: fields.join(" "),
        };
        match schedule.next_after(0) {
            Some(_) => Ok(schedule),
            None => Err(refuse("no month has such a day".to_owned())),
        }
    }
}

/// Some of the numbers from 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Values(u64);

impl Values {
    fn has(self, value: i64) -> bool {
        u32::try_from(value).is_ok_and(|value| self.0.checked_shr(value).unwrap_or(0) & 1 == 1)
    }

    /// Sunday is both 0 and 7.
    fn with_sunday(self) -> Self {
        Self(self.0 | self.0 >> 7 & 1)
    }

    /// Reads a field; `names` are those of the values from the least on.
    fn read(field: &str, range: (u32, u32), names: &[&str]) -> Result<Self, String> {
        let mut values = 0;
        for item in field.split(',') {
            let (span, step) = match item.split_once('/') {
                Some((span, step)) => (span, Some(number(step, (1, range.1))?)),
                None => (item, None),
            };
            let value = |text: &str| {
                let place = names.iter().position(|name| name.eq_ignore_ascii_case(text));
                match place.and_then(|place| u32::try_from(place).ok()) {
                    Some(place) => Ok(range.0 + place),
                    None => number(text, range),
                }
            };
            let (first, last) = match span.split_once('-') {
                _ if span == "*" => range,
                Some((first, last)) => (value(first)?, value(last)?),
                None if step.is_some() => {
                    return Err(format!("has a step without * or a range: {}", quoted(item)));
                }
                None => (value(span)?, value(span)?),
            };
            if first > last {
                return Err(format!("has a range that ends before it begins: {}", quoted(item)));
            }
            let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
            values |= (first..=last).step_by(step).fold(0, |bits, value| bits | 1_u64 << value);
        }
        Ok(Self(values))
    }
}

/// A number of one or two digits in a range.
fn number(text: &str, (least, greatest): (u32, u32)) -> Result<u32, String> {
    let digits = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (least..=greatest).contains(number));
    number.ok_or_else(|| format!("has {:?}, which is not from {least} to {greatest}", quoted(text)))
}

/// Year, month and day of a day, counted from the first of 1970 (days in eras of 400 years, from March on).
fn civil(day_number: i64) -> (i64, i64, i64) {
    let from_march = day_number + 719_468;
    let (era, day_of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

string_conversions!(Schedule, ScheduleError);
