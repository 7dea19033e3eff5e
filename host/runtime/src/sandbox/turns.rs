//! Turns on the CPU: a guest that computes for long waits for others, so that a short call never does.
//!
//! For its first [`SHORT`] epoch ticks a guest runs as it likes. From then on it needs a turn, of which there
//! is one fewer than there are cores, and gives it back after [`SLICE`] if somebody waits for one. A turn is a
//! lease: it ends by the clock, so one whose holder waits for the network is not lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use wasmtime::UpdateDeadline;

use super::fault::{Cancelled, DeadlinePassed};
use crate::blocking::in_place;
use crate::cancel::Cancel;

/// Epoch ticks for which a guest computes without a turn.
const SHORT: u32 = 2;
/// How long a turn lasts where others wait.
const SLICE: Duration = Duration::from_millis(5);

/// The turns of one engine.
#[derive(Debug)]
pub(super) struct Turns {
    at_once: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    leases: Vec<Lease>,
    queue: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Lease {
    of: u64,
    until: Instant,
}

#[derive(Debug)]
struct Waiter {
    of: u64,
    thread: Thread,
}

impl Turns {
    /// Turns for a machine with this many cores.
    pub(super) fn new(cores: usize) -> Self {
        Self { at_once: cores.saturating_sub(1).max(1), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a guest may go on computing; where it may not, it stands in the queue.
    fn take(&self, of: u64, now: Instant) -> bool {
        let mut state = self.state();
        if state.leases.iter().any(|lease| lease.of == of && now < lease.until) {
            return true;
        }
        state.leases.retain(|lease| lease.of != of && now < lease.until);
        let free = self.at_once.saturating_sub(state.leases.len());
        let place = state.queue.iter().position(|waiter| waiter.of == of);
        // Who is not in the queue yet goes behind everybody in it.
        if place.unwrap_or(state.queue.len()) < free {
            state.queue.retain(|waiter| waiter.of != of);
            state.leases.push(Lease { of, until: now + SLICE });
            // Who is first now learns until when to wait.
            state.wake(self.at_once);
            return true;
        }
        if place.is_none() {
            state.queue.push_back(Waiter { of, thread: std::thread::current() });
        }
        state.wake(free);
        false
    }

    /// When a turn may come free for a guest that waits; none where others are before it, who wake it.
    fn next_end(&self, of: u64) -> Option<Instant> {
        let state = self.state();
        let is_next = state.queue.iter().take(self.at_once).any(|waiter| waiter.of == of);
        state.leases.iter().map(|lease| lease.until).min().filter(|_| is_next)
    }

    fn leave(&self, of: u64) {
        let mut state = self.state();
        state.leases.retain(|lease| lease.of != of);
        state.queue.retain(|waiter| waiter.of != of);
        let free = self.at_once.saturating_sub(state.leases.len());
        state.wake(free);
    }
}

impl State {
    fn wake(&self, free: usize) {
        for waiter in self.queue.iter().take(free) {
            waiter.thread.unpark();
        }
    }
}

/// One call as its guest computes: what ends it, and whether it has to wait for a turn.
#[derive(Debug)]
pub(super) struct Pace {
    turns: Arc<Turns>,
    pub(super) cancel: Cancel,
    pub(super) deadline: Instant,
    ticks: u32,
    /// Its number among those that compute for long.
    number: Option<u64>,
}

impl Pace {
    pub(super) fn new(turns: &Arc<Turns>, cancel: Cancel, deadline: Instant) -> Self {
        Self { turns: Arc::clone(turns), cancel, deadline, ticks: 0, number: None }
    }

    /// What happens at each tick of the epoch while the guest computes.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.check(Instant::now())?;
        self.ticks = self.ticks.saturating_add(1);
        if self.ticks > SHORT {
            self.wait_for_turn()?;
        }
        Ok(UpdateDeadline::Continue(1))
    }

    /// Fails if the call is to end.
    pub(super) fn check(&self, now: Instant) -> wasmtime::Result<()> {
        if self.cancel.is_given() {
            return Err(Cancelled.into());
        }
        if now >= self.deadline { Err(DeadlinePassed.into()) } else { Ok(()) }
    }

    fn wait_for_turn(&mut self) -> wasmtime::Result<()> {
        let first = self.number.is_none();
        let number = *self.number.get_or_insert_with(|| {
            let mut state = self.turns.state();
            state.next += 1;
            state.next
        });
        if self.turns.take(number, Instant::now()) && !first {
            return Ok(());
        }
        // What else this thread would have run goes to another one, also where there is nothing to wait for.
        in_place(|| {
            if first {
                std::thread::yield_now();
            }
            loop {
                let now = Instant::now();
                self.check(now)?;
                if self.turns.take(number, now) {
                    return Ok(());
                }
                let until = self.turns.next_end(number).unwrap_or(self.deadline);
                self.cancel.park_until(until.min(self.deadline));
            }
        })
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.turns.leave(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns() -> (Turns, Instant) {
        (Turns::new(2), Instant::now())
    }

    #[test]
    fn a_turn_is_kept_for_its_slice_and_then_goes_to_who_waited_longest() {
        let (turns, begun) = turns();
        assert!(turns.take(1, begun));
        assert!(!turns.take(2, begun) && !turns.take(3, begun));
        assert!(turns.take(1, begun + SLICE / 2));
        let later = begun + SLICE;
        assert!(!turns.take(1, later), "others wait");
        assert!(!turns.take(3, later), "2 waited longer");
        assert!(turns.take(2, later));
        assert!(turns.take(3, later + SLICE));
        assert!(turns.take(1, later + SLICE * 2));
    }

    #[test]
    fn who_is_alone_goes_on() {
        let (turns, begun) = turns();
        for slices in 0..5 {
            assert!(turns.take(1, begun + SLICE * slices));
        }
    }

    #[test]
    fn a_turn_whose_holder_is_away_or_gone_is_free() {
        let (turns, begun) = turns();
        assert!(turns.take(1, begun));
        assert!(turns.take(2, begun + SLICE), "its time is over");
        turns.leave(2);
        assert!(turns.take(3, begun + SLICE));
    }

    #[test]
    fn a_machine_of_many_cores_has_many_turns() {
        let (turns, begun) = (Turns::new(4), Instant::now());
        assert!((1..=3).all(|of| turns.take(of, begun)));
        assert!(!turns.take(4, begun));
    }
}
