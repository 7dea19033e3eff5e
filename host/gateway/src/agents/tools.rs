//! The installed tools as an agent has them: listed once for each snapshot and scope, and called by way of the service.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_agent::human::{Answering, Human};
use openclaw_agent::toolbox::{Call, Explained, Tool, Toolbox};
use openclaw_agent::trigger::{self, Commands, Paused};
use openclaw_package::name::SkillId;
use openclaw_runtime::capability::ask::Respondent;
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::catalog::Catalog;
use openclaw_runtime::consent::{Person, SecurityLevel};
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::sandbox::Fault;
use openclaw_runtime::{CallError, Cancel, Report};
use tracing::Instrument as _;

use super::Speakers;
use crate::caller::{Caller, Scope};
use crate::error::PublicError;
use crate::service::{Request, Service, effects};

/// Scopes whose list is kept.
const KEPT: usize = 64;

/// The tools of one agent.
#[derive(Debug)]
pub struct ServedTools {
    service: Arc<Service>,
    caller: Caller,
    speakers: Speakers,
    kept: Mutex<Kept>,
}

/// Lists of the snapshot that was looked at last.
#[derive(Debug, Default)]
struct Kept {
    snapshot: Option<(Arc<Catalog>, SecurityLevel)>,
    lists: Vec<(Scope, Arc<[Tool]>)>,
}

impl ServedTools {
    /// What `caller`, the agent, may call for those who speak to it.
    #[must_use]
    pub fn new(service: Arc<Service>, caller: Caller, speakers: Speakers) -> Self {
        Self { service, caller, speakers, kept: Mutex::default() }
    }

    /// What the owner paused. It is asked for when somebody gives a command, and not kept open.
    fn paused(&self) -> Result<Paused, trigger::StoreError> {
        Ok(trigger::Store::open(self.service.runtime().data_dir())?.settings()?.paused)
    }

    fn list(&self, catalog: &Catalog, level: SecurityLevel, caller: &Caller) -> Arc<[Tool]> {
        let tools = self.service.tools(catalog, caller).map(|(id, tool, skill)| Tool {
            id,
            package: skill.archive().to_string(),
            description: tool.description.clone(),
            schema: tool.input_schema.clone(),
            effects: effects(skill, level),
        });
        let mut tools: Vec<_> = tools.collect();
        tools.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        tools.into()
    }
}

#[async_trait]
impl Toolbox for ServedTools {
    fn tools(&self) -> Arc<[Tool]> {
        let (catalog, level) = (self.service.runtime().dispatcher().catalog(), self.service.security_level());
        let caller = self.speakers.narrow(&self.caller);
        // Held while a list is made, so that it is made once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current =
            kept.snapshot.as_ref().is_some_and(|(of, at)| Arc::ptr_eq(of, &catalog) && *at == level);
        if !is_current {
            *kept = Kept { snapshot: Some((Arc::clone(&catalog), level)), lists: Vec::new() };
        }
        if let Some((_, list)) = kept.lists.iter().find(|(scope, _)| *scope == caller.scope) {
            return Arc::clone(list);
        }
        let mut list = self.list(&catalog, level, &caller);
        // Most scopes come to the same tools, and what an agent makes of a list is made once for it.
        let same = |(_, other): &&(Scope, Arc<[Tool]>)| {
            other.iter().map(|tool| &tool.id).eq(list.iter().map(|tool| &tool.id))
        };
        if let Some((_, same)) = kept.lists.iter().find(same) {
            list = Arc::clone(same);
        }
        if kept.lists.len() >= KEPT {
            kept.lists.remove(0);
        }
        kept.lists.push((caller.scope, Arc::clone(&list)));
        list
    }

    fn commands(&self) -> Commands {
        let caller = self.speakers.narrow(&self.caller);
        match self.paused() {
            Ok(paused) => {
                let catalog = self.service.runtime().dispatcher().catalog();
                Commands::new(trigger::installed(&catalog), |tool| caller.scope.covers(tool), &paused)
            }
            Err(error) => {
                tracing::error!("no command is obeyed: {error}");
                Commands::default()
            }
        }
    }

    async fn call(&self, call: Call, cancel: &Cancel) -> CallOutcome {
        let Call { tool, input, observer, human } = call;
        let caller = self.speakers.narrow(&self.caller);
        let person = human.clone().map(Consenting);
        let respondent = human.map(|human| -> Arc<dyn Respondent> { Arc::new(Answering(human)) });
        let request = Request { tool, input, observer, respondent };
        let (service, own) = (Arc::clone(&self.service), Ending(Cancel::default()));
        let theirs = own.0.clone();
        // A task of its own: a guest may hold its thread for as long as it computes, and the turn has to see to its other calls,
        // and to whether it was ended.
        let calling = async move {
            let person = person.as_ref().map(|person| person as &dyn Person);
            service.call(&caller, request, person, &theirs).await
        };
        let mut task = tokio::spawn(calling.in_current_span());
        let joined = tokio::select! {
            biased;
            joined = &mut task => joined,
            () = cancel.given() => {
                own.0.cancel();
                (&mut task).await
            }
        };
        joined.unwrap_or_else(|error| Err((Fault::Host(error.to_string()).into(), Report::default())))
    }

    fn explain(&self, error: &CallError) -> Explained {
        let PublicError { code, message, hint } = PublicError::from(error);
        Explained { code, message, hint }
    }
}

/// Ends a call when it is dropped.
struct Ending(Cancel);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The person behind a session as the runtime asks them for grants.
struct Consenting(Arc<dyn Human>);

#[async_trait]
impl Person for Consenting {
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        self.0.consent(skill, missing).await
    }
}
