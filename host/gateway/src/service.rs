//! The one way from a surface to a tool: who may, with whose consent, counted and logged.

use std::sync::Arc;

use arc_swap::ArcSwap;
use openclaw_package::name::{SkillId, ToolId};
use openclaw_package::tools::Tool;
use openclaw_runtime::capability::ask::Respondent;
use openclaw_runtime::capability::grant::{Effects, Missing};
use openclaw_runtime::catalog::Catalog;
use openclaw_runtime::consent::{Consents, Person, SecurityLevel};
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::redact::Redactor;
use openclaw_runtime::sandbox::Fault;
use openclaw_runtime::skill::Authorized;
use openclaw_runtime::{CallError, Cancel, Observer, Report, Runtime, ToolCall};

use crate::asking::Asking;
use crate::caller::Caller;
use crate::metrics::Metrics;
use crate::skill_logs::SkillLogs;
use crate::storage::{LocalStorage, Storage};

/// Serves tools to callers. One for a process; surfaces share it.
#[derive(Debug)]
pub struct Service {
    runtime: Runtime,
    consents: ArcSwap<Consents>,
    asking: Asking,
    metrics: Metrics,
    logs: SkillLogs,
    storage: Arc<dyn Storage>,
}

/// A call as a surface received it.
#[derive(Debug)]
pub struct Request {
    /// Which tool.
    pub tool: ToolId,
    /// Its input, as JSON text.
    pub input: String,
    /// Who follows the call while it runs.
    pub observer: Option<Arc<dyn Observer>>,
    /// Who answers what the skill asks; none where nobody can be asked.
    pub respondent: Option<Arc<dyn Respondent>>,
}

impl Service {
    /// A service over a runtime, which keeps what it knows in its data directory and in this process.
    #[must_use]
    pub fn new(runtime: Runtime, consents: Consents) -> Self {
        let storage = Arc::new(LocalStorage::of(runtime.data_dir()));
        Self::over(storage, runtime, consents)
    }

    /// The same, which keeps what it knows elsewhere.
    #[must_use]
    pub fn over(storage: Arc<dyn Storage>, runtime: Runtime, consents: Consents) -> Self {
        let consents = ArcSwap::from_pointee(consents);
        let (asking, metrics, logs) = (Asking::default(), Metrics::default(), SkillLogs::new());
        Self { runtime, consents, asking, metrics, logs, storage }
    }

    /// Where it keeps what it knows.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// What was counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Seeks consent as another level says from now on; what was refused before is then asked anew.
    pub fn set_security_level(&self, level: SecurityLevel) {
        if self.consents.load().level() != level {
            self.consents.store(Arc::new(Consents::new(level)));
        }
    }

    /// Cuts from what skills log what this cuts, from now on.
    pub fn redact_logs_by(&self, redactor: Redactor) {
        self.logs.redact_by(redactor);
    }

    /// Waits until all that skills logged in calls that have ended is on disk.
    pub async fn logs_written(&self) {
        self.logs.written().await;
    }

    /// What it serves.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Those of a snapshot's tools that a caller may see, by name.
    pub fn tools<'a>(
        &self,
        catalog: &'a Catalog,
        caller: &'a Caller,
    ) -> impl Iterator<Item = (ToolId, &'a Tool, &'a Authorized)> {
        catalog.tools().filter(|(tool, _, _)| caller.scope.covers(tool))
    }

    /// What the person behind a caller would be asked before a call of a skill; nothing where they may not grant.
    #[must_use]
    pub fn questions(&self, caller: &Caller, skill: &SkillId) -> Vec<Missing> {
        if !caller.may_grant || !caller.scope.reaches(skill) {
            return Vec::new();
        }
        self.consents.load().questions(&self.runtime, &caller.name, skill, caller.workspace.as_ref())
    }

    /// The owner's security level.
    #[must_use]
    pub fn security_level(&self) -> SecurityLevel {
        self.consents.load().level()
    }

    /// Calls a tool for a caller, until it answers or `cancel` is given.
    ///
    /// A tool that the caller's scope does not cover is, to them, not installed, also where one is suggested. `person`
    /// is asked only where the caller may grant, for a few calls of theirs at once, and until `cancel` is given.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(
        &self,
        caller: &Caller,
        request: Request,
        person: Option<&dyn Person>,
        cancel: &Cancel,
    ) -> CallOutcome {
        let Request { tool, input, observer, respondent } = request;
        if !caller.scope.covers(&tool) {
            let skill = tool.skill().clone();
            return Err((CallError::UnknownSkill { skill, nearest: Vec::new() }, Report::default()));
        }
        let call = ToolCall {
            tool,
            input,
            caller: caller.name.clone(),
            workspace: caller.workspace.clone(),
            observer,
            respondent: respondent.map(|respondent| self.asking.answering(&caller.name, respondent)),
        };
        let person = person.filter(|_| caller.may_grant);
        let bounded = person.map(|person| self.asking.bounded(&caller.name, person));
        let person = bounded.as_ref().map(|bounded| bounded as &dyn Person);
        let consents = self.consents.load_full();
        tokio::select! {
            sought = consents.seek(&self.runtime, &call, person) => if let Err(error) = sought {
                tracing::error!("a grant was not written: {error}");
            },
            // The dispatcher hears of it too, and says so.
            () = cancel.given() => {}
        }
        self.dispatch(call, cancel).await.map_err(|(error, report)| (caller.scope.narrow(error), report))
    }

    /// Calls a tool because its trigger says so: no consent is sought, and nobody is asked.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_by_trigger(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome {
        self.metrics.count_trigger();
        self.dispatch(call, cancel).await
    }

    /// Makes a call, and counts and logs it.
    async fn dispatch(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome {
        let (tool, skill) = (call.tool.clone(), call.tool.skill().clone());
        let outcome = self.runtime.dispatcher().call_until(call, cancel).await;
        if !matches!(&outcome, Err((CallError::UnknownSkill { .. }, _))) {
            self.metrics.count_call(&skill, &outcome);
        }
        if let Err((error, _)) = &outcome {
            note(&skill, error);
        }
        let report = outcome.as_ref().map_or_else(|(_, report)| report, |result| &result.report);
        self.logs.keep(self.runtime.data_dir(), tool, &report.log);
        outcome
    }
}

/// What a call of a skill can do to the world at most.
pub(crate) fn effects(skill: &Authorized, level: SecurityLevel) -> Effects {
    match level {
        SecurityLevel::Strict => skill.grants().effects(),
        // What is not granted yet may be, in the very call that is decided about.
        SecurityLevel::Moderate | SecurityLevel::Permissive => skill.grants().requested_effects(),
    }
}

/// Tells the owner what callers are not told.
fn note(skill: &SkillId, error: &CallError) {
    match error {
        CallError::Open(_) | CallError::Audit(_) => tracing::error!(%skill, "{error}"),
        CallError::Refused { .. } | CallError::Fault(Fault::Trap(_)) => tracing::warn!(%skill, "{error}"),
        CallError::Fault(fault) if fault.is_of_the_host() => tracing::error!(%skill, "{error}"),
        _ => {}
    }
}
