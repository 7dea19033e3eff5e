//! The tools that the gateway calls by itself, through the same service as everybody else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_agent::trigger::{Dispatch, Scheduler, SystemClock};
use openclaw_gateway::Service;
use openclaw_package::{ToolId, Trigger};
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{Cancel, ToolCall};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long runs that were cut short may take to be noted.
const LAST_NOTES: Duration = Duration::from_secs(3);

/// A service, as a scheduler calls it.
#[derive(Debug)]
struct Served(Arc<Service>);

#[async_trait]
impl Dispatch for Served {
    fn triggers(&self) -> Vec<(ToolId, Trigger)> {
        Dispatch::triggers(&**self.0.runtime().dispatcher())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.runtime().dispatcher().snapshots()
    }

    async fn call(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome {
        self.0.call_by_trigger(call, cancel).await
    }
}

/// The scheduler of a gateway that runs.
pub(super) struct Triggers {
    stop: Cancel,
    cut: Cancel,
    task: JoinHandle<()>,
}

impl Triggers {
    /// Has triggers run once `loaded` is done. Where what is known of them cannot be read, none runs.
    pub(super) fn start(service: Arc<Service>, loaded: impl Future<Output = ()> + Send + 'static) -> Self {
        let (stop, cut) = (Cancel::default(), Cancel::default());
        let words = (stop.clone(), cut.clone());
        let task = tokio::spawn(async move {
            loaded.await;
            let dir = service.runtime().data_dir().clone();
            match Scheduler::new(&dir, Arc::new(Served(service)), Arc::new(SystemClock)) {
                Ok(scheduler) => scheduler.run(words.0, words.1).await,
                Err(error) => tracing::error!("no trigger is run: {error}"),
            }
        });
        Self { stop, cut, task }
    }

    /// What has no more runs begin.
    pub(super) fn stop(&self) -> &Cancel {
        &self.stop
    }

    /// Ends what still runs, and waits until that is noted.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.cut.cancel();
        if tokio::time::timeout(LAST_NOTES, self.task).await.is_err() {
            tracing::warn!("runs of triggers did not end in time");
        }
    }
}
