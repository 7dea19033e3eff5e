//! What a guest tells while it runs, on its way to the client: progress and log lines as notifications.
//!
//! The guest never waits for a client: what does not fit into a bounded queue is dropped, and counted.
#![allow(deprecated, reason = "logging, which a coming revision drops, is there in both that are spoken")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use openclaw_runtime::capability::log::{Level, LogLine};
use openclaw_runtime::{Observer, Progress};
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RoleServer};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Notifications that wait for the client to take them.
const QUEUE: usize = 256;
/// How long an answer waits for the notifications before it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Follows one call for one client.
#[derive(Debug)]
pub(crate) struct Follower {
    client: Client,
    queue: Mutex<Option<Queue>>,
    dropped: AtomicU64,
    runtime: Handle,
}

/// Whom to tell what.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) peer: Peer<RoleServer>,
    /// What the client gave to know progress by; none where it wants none.
    pub(crate) progress: Option<ProgressToken>,
    /// From which level on it wants lines; none where it wants none.
    pub(crate) level: Option<LoggingLevel>,
    /// What lines are marked with: the skill.
    pub(crate) logger: String,
}

/// The queue to the task that sends, which begins with the first notification: most calls have none.
#[derive(Debug)]
struct Queue {
    sender: mpsc::Sender<Told>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Told {
    Progress(Progress),
    Line(LoggingLevel, String),
}

impl Follower {
    /// A follower for a client that wants to be told something; none for any other. Within a runtime.
    pub(crate) fn of(client: Client) -> Option<Self> {
        let wanted = client.progress.is_some() || client.level.is_some();
        wanted.then(|| Self {
            client,
            queue: Mutex::default(),
            dropped: AtomicU64::new(0),
            runtime: Handle::current(),
        })
    }

    /// Waits until the client was told everything, so that nothing comes after the answer.
    pub(crate) async fn finish(&self, gone: &CancellationToken) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Queue { sender, mut task }) = queue else { return };
        drop(sender);
        tokio::select! {
            _ = tokio::time::timeout(PATIENCE, &mut task) => {}
            () = gone.cancelled() => {}
        }
        task.abort();
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let skill = &self.client.logger;
            tracing::warn!(%skill, dropped, "a client was too slow for what a skill told it");
        }
    }

    fn tell(&self, told: Told) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.get_or_insert_with(|| {
            let (sender, told) = mpsc::channel(QUEUE);
            Queue { sender, task: self.runtime.spawn(send_all(self.client.clone(), told)) }
        });
        if queue.sender.try_send(told).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Observer for Follower {
    fn logged(&self, line: &LogLine) {
        let level = protocol_level(line.level);
        if self.client.level.is_some_and(|least| rank(level) >= rank(least)) {
            self.tell(Told::Line(level, line.message.clone()));
        }
    }

    fn progressed(&self, progress: &Progress) {
        if self.client.progress.is_some() {
            self.tell(Told::Progress(progress.clone()));
        }
    }
}

async fn send_all(client: Client, mut queue: mpsc::Receiver<Told>) {
    while let Some(told) = queue.recv().await {
        let sent = match (told, &client.progress) {
            (Told::Progress(progress), Some(token)) => {
                client.peer.notify_progress(progress_param(token.clone(), progress)).await
            }
            (Told::Progress(_), None) => Ok(()),
            (Told::Line(level, message), _) => send_line(&client, level, message).await,
        };
        // Whoever has gone is told nothing.
        if sent.is_err() {
            return;
        }
    }
}

async fn send_line(client: &Client, level: LoggingLevel, message: String) -> Result<(), rmcp::ServiceError> {
    let param = LoggingMessageNotificationParam::new(level, Value::String(message));
    client.peer.notify_logging_message(param.with_logger(client.logger.clone())).await
}

/// Progress in the protocol's numbers; those above 2⁵³ are rounded.
#[expect(clippy::cast_precision_loss, reason = "a client shows a bar")]
fn progress_param(token: ProgressToken, progress: Progress) -> ProgressNotificationParam {
    let mut param = ProgressNotificationParam::new(token, progress.done as f64);
    param.total = progress.total.map(|total| total as f64);
    param.message = (!progress.message.is_empty()).then_some(progress.message);
    param
}

/// The protocol's level of a line. What a guest writes to its standard streams has none of its own.
fn protocol_level(level: Level) -> LoggingLevel {
    match level {
        Level::Trace | Level::Debug => LoggingLevel::Debug,
        Level::Info | Level::Stdout => LoggingLevel::Info,
        Level::Stderr => LoggingLevel::Notice,
        Level::Warn => LoggingLevel::Warning,
        Level::Error => LoggingLevel::Error,
    }
}

/// Levels in the order of RFC 5424, the least first.
pub(crate) fn rank(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}
