//! One turn at a time in a session, in the order that its messages came in; sessions do not wait for each other.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::store::SessionId;

/// How many messages may be at work or wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLimits {
    /// In one session, the one that is being answered among them.
    pub per_session: usize,
    /// Sessions that have any.
    pub sessions: usize,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self { per_session: 8, sessions: 4096 }
    }
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The session has as many as it may.
    #[error("this conversation is busy: {0} messages wait for their answer already")]
    Session(usize),
    /// Whoever speaks has as many as they may.
    #[error("{0} messages of this caller are being answered, or wait, already")]
    Peer(usize),
    /// There are as many sessions at work as there may be.
    #[error("the agents are busy: {0} conversations are being answered already")]
    Sessions(usize),
}

/// The sessions that have something to do.
#[derive(Debug)]
pub struct Lanes {
    limits: LaneLimits,
    lanes: Mutex<HashMap<SessionId, Lane>>,
    /// How many turns were asked for.
    tickets: AtomicU64,
}

#[derive(Debug)]
struct Lane {
    /// Who holds it, and who waits for it, in the order that they joined.
    queue: VecDeque<u64>,
    /// Told whenever somebody leaves.
    left: watch::Sender<()>,
}

/// A place in a session's queue. Dropping it gives the place back.
#[derive(Debug)]
pub struct Turn {
    lanes: Arc<Lanes>,
    session: SessionId,
    ticket: u64,
    left: watch::Receiver<()>,
}

impl Lanes {
    /// No session has anything to do.
    #[must_use]
    pub fn new(limits: LaneLimits) -> Self {
        Self { limits, lanes: Mutex::default(), tickets: AtomicU64::new(0) }
    }

    /// Takes a place in a session's queue, behind those that joined before.
    ///
    /// # Errors
    /// [`Busy`]; nothing waits for it then.
    pub fn join(self: &Arc<Self>, session: SessionId) -> Result<Turn, Busy> {
        let mut lanes = self.lanes();
        if !lanes.contains_key(&session) && lanes.len() >= self.limits.sessions {
            return Err(Busy::Sessions(self.limits.sessions));
        }
        let lane = lanes
            .entry(session)
            .or_insert_with(|| Lane { queue: VecDeque::new(), left: watch::Sender::default() });
        if lane.queue.len() >= self.limits.per_session {
            return Err(Busy::Session(self.limits.per_session));
        }
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        lane.queue.push_back(ticket);
        Ok(Turn { lanes: Arc::clone(self), session, ticket, left: lane.left.subscribe() })
    }

    /// How many sessions have something to do.
    #[must_use]
    pub fn at_work(&self) -> usize {
        self.lanes().len()
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<SessionId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for those that joined before.
    pub async fn come(&mut self) {
        while !self.is_first() {
            // It is told by the lane, which is there as long as this is in it.
            let _ = self.left.changed().await;
        }
    }

    fn is_first(&self) -> bool {
        self.lanes.lanes().get(&self.session).is_none_or(|lane| lane.queue.front() == Some(&self.ticket))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lanes();
        if let Some(lane) = lanes.get_mut(&self.session) {
            lane.queue.retain(|ticket| *ticket != self.ticket);
            if lane.queue.is_empty() {
                lanes.remove(&self.session);
            } else {
                lane.left.send_replace(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(per_session: usize, sessions: usize) -> Arc<Lanes> {
        Arc::new(Lanes::new(LaneLimits { per_session, sessions }))
    }

    #[tokio::test]
    async fn turns_of_a_session_come_in_order_and_those_of_others_at_once() {
        let lanes = lanes(8, 8);
        let (said, order) = (Arc::new(Mutex::new(Vec::new())), 0..4);
        let mut first = lanes.join(SessionId(1)).unwrap();
        first.come().await;
        let tasks: Vec<_> = order
            .map(|number| {
                let (mut turn, said) = (lanes.join(SessionId(1)).unwrap(), Arc::clone(&said));
                tokio::spawn(async move {
                    // Who joined first goes first, whoever is the first to wait.
                    for _ in number..4 {
                        tokio::task::yield_now().await;
                    }
                    turn.come().await;
                    said.lock().unwrap().push(number);
                })
            })
            .collect();
        let mut other = lanes.join(SessionId(2)).unwrap();
        other.come().await;
        assert!(said.lock().unwrap().is_empty(), "the first one is not done");
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*said.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn a_full_queue_says_that_it_is_busy_and_forgets_who_went_away() {
        let lanes = lanes(2, 2);
        let (one, two) = (lanes.join(SessionId(1)).unwrap(), lanes.join(SessionId(1)).unwrap());
        assert_eq!(lanes.join(SessionId(1)).unwrap_err(), Busy::Session(2));
        let other = lanes.join(SessionId(2)).unwrap();
        assert_eq!(lanes.join(SessionId(3)).unwrap_err(), Busy::Sessions(2));
        drop(two);
        let mut again = lanes.join(SessionId(1)).unwrap();
        drop((one, other));
        again.come().await;
        assert_eq!(lanes.at_work(), 1);
        drop(again);
        assert_eq!(lanes.at_work(), 0);
    }
}
