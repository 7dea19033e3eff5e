//! The person behind a session: approves calls, consents to grants, and answers what skills ask.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_package::name::SkillId;
use openclaw_package::name::ToolId;
pub use openclaw_runtime::capability::ask::SkillQuestion;
use openclaw_runtime::capability::ask::{Reply, Respondent};
use openclaw_runtime::capability::grant::{Effects, Missing};
use serde::{Deserialize, Serialize};

/// A call that waits for a yes.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Which tool.
    pub tool: ToolId,
    /// Its input, as the model wrote it: JSON that fits in form, and nobody vouches for.
    pub input: String,
    /// What it can do to the world at most.
    pub effects: Effects,
}

/// What a person says to a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// This once.
    Once,
    /// And the tool's further calls in this session too.
    Session,
    /// No.
    Denied,
}

/// A person, by whatever way they can be reached. A future is dropped where the answer is not wanted any more.
#[async_trait]
pub trait Human: fmt::Debug + Send + Sync {
    /// Whether a call may be made; no answer is a no.
    async fn approve(&self, proposal: &Proposal) -> Approval;

    /// Whether a skill may do what it is not granted: a yes or a no to those of `missing` that were shown, by index.
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)>;

    /// What to answer a skill; nothing where they would not.
    async fn answer(&self, question: &SkillQuestion) -> Option<String>;
}

/// A person as the runtime asks them for a skill.
#[derive(Clone, Debug)]
pub struct Answering(pub Arc<dyn Human>);

#[async_trait]
impl Respondent for Answering {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        self.0.answer(question).await.map_or(Reply::Dismissed, Reply::Answer)
    }
}
