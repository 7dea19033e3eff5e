//! Who may run: places for calls at once, of which some are kept for skills that are known to be quick.
//!
//! - One skill has at most half of the places, so that it cannot keep out the others.
//! - A quarter is kept for skills whose last call was quick, one place for each at a time: skills that take
//!   their time can fill the rest, and a quick one is still served.
//! - Who finds no place waits a little, and is then told that the host is busy.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openclaw_package::name::SkillId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a call waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);
/// A call that held its place for no longer than this was quick.
const QUICK: Duration = Duration::from_millis(250);
/// Calls that may wait for each place; more are told at once.
const QUEUE: usize = 64;

/// The places of one host.
#[derive(Debug)]
pub(crate) struct Places {
    total: usize,
    patience: Duration,
    ordinary: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    skills: Mutex<HashMap<SkillId, Arc<Skill>>>,
    waiting: AtomicUsize,
}

/// What is known of one skill.
#[derive(Debug)]
struct Skill {
    places: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    quick: AtomicBool,
}

/// No place came free in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPlace;

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    since: Instant,
    skill: Arc<Skill>,
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Place {
    /// Gives the place back, and remembers whether the call was quick.
    pub(crate) fn leave(self) {
        self.skill.quick.store(self.since.elapsed() <= QUICK, Ordering::Relaxed);
    }
}

impl Places {
    /// `total` places; of one or two, none is kept.
    pub(crate) fn new(total: u32) -> Self {
        let total = total.max(1) as usize;
        let kept = if total > 2 { (total / 4).max(1) } else { 0 };
        Self {
            total,
            patience: PATIENCE,
            ordinary: Arc::new(Semaphore::new(total - kept)),
            kept: Arc::new(Semaphore::new(kept)),
            skills: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// How many there are.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// How many are taken now.
    pub(crate) fn taken(&self) -> usize {
        let free = self.ordinary.available_permits() + self.kept.available_permits();
        self.total.saturating_sub(free)
    }

    /// Forgets what is known of skills that are not installed any more.
    pub(crate) fn retain(&self, is_installed: impl Fn(&SkillId) -> bool) {
        self.skills.lock().unwrap_or_else(PoisonError::into_inner).retain(|skill, _| is_installed(skill));
    }

    /// A place for a call of a skill, if there is one now.
    pub(crate) fn take_now(&self, skill: &SkillId) -> Option<Place> {
        self.try_take(&self.skill(skill))
    }

    /// A place for a call of a skill; waits a little where there is none.
    pub(crate) async fn take(&self, skill: &SkillId) -> Result<Place, NoPlace> {
        let skill = self.skill(skill);
        if let Some(place) = self.try_take(&skill) {
            return Ok(place);
        }
        let _waiting = Waiting::begin(&self.waiting, self.total.saturating_mul(QUEUE))?;
        tokio::time::timeout(self.patience, self.wait(&skill)).await.map_err(|_| NoPlace)
    }

    fn skill(&self, skill: &SkillId) -> Arc<Skill> {
        let mut skills = self.skills.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = skills.get(skill) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(Skill {
            places: Arc::new(Semaphore::new(self.total.div_ceil(2))),
            kept: Arc::new(Semaphore::new(1)),
            quick: AtomicBool::new(false),
        });
        skills.insert(skill.clone(), Arc::clone(&fresh));
        fresh
    }

    fn try_take(&self, skill: &Arc<Skill>) -> Option<Place> {
        let own = Arc::clone(&skill.places).try_acquire_owned().ok()?;
        if let Ok(ordinary) = Arc::clone(&self.ordinary).try_acquire_owned() {
            return Some(Place::new(skill, [Some(own), Some(ordinary), None]));
        }
        if !skill.quick.load(Ordering::Relaxed) {
            return None;
        }
        let once = Arc::clone(&skill.kept).try_acquire_owned().ok()?;
        let kept = Arc::clone(&self.kept).try_acquire_owned().ok()?;
        Some(Place::new(skill, [Some(own), Some(once), Some(kept)]))
    }

    async fn wait(&self, skill: &Arc<Skill>) -> Place {
        let own = acquired(&skill.places).await;
        let ordinary = acquired(&self.ordinary);
        if !skill.quick.load(Ordering::Relaxed) {
            return Place::new(skill, [own, ordinary.await, None]);
        }
        let kept = async { (acquired(&skill.kept).await, acquired(&self.kept).await) };
        tokio::select! {
            biased;
            ordinary = ordinary => Place::new(skill, [own, ordinary, None]),
            (once, kept) = kept => Place::new(skill, [own, once, kept]),
        }
    }
}

impl Place {
    fn new(skill: &Arc<Skill>, permits: [Option<OwnedSemaphorePermit>; 3]) -> Self {
        Self { since: Instant::now(), skill: Arc::clone(skill), _permits: permits }
    }
}

/// A permit, for which nobody waits in vain: the semaphores of this file are never closed.
async fn acquired(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.ok()
}

/// One call that waits for a place.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize, most: usize) -> Result<Self, NoPlace> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < most { Ok(waiting) } else { Err(NoPlace) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> SkillId {
        format!("acme/{name}").parse().unwrap()
    }

    fn places(total: u32, patience: Duration) -> Places {
        Places { patience, ..Places::new(total) }
    }

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_skill_has_at_most_half_and_the_next_is_told_that_the_host_is_busy() {
        let places = places(8, SHORT);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(places.take(&id("greedy")).await.unwrap());
        }
        assert_eq!(places.take(&id("greedy")).await.unwrap_err(), NoPlace);
        assert!(places.take(&id("other")).await.is_ok());
        held.pop().unwrap().leave();
        assert!(places.take(&id("greedy")).await.is_ok());
    }

    #[tokio::test]
    async fn a_quick_skill_is_served_where_slow_ones_hold_all_the_rest() {
        let places = places(8, SHORT);
        places.take(&id("quick")).await.unwrap().leave();
        let mut held = Vec::new();
        for number in 0..6 {
            held.push(places.take(&id(&format!("slow-{number}"))).await.unwrap());
        }
        assert_eq!(places.take(&id("unknown")).await.unwrap_err(), NoPlace);
        let place = places.take(&id("quick")).await.unwrap();
        assert_eq!(places.take(&id("quick")).await.unwrap_err(), NoPlace, "one of the kept places each");
        place.leave();
        places.take(&id("quick")).await.unwrap().leave();
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_comes_free() {
        let places = Arc::new(places(1, LONG));
        let place = places.take(&id("a")).await.unwrap();
        let theirs = Arc::clone(&places);
        let waiting = tokio::spawn(async move { theirs.take(&id("b")).await.map(Place::leave) });
        tokio::time::sleep(SHORT).await;
        assert!(!waiting.is_finished());
        place.leave();
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_queue_without_end_is_told_at_once() {
        let places = Arc::new(places(1, LONG));
        let held = places.take(&id("a")).await.unwrap();
        let waiting: Vec<_> = (0..QUEUE)
            .map(|_| {
                let places = Arc::clone(&places);
                tokio::spawn(async move { places.take(&id("b")).await.map(Place::leave) })
            })
            .collect();
        while places.waiting.load(Ordering::Relaxed) < QUEUE {
            tokio::time::sleep(SHORT).await;
        }
        assert_eq!(places.take(&id("c")).await.unwrap_err(), NoPlace);
        held.leave();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Ok(()));
        }
    }
}
