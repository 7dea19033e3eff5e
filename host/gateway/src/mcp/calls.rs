//! The calls that run for clients: each ends when its client no longer waits, and whoever ends the server waits for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_runtime::Cancel;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tokens::Token;

/// All calls of one server.
#[derive(Debug)]
pub(crate) struct Calls {
    running: watch::Sender<usize>,
    sessions: Mutex<HashMap<String, CancellationToken>>,
}

impl Default for Calls {
    fn default() -> Self {
        Self { running: watch::Sender::new(0), sessions: Mutex::default() }
    }
}

impl Calls {
    /// Counts a call, which is to end as soon as `gone` is given, or the session or the token ends. Within a runtime.
    pub(crate) fn begin(
        self: &Arc<Self>,
        gone: CancellationToken,
        session: Option<&str>,
        token: Option<Arc<Token>>,
    ) -> Call {
        self.running.send_modify(|running| *running += 1);
        let ended = session.and_then(|session| {
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(session).cloned()
        });
        let cancel = Cancel::with(gone);
        let watching = (ended.is_some() || token.is_some()).then(|| {
            let cancel = cancel.clone();
            // A task of its own: the guest may compute on the thread that would look for the word.
            tokio::spawn(async move {
                tokio::select! {
                    Some(()) = given(ended.as_ref().map(CancellationToken::cancelled)) => {}
                    Some(()) = given(token.as_ref().map(|token| token.ended())) => {}
                    else => return,
                }
                cancel.cancel();
            })
        });
        Call { calls: Arc::clone(self), cancel, watching }
    }

    /// Takes note of a session, and answers with what is given at its end.
    pub(crate) fn open_session(&self, session: &str) -> CancellationToken {
        let ended = CancellationToken::new();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.to_owned(), ended.clone());
        ended
    }

    /// Ends the calls of a session.
    pub(crate) fn end_session(&self, session: &str) {
        let ended = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        if let Some(ended) = ended {
            ended.cancel();
        }
    }

    /// Waits until no call runs, for as long as `patience`.
    pub(crate) async fn ended(&self, patience: Duration) {
        let mut running = self.running.subscribe();
        // The sender is here; only time runs out.
        let _ = tokio::time::timeout(patience, running.wait_for(|running| *running == 0)).await;
    }
}

/// What there is to wait for; none at once where there is nothing.
async fn given<T>(waiting: Option<impl Future<Output = T>>) -> Option<T> {
    match waiting {
        Some(waiting) => Some(waiting.await),
        None => None,
    }
}

/// A call that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Call {
    calls: Arc<Calls>,
    cancel: Cancel,
    watching: Option<JoinHandle<()>>,
}

impl Call {
    /// Given when it is to end.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(watching) = &self.watching {
            watching.abort();
        }
        self.calls.running.send_modify(|running| *running = running.saturating_sub(1));
    }
}
