//! What happens to a request that no rule grants: refused, put to a person once, or granted as the manifest asks.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_package::name::SkillId;

use crate::capability::grant::Missing;
use crate::catalog::Entry;
use crate::dispatch::ToolCall;
use crate::policy::Rule;
use crate::runtime::{GrantError, Runtime};
use crate::skill::Authorized;
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
    /// Asks whether a skill may do what it is not granted. Answers with a yes or a no to those of `missing` that the
    /// person was shown, by index; no answer is a no.
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)>;
}

/// Seeks consent before calls; remembers for its own life what was refused, to whose caller.
#[derive(Debug, Default)]
pub struct Consents {
    level: SecurityLevel,
    refused: Mutex<HashSet<Refused>>,
}

/// A no: the caller, the skill, and the rule as it is written.
type Refused = (String, SkillId, String);

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

    /// What the person behind a caller would be asked before a call of a skill: what it may need and lacks, and was
    /// not refused before. Nothing where the level is not [`SecurityLevel::Moderate`].
    #[must_use]
    pub fn questions(
        &self,
        runtime: &Runtime,
        caller: &str,
        skill: &SkillId,
        workspace: Option<&Workspace>,
    ) -> Vec<Missing> {
        match loaded(runtime, skill) {
            Some(skill) if self.level == SecurityLevel::Moderate => self.open(caller, &skill, workspace),
            _ => Vec::new(),
        }
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
        if self.level == SecurityLevel::Strict || (self.level == SecurityLevel::Moderate && person.is_none())
        {
            return Ok(Vec::new());
        }
        let Some(skill) = loaded(runtime, call.tool.skill()) else { return Ok(Vec::new()) };
        let mut open = self.open(&call.caller, &skill, call.workspace.as_ref());
        if open.is_empty() {
            return Ok(Vec::new());
        }
        if let (SecurityLevel::Moderate, Some(person)) = (self.level, person) {
            let answers = person.consent(skill.manifest().id(), &open).await;
            open = self.consented(&call.caller, skill.manifest().id(), open, &answers);
        }
        let rules = open.into_iter().filter_map(|missing| missing.rule).collect();
        let granted = runtime.consent(&skill, rules, call.workspace.as_ref())?;
        for rule in &granted {
            tracing::info!(skill = %skill.manifest().id(), caller = call.caller, %rule, "granted");
        }
        Ok(granted)
    }

    /// Those that were answered with a yes; a no is remembered.
    fn consented(
        &self,
        caller: &str,
        skill: &SkillId,
        asked: Vec<Missing>,
        answers: &[(usize, bool)],
    ) -> Vec<Missing> {
        let mut consented = Vec::new();
        for (at, missing) in asked.into_iter().enumerate() {
            match answers.iter().find(|(answered, _)| *answered == at) {
                Some((_, true)) => consented.push(missing),
                Some((_, false)) => {
                    self.refused().insert(refusal(caller, skill, &missing));
                }
                None => {}
            }
        }
        consented
    }

    /// What a call may need, lacks, and was neither denied nor refused.
    fn open(&self, caller: &str, skill: &Authorized, workspace: Option<&Workspace>) -> Vec<Missing> {
        let mut open = skill.grants().grantable(workspace);
        if self.level == SecurityLevel::Moderate && !open.is_empty() {
            let refused = self.refused();
            open.retain(|missing| !refused.contains(&refusal(caller, skill.manifest().id(), missing)));
        }
        open
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, HashSet<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered of a no to what is missing.
fn refusal(caller: &str, skill: &SkillId, missing: &Missing) -> Refused {
    let rule = missing.rule.as_ref().map(ToString::to_string).unwrap_or_default();
    (caller.to_owned(), skill.clone(), rule)
}

/// A skill of the current snapshot.
fn loaded(runtime: &Runtime, skill: &SkillId) -> Option<Arc<Authorized>> {
    match runtime.dispatcher().catalog().get(skill) {
        Some(Entry::Loaded(skill)) => Some(Arc::clone(skill)),
        _ => None,
    }
}
