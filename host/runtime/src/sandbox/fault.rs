//! Why a call ended without an answer, and whose doing that was.

use std::time::Duration;

use openclaw_package::bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use wasmtime::Trap;

use super::limits::Limits;
use super::state::CallState;

/// How a call ended that gave no answer. Everything but [`Fault::Host`] and [`Fault::Cancelled`] is the guest's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Fault {
    /// It burnt all its fuel.
    #[error("the skill used all its fuel ({limit})")]
    Fuel {
        /// What it was given.
        limit: u64,
    },
    /// It took longer than it may.
    #[error("the skill ran past its time limit ({} ms)", limit.as_millis())]
    Timeout {
        /// What it was given.
        limit: Duration,
    },
    /// It wanted more memory than it may hold, and did not go on without.
    #[error("the skill needs more memory than its limit ({})", ByteSize::new(*limit))]
    Memory {
        /// What it was given, in bytes.
        limit: u64,
    },
    /// It gave a result larger than it may.
    #[error("the skill's result is larger than its limit ({})", ByteSize::new(*limit))]
    Output {
        /// What it was given, in bytes.
        limit: u64,
    },
    /// It trapped: a panic, a stack overflow, a forged handle.
    #[error("the skill crashed: {0}")]
    Trap(String),
    /// It tried to end the process.
    #[error("the skill called exit instead of returning a result")]
    Exit,
    /// Whoever asked for it went away.
    #[error("the call was cancelled")]
    Cancelled,
    /// The worker process that ran it ended, or answered nonsense.
    #[error("the worker process of the skill was lost: {0}")]
    Worker(String),
    /// The host could not do its part.
    #[error("the host could not run the skill: {0}")]
    Host(String),
}

/// Ends a call because its deadline passed, in guest code or in a wait of the host.
#[derive(Debug, thiserror::Error)]
#[error("the deadline passed")]
pub(super) struct DeadlinePassed;

/// Ends a call because nobody waits for it any more.
#[derive(Debug, thiserror::Error)]
#[error("the call was cancelled")]
pub(super) struct Cancelled;

/// Ends a call because the guest called `exit`.
#[derive(Debug, thiserror::Error)]
#[error("the skill called exit")]
pub(super) struct Exited;

impl Fault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fuel { .. } => "fuel-exhausted",
            Self::Timeout { .. } => "timeout",
            Self::Memory { .. } => "memory-exceeded",
            Self::Output { .. } => "output-too-large",
            Self::Trap(_) => "trap",
            Self::Exit => "exit",
            Self::Cancelled => "cancelled",
            Self::Worker(_) => "worker-lost",
            Self::Host(_) => "host-failure",
        }
    }

    /// Whether it is the host's doing, and its words are about the host's inside.
    #[must_use]
    pub fn is_of_the_host(&self) -> bool {
        matches!(self, Self::Worker(_) | Self::Host(_))
    }

    pub(super) fn host(reason: impl Into<String>) -> Self {
        Self::Host(reason.into())
    }

    /// Reads what ended a call out of wasmtime's error.
    pub(super) fn classify(error: &wasmtime::Error, state: &CallState, limits: &Limits) -> Self {
        if error.is::<Exited>() {
            return Self::Exit;
        }
        if error.is::<DeadlinePassed>() {
            return Self::Timeout { limit: limits.timeout };
        }
        if error.is::<Cancelled>() {
            return Self::Cancelled;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::Fuel { limit: limits.fuel },
            _ if state.totals.refused() => Self::Memory { limit: limits.memory_bytes },
            Some(trap) => Self::Trap(state.log.last_panic().unwrap_or_else(|| trap.to_string())),
            None => Self::Trap(error.root_cause().to_string()),
        }
    }
}
