//! Tools that are called by a schedule or by a word: a run holds its skill's grants, and nobody stands behind it.
//!
//! ```text
//! zone      when a schedule comes true, where clocks leap
//! plan      what is due, what waits, what runs
//! store     triggers.db: what was run, what is paused
//! command   which tool a person's command means
//! ```
//!
//! A run has no workspace but the one that the owner named for that tool, asks nobody, and is never tried again: what
//! failed is noted, and the next time of its schedule is the next time.

mod command;
mod plan;
mod store;
mod zone;

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use openclaw_package::manifest::Trigger;
use openclaw_package::name::{SkillId, ToolId};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::workspace::Workspace;
use openclaw_runtime::{Cancel, Dispatcher, ToolCall};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use plan::{Plan, Scheduled};

pub use command::{Ambiguous, CommandCall, Commands, Matches, command_of};
pub use plan::key;
pub use store::{Known, Paused, Settings, Store, StoreError, Subject};
pub use zone::{UnknownZone, next};

/// Who calls, as records name it.
pub const CALLER: &str = "trigger";

/// How long is slept at most, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long it is remembered when a schedule ran that is not there any more.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What tools are called through.
#[async_trait]
pub trait Dispatch: fmt::Debug + Send + Sync {
    /// All triggers of what is installed and loaded. May take its time: skills are verified.
    fn triggers(&self) -> Vec<(ToolId, Trigger)>;

    /// Changes whenever what is installed may have.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Calls a tool, and seeks nobody's consent.
    ///
    /// # Errors
    /// See [`CallError`](openclaw_runtime::CallError).
    async fn call(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome;
}

#[async_trait]
impl Dispatch for Dispatcher {
    fn triggers(&self) -> Vec<(ToolId, Trigger)> {
        installed(&self.catalog()).map(|(tool, trigger)| (tool, trigger.clone())).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.snapshots()
    }

    async fn call(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome {
        self.call_until(call, cancel).await
    }
}

/// The triggers of what is installed and loaded, by the skill's name and in the manifest's order.
pub fn installed(catalog: &Catalog) -> impl Iterator<Item = (ToolId, &Trigger)> {
    catalog.iter().flat_map(|(skill, entry)| of_entry(skill, entry))
}

/// The same of one skill; no other is looked at.
pub fn of<'a>(catalog: &'a Catalog, skill: &'a SkillId) -> impl Iterator<Item = (ToolId, &'a Trigger)> {
    catalog.get(skill).into_iter().flat_map(move |entry| of_entry(skill, entry))
}

fn of_entry<'a>(skill: &'a SkillId, entry: &'a Entry) -> impl Iterator<Item = (ToolId, &'a Trigger)> {
    let triggers = match entry {
        Entry::Loaded(loaded) => loaded.manifest().triggers(),
        Entry::Refused(_) => &[],
    };
    triggers.iter().map(move |trigger| (skill.tool(trigger.tool().clone()), trigger))
}

/// The time of day, and how to wait for another.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// What the clock shows now.
    fn now(&self) -> Timestamp;

    /// Waits so long.
    async fn sleep(&self, time: Duration);
}

/// This machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Calls tools whenever their schedules say so. Of several for one data directory, in whatever processes, one does.
#[derive(Debug)]
pub struct Scheduler {
    dispatch: Arc<dyn Dispatch>,
    clock: Arc<dyn Clock>,
    store: Store,
    lock: PathBuf,
    plan: Plan,
    runs: Runs,
}

/// The runs that there are, each a task.
#[derive(Debug, Default)]
struct Runs {
    tasks: JoinSet<String>,
    keys: HashMap<Id, String>,
}

impl Scheduler {
    /// A scheduler over a data directory.
    ///
    /// # Errors
    /// [`StoreError`] where `triggers.db` cannot be used.
    pub fn new(
        dir: &DataDir,
        dispatch: Arc<dyn Dispatch>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let store = Store::open(dir)?;
        let lock = dir.triggers().with_extension("lock");
        Ok(Self { dispatch, clock, store, lock, plan: Plan::default(), runs: Runs::default() })
    }

    /// Runs what is due until `stop` is given, then waits for what still runs; `cut` ends that too.
    pub async fn run(mut self, stop: Cancel, cut: Cancel) {
        let Some(_alone) = self.alone(&stop).await else { return };
        let mut changes = self.dispatch.changes();
        let mut is_taken = self.take().await;
        if let Err(error) = self.store.clean(&self.plan.keys(), ago(self.clock.now(), REMEMBERED)) {
            tracing::error!("triggers: {error}");
        }
        while !stop.is_given() {
            if !is_taken {
                is_taken = self.take().await;
            }
            let quiet = match self.begin_due(&cut) {
                Ok(()) => self.plan.quiet(self.clock.now(), LONGEST_SLEEP),
                Err(error) => {
                    tracing::error!("no trigger is run: {error}");
                    LONGEST_SLEEP
                }
            };
            tokio::select! {
                biased;
                () = stop.given() => {}
                Some(ended) = self.runs.next() => self.note(&ended),
                Ok(()) = changes.changed() => is_taken = self.take().await,
                () = self.clock.sleep(quiet) => {}
            }
        }
        while let Some(ended) = self.runs.next().await {
            self.note(&ended);
        }
    }

    /// Waits until no other process runs triggers of this data directory; nothing where it is to stop before.
    async fn alone(&mut self, stop: &Cancel) -> Option<File> {
        let mut has_told = false;
        while !stop.is_given() {
            match self.try_lock() {
                Ok(Some(lock)) => return Some(lock),
                Ok(None) if !has_told => {
                    tracing::info!(
                        "another process runs the triggers of this data directory; this one waits"
                    );
                    has_told = true;
                }
                Ok(None) => {}
                Err(error) => tracing::error!("no trigger is run: {error}"),
            }
            tokio::select! {
                () = stop.given() => {}
                () = self.clock.sleep(LONGEST_SLEEP) => {}
            }
        }
        None
    }

    fn try_lock(&self) -> Result<Option<File>, StoreError> {
        let failed = |source| StoreError::Lock { path: self.lock.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&self.lock);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Takes the triggers of what is installed now; whether that could be done.
    async fn take(&mut self) -> bool {
        let dispatch = Arc::clone(&self.dispatch);
        let Ok(triggers) = tokio::task::spawn_blocking(move || dispatch.triggers()).await else {
            tracing::error!("triggers: what is installed could not be read");
            return false;
        };
        let schedules = triggers.into_iter().filter_map(|(tool, trigger)| match trigger {
            Trigger::Cron(cron) => Some(Scheduled { tool, cron }),
            Trigger::Command(_) => None,
        });
        let taken = self.plan_for(schedules.collect());
        taken.map_err(|error| tracing::error!("triggers: {error}")).is_ok()
    }

    fn plan_for(&mut self, schedules: Vec<Scheduled>) -> Result<(), StoreError> {
        let (known, settings, now) = (self.store.known()?, self.store.settings()?, self.clock.now());
        let updated = self.plan.update(schedules, &known, &settings.paused, now);
        for (tool, unknown) in updated.unknown {
            tracing::error!(%tool, "a trigger is never run: {unknown}");
        }
        self.store.saw(&updated.new, now)
    }

    /// Begins what is due and has a place. What cannot be noted is not begun.
    fn begin_due(&mut self, cut: &Cancel) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !self.plan.is_busy(now) {
            return Ok(());
        }
        let settings = self.store.settings()?;
        let left_out = self.plan.advance(now, &settings.paused);
        for (_, tool) in &left_out {
            tracing::info!(%tool, "a run of a trigger is left out: paused, missed, or the one before still runs");
        }
        self.store.saw(&left_out, now)?;
        let begun = self.plan.begin(&settings.paused);
        let keys: Vec<_> = begun.iter().map(|(key, due)| (key.clone(), due.tool.clone())).collect();
        if let Err(error) = self.store.began(&keys, now) {
            keys.iter().for_each(|(key, _)| self.plan.end(key));
            return Err(error);
        }
        for (key, Scheduled { tool, .. }) in begun {
            let workspace = settings.workspaces.get(&tool).cloned();
            let (dispatch, cut) = (Arc::clone(&self.dispatch), cut.clone());
            self.runs.spawn(key, async move { call(&*dispatch, tool, workspace, &cut).await });
        }
        Ok(())
    }

    fn note(&mut self, (key, outcome): &(String, String)) {
        self.plan.end(key);
        if let Err(error) = self.store.ended(key, outcome) {
            tracing::error!("what came of a trigger is not kept: {error}");
        }
    }
}

impl Runs {
    fn spawn(&mut self, key: String, run: impl Future<Output = String> + Send + 'static) {
        let id = self.tasks.spawn(run).id();
        self.keys.insert(id, key);
    }

    /// The next one to end, and what came of it; none where there are none.
    async fn next(&mut self) -> Option<(String, String)> {
        let (id, outcome) = match self.tasks.join_next_with_id().await? {
            Ok(ended) => ended,
            Err(error) => (error.id(), "host-failure".to_owned()),
        };
        Some((self.keys.remove(&id).unwrap_or_default(), outcome))
    }
}

/// Calls a tool as its trigger does; answers with what came of it.
async fn call(dispatch: &dyn Dispatch, tool: ToolId, workspace: Option<PathBuf>, cut: &Cancel) -> String {
    let workspace = match workspace.map(|dir| Workspace::resolve(&dir)).transpose() {
        Ok(workspace) => workspace,
        Err(error) => {
            tracing::warn!(%tool, "a trigger is not run: {error}");
            return "invalid-workspace".to_owned();
        }
    };
    tracing::info!(%tool, "a trigger calls");
    let call = ToolCall {
        tool: tool.clone(),
        input: "{}".to_owned(),
        caller: CALLER.to_owned(),
        workspace,
        observer: None,
        respondent: None,
    };
    match dispatch.call(call, cut).await {
        Ok(_) => "ok".to_owned(),
        // The words of an error may be the skill's own; the audit log has what was done.
        Err((error, _)) => {
            tracing::warn!(%tool, code = error.code(), "a trigger's call failed");
            error.code().to_owned()
        }
    }
}

fn ago(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.saturating_sub(time).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
