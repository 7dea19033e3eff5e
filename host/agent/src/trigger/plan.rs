//! Which schedules are due, which wait, and which run: all that is decided of them, without a clock or a call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use openclaw_package::manifest::{CronTrigger, Missed, Overlap};
use openclaw_package::name::{SkillId, ToolId};

use super::store::{Known, Paused};
use super::zone::{UnknownZone, next_in, zone};

/// Runs at once.
pub(super) const MOST_RUNNING: usize = 16;
/// Runs of a skill at once.
pub(super) const MOST_OF_A_SKILL: usize = 2;
/// A run that is later than this was missed.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// How old a missed run may be that is made up for.
const MAKES_UP: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far ahead of the clock it may be noted that something was seen; further, the clock was wrong then.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// A tool that is called by a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scheduled {
    pub(super) tool: ToolId,
    pub(super) cron: CronTrigger,
}

impl Scheduled {
    /// What its state is kept under: another schedule of the same tool begins anew.
    pub(super) fn key(&self) -> String {
        key(&self.tool, &self.cron)
    }
}

/// What a schedule's state is kept under.
#[must_use]
pub fn key(tool: &ToolId, cron: &CronTrigger) -> String {
    format!("{tool} {} {}", cron.schedule, cron.timezone)
}

/// A schedule, and where it is in its times.
#[derive(Debug)]
struct Entry {
    scheduled: Scheduled,
    /// None where this machine does not know the zone: then it is never due.
    zone: Option<TimeZone>,
    /// Whatever was due until then was run or left out.
    seen: Timestamp,
    next: Option<Timestamp>,
    /// Whether it stands among those that wait.
    waits: bool,
    /// Whether it is to run again after the run that it has now.
    again: bool,
}

impl Entry {
    fn set_seen(&mut self, seen: Timestamp) {
        self.seen = seen;
        self.next = self.zone.as_ref().and_then(|zone| next_in(&self.scheduled.cron.schedule, zone, seen));
    }
}

/// All schedules.
#[derive(Debug, Default)]
pub(super) struct Plan {
    entries: BTreeMap<String, Entry>,
    /// Those that wait for a place; each stands here once.
    waiting: VecDeque<String>,
    /// Those that run, and whose they are.
    running: BTreeMap<String, SkillId>,
}

/// What changed when schedules were read anew.
#[derive(Debug, Default)]
pub(super) struct Updated {
    /// Schedules of which nothing was known.
    pub(super) new: Vec<(String, ToolId)>,
    /// Those that are not run, since nobody knows when.
    pub(super) unknown: Vec<(ToolId, UnknownZone)>,
}

impl Plan {
    /// Takes these schedules in place of those that there were. What runs goes on, and what is known stays so.
    pub(super) fn update(
        &mut self,
        schedules: Vec<Scheduled>,
        known: &BTreeMap<String, Known>,
        paused: &Paused,
        now: Timestamp,
    ) -> Updated {
        let mut updated = Updated::default();
        let mut before = std::mem::take(&mut self.entries);
        for scheduled in schedules {
            let key = scheduled.key();
            let zone = zone(&scheduled.cron.timezone);
            let (seen, waits, again) = match (before.remove(&key), known.get(&key)) {
                (Some(entry), _) => (entry.seen, entry.waits, entry.again),
                (None, Some(known)) => {
                    let makes_up = scheduled.cron.missed == Missed::Once && !paused.covers(&scheduled.tool);
                    (restored(known.seen, makes_up, now), false, false)
                }
                (None, None) => {
                    updated.new.push((key.clone(), scheduled.tool.clone()));
                    (now, false, false)
                }
            };
            if let Err(unknown) = &zone {
                updated.unknown.push((scheduled.tool.clone(), unknown.clone()));
            }
            let mut entry = Entry { scheduled, zone: zone.ok(), seen, next: None, waits, again };
            entry.set_seen(seen);
            self.entries.insert(key, entry);
        }
        self.waiting.retain(|key| self.entries.get(key).is_some_and(|entry| entry.waits));
        updated
    }

    /// Whether something is due, or waits.
    pub(super) fn is_busy(&self, now: Timestamp) -> bool {
        !self.waiting.is_empty()
            || self.entries.values().any(|entry| {
                entry.next.is_some_and(|next| next <= now) || now.duration_until(entry.seen) > AHEAD
            })
    }

    /// Has what is due wait for a place; answers with what is left out instead.
    pub(super) fn advance(&mut self, now: Timestamp, paused: &Paused) -> Vec<(String, ToolId)> {
        let mut left_out = Vec::new();
        for (key, entry) in &mut self.entries {
            if now.duration_until(entry.seen) > AHEAD {
                entry.set_seen(now);
            }
            let Some(due) = entry.next.filter(|next| *next <= now) else { continue };
            entry.set_seen(now);
            let cron = &entry.scheduled.cron;
            let is_missed = due.duration_until(now) > LATE && cron.missed == Missed::Skip;
            let runs = self.running.contains_key(key);
            if is_missed || paused.covers(&entry.scheduled.tool) {
                left_out.push((key.clone(), entry.scheduled.tool.clone()));
            } else if runs && !entry.waits && cron.overlap == Overlap::Queue {
                entry.again = true;
            } else if runs || entry.waits {
                left_out.push((key.clone(), entry.scheduled.tool.clone()));
            } else {
                entry.waits = true;
                self.waiting.push_back(key.clone());
            }
        }
        left_out
    }

    /// Takes from those that wait all that may begin now; they count as running from here on.
    pub(super) fn begin(&mut self, paused: &Paused) -> Vec<(String, Scheduled)> {
        let mut begun = Vec::new();
        for key in std::mem::take(&mut self.waiting) {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let tool = &entry.scheduled.tool;
            if paused.covers(tool) {
                entry.waits = false;
                continue;
            }
            let of_skill = self.running.values().filter(|skill| *skill == tool.skill()).count();
            if self.running.len() >= MOST_RUNNING || of_skill >= MOST_OF_A_SKILL {
                self.waiting.push_back(key);
                continue;
            }
            self.running.insert(key.clone(), tool.skill().clone());
            entry.waits = false;
            begun.push((key, entry.scheduled.clone()));
        }
        begun
    }

    /// A run is over. One that was put off until then waits for a place now.
    pub(super) fn end(&mut self, key: &str) {
        self.running.remove(key);
        if let Some(entry) = self.entries.get_mut(key)
            && std::mem::take(&mut entry.again)
        {
            entry.waits = true;
            self.waiting.push_back(key.to_owned());
        }
    }

    /// How long nothing is due; at most `most`.
    pub(super) fn quiet(&self, now: Timestamp, most: Duration) -> Duration {
        let next = self.entries.values().filter_map(|entry| entry.next).min();
        let until = next.map(|next| Duration::try_from(now.duration_until(next)).unwrap_or_default());
        until.map_or(most, |until| until.min(most))
    }

    /// The keys of all schedules.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.entries.keys().cloned().collect()
    }
}

/// Where a schedule goes on that was seen before this process began.
fn restored(seen: Timestamp, makes_up: bool, now: Timestamp) -> Timestamp {
    let least = if makes_up { now.saturating_sub(MAKES_UP).unwrap_or(now) } else { now };
    let seen = seen.max(least);
    if now.duration_until(seen) > AHEAD { now } else { seen }
}

#[cfg(test)]
mod tests;
