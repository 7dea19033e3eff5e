//! What a skill asks for: each permission is parsed once into types and never compared as text.

mod ask;
mod error;
mod filesystem;
mod llm;
mod memory;
mod network;
mod process;
mod reason;
mod secret;
pub mod warnings;
pub mod words;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use ask::AskRequest;
pub use error::PermissionError;
pub use filesystem::{AbsolutePath, Access, FilesystemRequest, Tree};
pub use llm::{DEFAULT_LLM_TOKENS, LlmRequest, MAX_LLM_TOKENS};
pub use memory::{DEFAULT_MEMORY_QUOTA, MAX_MEMORY_QUOTA, MemoryRequest};
pub use network::{Domain, HostPattern, Method, MethodSet, NetworkRequest, Scheme, UrlPattern};
pub use process::{
    ArgumentPattern, Environment, Helper, MAX_ARGUMENT_SIZE, MAX_ARGUMENTS, MAX_ARGUMENTS_SIZE, MAX_HELPERS,
    MAX_LITERAL_SIZE, MAX_MEMBERS, MAX_PATTERNS, MAX_SHAPES, MAX_VARIABLES, ProcessRequest, Program, Shape,
    VariableName, VariablePattern, shell_word,
};
pub use reason::{MAX_REASON_LEN, Reason};
pub(crate) use secret::place;
pub use secret::{MAX_PLACE_LEN, SecretHost, SecretPlace, SecretRequest};

use crate::text::{nearest, quoted};

/// All that a manifest asks for. The default asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// Directory trees, at most one entry for each.
    pub filesystem: Vec<FilesystemRequest>,
    /// Outgoing HTTP, at most one entry for each URL pattern.
    pub network: Vec<NetworkRequest>,
    /// Programs of the host, in one entry or several for each.
    pub process: Vec<ProcessRequest>,
    /// The skill's own key-value store.
    pub memory: Option<MemoryRequest>,
    /// The owner's language model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm: Option<LlmRequest>,
    /// Questions to the person behind the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<AskRequest>,
    /// Secrets of the owner, at most one entry for each name and host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<SecretRequest>,
}

impl Requests {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.filesystem.is_empty()
            && self.network.is_empty()
            && self.process.is_empty()
            && self.memory.is_none()
            && self.llm.is_none()
            && self.ask.is_none()
            && self.secret.is_empty()
    }

    /// Whether all that `other` asks is asked here too, so that a grant of this is a grant of that.
    ///
    /// Reasons do not count. A request of `other` must be covered by a single request of this.
    pub fn covers(&self, other: &Requests) -> bool {
        let memory = match (&self.memory, &other.memory) {
            (_, None) => true,
            (Some(mine), Some(theirs)) => mine.quota >= theirs.quota,
            (None, Some(_)) => false,
        };
        let llm = match (&self.llm, &other.llm) {
            (_, None) => true,
            (Some(mine), Some(theirs)) => mine.tokens >= theirs.tokens,
            (None, Some(_)) => false,
        };
        memory
            && llm
            && (self.ask.is_some() || other.ask.is_none())
            && other.filesystem.iter().all(|theirs| self.filesystem.iter().any(|mine| mine.covers(theirs)))
            && other.network.iter().all(|theirs| self.network.iter().any(|mine| mine.covers(theirs)))
            && other.process.iter().all(|theirs| self.process.iter().any(|mine| mine.covers(theirs)))
            && other.secret.iter().all(|theirs| self.secret.iter().any(|mine| mine.covers(theirs)))
    }
}

/// The kinds of permission, by the names that skill authors know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum PermissionKind {
    /// `filesystem:read`
    FilesystemRead,
    /// `filesystem:write`, which implies reading.
    FilesystemWrite,
    /// `network:external`: hosts with public addresses.
    NetworkExternal,
    /// `network:internal`: named hosts that may have loopback, private or otherwise special addresses.
    NetworkInternal,
    /// `process:execute`: programs of the host, with arguments of a known shape.
    ProcessExecute,
    /// `memory`: the skill's own key-value store.
    Memory,
    /// `llm`: the owner's language model.
    Llm,
    /// `ask`: questions to the person behind the session.
    Ask,
    /// `secret`: a secret of the owner, which the host puts into requests to one host.
    Secret,
}

impl PermissionKind {
    /// Every kind of this version.
    pub const ALL: [PermissionKind; 9] = [
        Self::FilesystemRead,
        Self::FilesystemWrite,
        Self::NetworkExternal,
        Self::NetworkInternal,
        Self::ProcessExecute,
        Self::Memory,
        Self::Llm,
        Self::Ask,
        Self::Secret,
    ];

    /// The kind as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FilesystemRead => "filesystem:read",
            Self::FilesystemWrite => "filesystem:write",
            Self::NetworkExternal => "network:external",
            Self::NetworkInternal => "network:internal",
            Self::ProcessExecute => "process:execute",
            Self::Memory => "memory",
            Self::Llm => "llm",
            Self::Ask => "ask",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for PermissionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PermissionKind {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let suggestion = nearest(text, Self::ALL.map(Self::as_str)).first().map(|&kind| kind.to_owned());
            PermissionError::Kind { found: quoted(text), suggestion }
        })
    }
}

impl TryFrom<String> for PermissionKind {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<PermissionKind> for String {
    fn from(kind: PermissionKind) -> String {
        kind.as_str().to_owned()
    }
}
