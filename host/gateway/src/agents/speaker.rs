//! For whom an agent works just now. An agent is shared, and what it may call for one token another may not.

use std::sync::Arc;

use crate::caller::{Caller, Scope};

tokio::task_local! {
    static SPEAKER: Arc<Caller>;
}

/// Who speaks to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speakers {
    /// Its owner alone: it may call all that is its own.
    Owner,
    /// Holders of tokens: it may call what is its own and the token's. For a turn of nobody's it may call nothing.
    Tokens,
}

/// Lets agents work for a caller, until `turn` is done.
pub(crate) async fn speaking<F: Future>(speaker: Arc<Caller>, turn: F) -> F::Output {
    SPEAKER.scope(speaker, turn).await
}

/// The same, on this thread.
pub(crate) fn speaking_here<T>(speaker: Arc<Caller>, turn: impl FnOnce() -> T) -> T {
    SPEAKER.sync_scope(speaker, turn)
}

impl Speakers {
    /// As whom an agent calls tools just now: the agent's workspace, and what both it and the speaker may call.
    pub(crate) fn narrow(self, agent: &Caller) -> Caller {
        if self == Self::Owner {
            return agent.clone();
        }
        let narrowed = SPEAKER.try_with(|speaker| Caller {
            name: speaker.name.clone(),
            scope: agent.scope.meet(&speaker.scope),
            workspace: agent.workspace.clone(),
            may_grant: agent.may_grant && speaker.may_grant,
        });
        narrowed.unwrap_or_else(|_| Caller { scope: Scope::default(), may_grant: false, ..agent.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, patterns: &[&str], may_grant: bool) -> Caller {
        let scope = Scope::of(patterns.iter().map(|pattern| pattern.parse().unwrap()).collect());
        Caller { name: name.to_owned(), scope, workspace: None, may_grant }
    }

    #[tokio::test]
    async fn an_agent_may_call_for_a_token_what_both_may() {
        let agent = caller("agent", &["acme/git", "acme/web"], true);
        let token = caller("ada", &["acme/git/status", "other/*"], false);
        let narrowed = speaking(Arc::new(token), async { Speakers::Tokens.narrow(&agent) }).await;
        assert_eq!((narrowed.name.as_str(), narrowed.may_grant), ("ada", false));
        assert_eq!(narrowed.scope, Scope::of(vec!["acme/git/status".parse().unwrap()]));
    }

    #[tokio::test]
    async fn for_nobody_it_may_call_nothing_and_for_its_owner_all() {
        let agent = caller("agent", &["*"], true);
        let nobody = Speakers::Tokens.narrow(&agent);
        assert!(nobody.scope.is_empty() && !nobody.may_grant);
        let elsewhere = tokio::spawn(async move { Speakers::Tokens.narrow(&agent).scope });
        let spawned = speaking(Arc::new(caller("ada", &["*"], true)), elsewhere).await.unwrap();
        assert!(spawned.is_empty(), "a task that was split off is nobody's");
        assert_eq!(Speakers::Owner.narrow(&caller("agent", &["*"], true)).scope, Scope::all());
    }
}
