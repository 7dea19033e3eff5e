//! What is kept of sessions, wherever it is kept: everything that a process which was killed needs to go on.

use std::fmt;

use async_trait::async_trait;
use openclaw_package::name::ToolId;
use serde::{Deserialize, Serialize};

use crate::model::{CallResult, Message, Usage};

/// Most bytes of each part of a key.
const KEY_PART_BYTES: usize = 256;

/// Which conversation: an agent's, over a channel, with a peer; a peer may have several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionKey {
    /// The agent's name in the configuration.
    pub agent: String,
    /// The way it is spoken over: `chat`, `http`, `ws`.
    pub channel: String,
    /// Who speaks, as the channel knows them: the name of a token, a user.
    pub peer: String,
    /// Which of their conversations.
    pub conversation: String,
}

impl SessionKey {
    /// Whether each part is something, is short, and holds no control characters.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let fits = |part: &String| {
            !part.is_empty() && part.len() <= KEY_PART_BYTES && !part.contains(char::is_control)
        };
        [&self.agent, &self.channel, &self.peer, &self.conversation].into_iter().all(fits)
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agent, channel, peer, conversation } = self;
        write!(f, "{agent}/{channel}/{peer}/{conversation}")
    }
}

/// A session's number in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub i64);

/// What a session has used since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Tokens.
    pub usage: Usage,
    /// Millionths of a dollar.
    pub cost: u64,
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.usage += other.usage;
        self.cost = self.cost.saturating_add(other.cost);
    }
}

/// A session as it was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// What was said before `messages`, in short.
    pub summary: Option<String>,
    /// The person's last words before `messages`.
    pub asked: Option<Message>,
    /// What was said since.
    pub messages: Vec<Message>,
    /// Whether its last turn was not ended.
    pub is_open: bool,
    /// Calls of the last message that were begun, and their results as far as they are known.
    pub begun: Vec<Begun>,
    /// Tools whose calls were approved for the session.
    pub approved: Vec<Approved>,
    /// What it has used.
    pub totals: Totals,
}

/// A call that was handed to the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its place in the message that asks for it.
    pub position: usize,
    /// Its result; none where the process ended before the call did, so that nobody knows what it did.
    pub result: Option<CallResult>,
}

/// A tool that a person approved for the rest of a session, in the package that it was in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Approved {
    /// The tool.
    pub tool: ToolId,
    /// The digest of its package: another one was not approved.
    pub package: String,
}

/// A session that has something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub id: SessionId,
    /// Which one.
    pub key: SessionKey,
}

/// A session that no other process goes on with.
pub struct Held(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Held {
    /// Held until it is dropped, when `release` is called.
    #[must_use]
    pub fn until(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

/// Keeps sessions. What a method has done is there after the process was killed.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The session of a key, which is made if it is not there.
    async fn open(&self, key: &SessionKey) -> Result<SessionId, StoreError>;

    /// The session of a key, if it is there.
    async fn find(&self, key: &SessionKey) -> Result<Option<SessionId>, StoreError>;

    /// Holds a session for this process, until what is answered is dropped; nothing, where another process holds it.
    fn hold(&self, session: SessionId) -> Result<Option<Held>, StoreError>;

    /// A session as it is.
    async fn load(&self, session: SessionId) -> Result<Stored, StoreError>;

    /// Takes a message in, to be answered when the session comes to it. Answers with its number.
    async fn receive(&self, session: SessionId, text: &str) -> Result<i64, StoreError>;

    /// The messages that wait, oldest first.
    async fn waiting(&self, session: SessionId) -> Result<Vec<(i64, String)>, StoreError>;

    /// Forgets a message that waits: whoever sent it no longer wants an answer.
    async fn withdraw(&self, session: SessionId, received: i64) -> Result<(), StoreError>;

    /// Begins a turn: the message does not wait any more, and is said. False, where it waited no longer: it was withdrawn, or
    /// somebody else has answered it.
    async fn begin_turn(&self, session: SessionId, received: i64, said: &Message)
    -> Result<bool, StoreError>;

    /// Adds the model's message, with what it took, and the calls of it that begin now, by position.
    async fn say(
        &self,
        session: SessionId,
        message: &Message,
        totals: Totals,
        begun: &[usize],
    ) -> Result<(), StoreError>;

    /// Notes that calls of the last message begin.
    async fn begin_calls(&self, session: SessionId, begun: &[usize]) -> Result<(), StoreError>;

    /// Notes the result of a call that was begun, while others still run.
    async fn end_call(
        &self,
        session: SessionId,
        position: usize,
        result: &CallResult,
    ) -> Result<(), StoreError>;

    /// Adds the results of all calls of the last message.
    async fn answer_calls(&self, session: SessionId, message: &Message) -> Result<(), StoreError>;

    /// Notes what the session has used since it began.
    async fn spend(&self, session: SessionId, totals: Totals) -> Result<(), StoreError>;

    /// Ends the turn.
    async fn end_turn(&self, session: SessionId) -> Result<(), StoreError>;

    /// Approves a tool for the rest of the session.
    async fn approve(&self, session: SessionId, approved: &Approved) -> Result<(), StoreError>;

    /// Puts a summary in place of the first `messages` messages since the last one; what was said stays readable.
    async fn summarise(&self, session: SessionId, messages: usize, summary: &str) -> Result<(), StoreError>;

    /// All that was said, from the beginning, at most the last `limit` messages.
    async fn history(&self, session: SessionId, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// The sessions of an agent whose turn was not ended, or for which messages wait.
    async fn unfinished(&self, agent: &str) -> Result<Vec<Opened>, StoreError>;

    /// The conversations of a peer, the latest first.
    async fn conversations(
        &self,
        agent: &str,
        channel: &str,
        peer: &str,
        limit: u32,
    ) -> Result<Vec<SessionKey>, StoreError>;
}

/// Why sessions cannot be kept, which are then not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be read or written.
    #[error("the sessions cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// A newer openclaw has changed its layout.
    #[error("the sessions are of layout {found}, which a newer openclaw made; this one knows {known}")]
    Newer {
        /// The layout.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// Its directory or file could not be made.
    #[error("the sessions cannot be kept: {0}")]
    Io(#[from] std::io::Error),
    /// What it holds is not what was written.
    #[error("a session cannot be read: {0}")]
    Damaged(String),
}
