//! What happens to a request that no rule grants: refused, put to a person once, or granted as the manifest asks.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_package::name::SkillId;

use crate::capability::grant::Missing;
use crate::catalog::Entry;
use crate::dispatch::ToolCall;
use crate::policy::Rule;
use crate::runtime::{GrantError, Runtime};
use crate::workspace::Workspace;

/// The owner's `skills.security_level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecurityLevel {
    /// What is not granted is refused.
    #[default]
    Strict,
    /// A person is asked, once for each scope; a yes is written into the policy.
    Moderate,
    /// What the signed manifest asks for is granted, written into the policy, and said.
    Permissive,
}

/// The person behind a caller.
#[async_trait]
pub trait Person: Send + Sync {
    /// Asks whether a skill may do what it is not granted; answers with those of `missing` that it may, by index.
    /// Nothing where nobody answers.
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<usize>;
}

/// Seeks consent before calls; remembers for its own life what was refused.
#[derive(Debug, Default)]
pub struct Consents {
    level: SecurityLevel,
    refused: Mutex<HashSet<(SkillId, String)>>,
}

impl Consents {
    /// Consents of a level.
    #[must_use]
    pub fn new(level: SecurityLevel) -> Self {
        Self { level, refused: Mutex::default() }
    }

    /// The owner's level.
    #[must_use]
    pub fn level(&self) -> SecurityLevel {
        self.level
    }

    /// What a person would be asked before a call of a skill: what it may need and lacks, and was not refused
    /// before.
    /// Nothing where the level is not [`SecurityLevel::Moderate`].
    #[must_use]
    pub fn questions(
        &self,
        runtime: &Runtime,
        skill: &SkillId,
        workspace: Option<&Workspace>,
    ) -> Vec<Missing> {
        if self.level == SecurityLevel::Moderate { self.open(runtime, skill, workspace) } else { Vec::new() }
    }

    /// Grants what a call of a skill may need and lacks, as the level says; answers with what was granted.
    ///
    /// `person` is none where nobody can be asked. A call that lacks something is no error here: it is denied where it
    /// uses it.
    ///
    /// # Errors
    /// [`GrantError`] where the policy cannot be changed.
    pub async fn seek(
        &self,
        runtime: &Runtime,
        call: &ToolCall,
        person: Option<&dyn Person>,
    ) -> Result<Vec<Rule>, GrantError> {
        let skill = call.tool.skill();
        let mut open = match (self.level, person) {
            (SecurityLevel::Strict, _) | (SecurityLevel::Moderate, None) => return Ok(Vec::new()),
            _ => self.open(runtime, skill, call.workspace.as_ref()),
        };
        if let (SecurityLevel::Moderate, Some(person), false) = (self.level, person, open.is_empty()) {
            let consented = person.consent(skill, &open).await;
            let mut at = 0..;
            let (granted, refused): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|_| at.next().is_some_and(|at| consented.contains(&at)));
            open = granted;
            let rules = refused.into_iter().filter_map(|missing| missing.rule);
            self.refused().extend(rules.map(|rule| (skill.clone(), rule.to_string())));
        }
        let rules: Vec<Rule> = open.into_iter().filter_map(|missing| missing.rule).collect();
        if !rules.is_empty() {
            runtime.allow(skill, &rules)?;
            tracing::info!(%skill, granted = ?rules.iter().map(ToString::to_string).collect::<Vec<_>>(), "granted");
        }
        Ok(rules)
    }

    /// What a call may need, lacks, and was neither denied nor refused.
    fn open(&self, runtime: &Runtime, skill: &SkillId, workspace: Option<&Workspace>) -> Vec<Missing> {
        let catalog = runtime.dispatcher().catalog();
        let Some(Entry::Loaded(authorized)) = catalog.get(skill) else { return Vec::new() };
        let mut open = authorized.grants().grantable(workspace);
        if self.level == SecurityLevel::Moderate && !open.is_empty() {
            let refused = self.refused();
            open.retain(|missing| {
                let is_refused = |rule: &Rule| refused.contains(&(skill.clone(), rule.to_string()));
                !missing.rule.as_ref().is_some_and(is_refused)
            });
        }
        open
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, HashSet<(SkillId, String)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
