//! Calls per minute, for each skill and each caller.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use openclaw_package::name::SkillId;

use crate::sandbox::Ceilings;

const WINDOW: Duration = Duration::from_secs(60);

/// Counts of the current minute.
#[derive(Debug, Default)]
pub(crate) struct RateLimits(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    since: Option<Instant>,
    skills: HashMap<SkillId, u32>,
    callers: HashMap<String, u32>,
}

impl RateLimits {
    /// Counts a call, or says which ceiling it would pass.
    pub(crate) fn admit(&self, ceilings: &Ceilings, caller: &str, skill: &SkillId) -> Result<(), String> {
        let (per_skill, per_caller) =
            (ceilings.calls_per_minute_per_skill, ceilings.calls_per_minute_per_caller);
        if per_skill == 0 && per_caller == 0 {
            return Ok(());
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.since.is_none_or(|since| since.elapsed() >= WINDOW) {
            *counts = Counts { since: Some(Instant::now()), ..Counts::default() };
        }
        let of_skill = counts.skills.get(skill).copied().unwrap_or(0);
        let of_caller = counts.callers.get(caller).copied().unwrap_or(0);
        if per_skill != 0 && of_skill >= per_skill {
            return Err(format!("{skill} was called {of_skill} times in this minute, which is its ceiling"));
        }
        if per_caller != 0 && of_caller >= per_caller {
            return Err(format!("{caller} has made {of_caller} calls in this minute, which is its ceiling"));
        }
        counts.skills.insert(skill.clone(), of_skill + 1);
        counts.callers.insert(caller.to_owned(), of_caller + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_of_a_skill_does_not_stop_another_skill() {
        let rates = RateLimits::default();
        let ceilings = Ceilings { calls_per_minute_per_skill: 2, ..Ceilings::default() };
        let (busy, other) = ("acme/busy".parse().unwrap(), "acme/other".parse().unwrap());
        assert!(rates.admit(&ceilings, "cli", &busy).is_ok());
        assert!(rates.admit(&ceilings, "cli", &busy).is_ok());
        assert!(rates.admit(&ceilings, "cli", &busy).unwrap_err().contains("acme/busy"));
        assert!(rates.admit(&ceilings, "cli", &other).is_ok());
    }
}
