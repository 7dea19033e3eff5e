//! The word that a call is to end, given by whoever no longer waits for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often a parked thread looks whether a token was given.
const LOOK: Duration = Duration::from_millis(10);

/// Ends a call from outside: its guest at the next epoch tick, a wait of its host at once.
///
/// Clones speak for the same call. One that is given stays given.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    given: AtomicBool,
    /// The thread that waits for this call, if one does.
    parked: Mutex<Option<Thread>>,
    waiting: Notify,
    /// With which it is given as well.
    with: Option<CancellationToken>,
}

impl Cancel {
    /// One that is given with a token, too, without a task that would pass that on. A wait of the host on a thread of its
    /// own hears of the token a little later.
    #[must_use]
    pub fn with(token: CancellationToken) -> Self {
        Self(Arc::new(Shared { with: Some(token), ..Shared::default() }))
    }

    /// Ends the call.
    pub fn cancel(&self) {
        self.0.given.store(true, Ordering::SeqCst);
        self.0.waiting.notify_waiters();
        if let Some(thread) = self.0.parked.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            thread.unpark();
        }
    }

    /// Whether the call is to end.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.0.given.load(Ordering::SeqCst)
            || self.0.with.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Resolves when the call is to end.
    pub async fn given(&self) {
        let waiting = self.0.waiting.notified();
        // A word that is given from here on wakes it; one that was given before is seen.
        if self.is_given() {
            return;
        }
        match &self.0.with {
            None => waiting.await,
            Some(token) => tokio::select! {
                () = waiting => {}
                () = token.cancelled() => {}
            },
        }
    }

    /// Holds this thread up to `until`, or for less: until the word is given or somebody unparks the thread.
    pub(crate) fn park_until(&self, until: Instant) {
        // Nobody unparks a thread for a token: it has to be looked at.
        let until = if self.0.with.is_some() { until.min(Instant::now() + LOOK) } else { until };
        *self.0.parked.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current());
        if !self.is_given() {
            std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
        }
        *self.0.parked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A call that runs on its own; dropping it ends the call, which is then recorded as cancelled.
#[derive(Debug)]
#[must_use = "a call that nobody waits for is cancelled"]
pub struct Running<T> {
    task: tokio::task::JoinHandle<T>,
    cancel: Cancel,
}

impl<T> Running<T> {
    pub(crate) fn new(task: tokio::task::JoinHandle<T>, cancel: Cancel) -> Self {
        Self { task, cancel }
    }

    /// What ends the call without giving up its answer.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

impl<T> Future for Running<T> {
    type Output = T;

    /// # Panics
    /// With the panic of the call, if it panicked; and where its tokio runtime was shut down under it.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match std::task::ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(answer) => Poll::Ready(answer),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody aborts the task, so the runtime ends, and with it whoever polls this.
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_waits_hears_the_word() {
        let cancel = Cancel::default();
        let theirs = cancel.clone();
        let waiting = std::thread::spawn(move || {
            let begun = Instant::now();
            while !theirs.is_given() {
                theirs.park_until(begun + Duration::from_secs(60));
            }
            begun.elapsed()
        });
        std::thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        assert!(waiting.join().unwrap() < Duration::from_secs(30));
    }

    #[test]
    fn a_thread_that_waits_hears_of_a_token() {
        let token = CancellationToken::new();
        let cancel = Cancel::with(token.clone());
        let waiting = std::thread::spawn(move || {
            let begun = Instant::now();
            while !cancel.is_given() {
                cancel.park_until(begun + Duration::from_secs(60));
            }
            begun.elapsed()
        });
        std::thread::sleep(Duration::from_millis(50));
        token.cancel();
        assert!(waiting.join().unwrap() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn it_is_given_with_its_token_and_without() {
        for by_token in [true, false] {
            let token = CancellationToken::new();
            let cancel = Cancel::with(token.clone());
            let theirs = cancel.clone();
            let waiting = tokio::spawn(async move { theirs.given().await });
            tokio::task::yield_now().await;
            assert!(!cancel.is_given());
            if by_token {
                token.cancel()
            } else {
                cancel.cancel()
            }
            waiting.await.unwrap();
            assert!(cancel.is_given());
        }
    }

    #[tokio::test]
    async fn a_word_that_was_given_before_is_heard() {
        let cancel = Cancel::default();
        cancel.cancel();
        cancel.given().await;
        assert!(cancel.is_given());
    }
}
