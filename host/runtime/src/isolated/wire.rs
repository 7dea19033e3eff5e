//! What a host and its worker say to each other, in frames ([`openclaw_launcher::frame`]), some with descriptors.

use std::path::PathBuf;
use std::time::Duration;

use openclaw_launcher::Means;
use openclaw_package::digest::Digest;
use openclaw_package::name::SkillId;
use openclaw_package::permission::Requests;
use serde::{Deserialize, Serialize};

use crate::audit::Bytes;
use crate::bindings::exports::openclaw::skill::tools::ToolError;
use crate::capability::ask::Reply;
use crate::capability::llm::{LlmCompletion, LlmError, LlmRequest};
use crate::capability::log::Told;
use crate::capability::network::dial::DialError;
use crate::capability::process::{Cause, Command, Fate, StartError};
use crate::dispatch::Report;
use crate::policy::Policy;
use crate::sandbox::{Fault, Limits};

pub(super) use openclaw_launcher::frame::{
    FRAME_BYTES, LENGTH_BYTES, encode, read, read_with_descriptors, write, write_with_descriptors,
};

/// Host to worker on the side channel, with the artefact's descriptor: what the worker works for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) skill: SkillId,
    pub(super) component: Digest,
    pub(super) requests: Requests,
    /// The owner's rules for this skill, and for no other.
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) workspace: Option<PathBuf>,
    /// The host's own directories, which no tree gives away.
    pub(super) own: Vec<PathBuf>,
    pub(super) data: PathBuf,
    pub(super) memory: PathBuf,
    /// Whether the host has a language model.
    pub(super) model: bool,
}

/// Worker to host on the side channel, before anything else: whether it can work.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Begun {
    Ready,
    /// The component does not fit this host.
    DoesNotLink(String),
    /// A granted directory cannot be opened.
    NoTree {
        path: PathBuf,
        reason: String,
    },
    /// The engine does not start, or this machine cannot confine a process.
    Failed(String),
}

/// Host to worker on the call channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) tool: String,
    pub(super) input: String,
    /// Whether what the guest tells is to be told on at once.
    pub(super) is_followed: bool,
    /// Whether there is somebody who answers questions.
    pub(super) is_answered: bool,
}

/// Worker to host on the call channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) number: u64,
    /// How often the guest told something on the side channel, where some of it may still be under way.
    pub(super) told: u64,
    pub(super) end: End,
}

/// How a call ended in the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum End {
    Outcome {
        answer: Answer,
        report: Report,
        bytes: Bytes,
        requests: u64,
    },
    /// A granted directory cannot be opened any more.
    NoTree {
        path: PathBuf,
        reason: String,
    },
}

/// What the tool answered, or why it did not.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Result(String),
    UnknownTool,
    InvalidInput(String),
    Denied(String),
    Failed(String),
    Fault(Fault),
}

/// Host to worker on the side channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Meanwhile {
    /// The call of that number is to end.
    Cancel(u64),
    /// What came of the wish for a connection; with its descriptor if there is one.
    Dialled { id: u64, result: Result<Link, DialError> },
    /// What came of the wish for a program; with its standard input, output and error if it runs.
    Started { id: u64, result: Result<Means, StartError> },
    /// A program that was started has ended.
    Ended { id: u64, fate: Fate },
    /// What came of a question to the language model.
    Completed { id: u64, result: Result<LlmCompletion, LlmError> },
    /// What the person behind the call said to a question.
    Replied { id: u64, reply: Reply },
}

/// Where a connection leads that a host hands to its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Link {
    /// To an address of the request's host.
    Direct,
    /// To the worker's own host, which sends the request on.
    Relayed,
}

/// Worker to host on the side channel: what the guest of the call of that number needs beyond the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Wished {
    pub(super) call: u64,
    pub(super) wish: Wish,
}

/// What a guest needs beyond its worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Wish {
    /// A connection for a request.
    Dial { id: u64, method: String, url: String, patience: Duration },
    /// A program.
    Start { id: u64, command: Command },
    /// A program's end.
    End { id: u64, cause: Cause },
    /// What the guest tells.
    Tell { told: Told },
    /// An answer of the language model.
    Complete { id: u64, request: LlmRequest },
    /// An answer of the person behind the call.
    Ask { id: u64, text: String, choices: Vec<String> },
}

impl From<Result<Result<String, ToolError>, Fault>> for Answer {
    fn from(answer: Result<Result<String, ToolError>, Fault>) -> Self {
        match answer {
            Ok(Ok(result)) => Self::Result(result),
            Ok(Err(ToolError::UnknownTool)) => Self::UnknownTool,
            Ok(Err(ToolError::InvalidInput(reason))) => Self::InvalidInput(reason),
            Ok(Err(ToolError::Denied(reason))) => Self::Denied(reason),
            Ok(Err(ToolError::Failed(reason))) => Self::Failed(reason),
            Err(fault) => Self::Fault(fault),
        }
    }
}

impl From<Answer> for Result<Result<String, ToolError>, Fault> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Result(result) => Ok(Ok(result)),
            Answer::UnknownTool => Ok(Err(ToolError::UnknownTool)),
            Answer::InvalidInput(reason) => Ok(Err(ToolError::InvalidInput(reason))),
            Answer::Denied(reason) => Ok(Err(ToolError::Denied(reason))),
            Answer::Failed(reason) => Ok(Err(ToolError::Failed(reason))),
            Answer::Fault(fault) => Err(fault),
        }
    }
}
