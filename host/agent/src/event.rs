//! What whoever watches a session sees, as it happens.

use openclaw_runtime::capability::log::Level;
use serde::{Deserialize, Serialize};

use crate::model::Usage;

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The model said something more.
    Text {
        /// The piece.
        text: String,
    },
    /// What the model said of this answer is void; it is asked anew.
    Restarted,
    /// The model asked for a call, which now begins.
    CallBegun {
        /// The model's name for the call.
        id: String,
        /// Which tool, by its own name.
        tool: String,
        /// Its input.
        input: String,
    },
    /// The skill logged a line.
    CallLogged {
        /// Of which call.
        id: String,
        /// The line's level.
        level: Level,
        /// The line.
        message: String,
    },
    /// The skill said how far it is.
    CallProgressed {
        /// Of which call.
        id: String,
        /// How much is done.
        done: u64,
        /// Of how much.
        total: Option<u64>,
        /// What it does now.
        message: String,
    },
    /// A call ended, or was not made.
    CallEnded {
        /// Which one.
        id: String,
        /// The name that it was asked for by.
        tool: String,
        /// `ok`, or the code of the error.
        outcome: String,
        /// What the model is told, cut to a line.
        summary: String,
        /// How long it took.
        milliseconds: u64,
    },
    /// Something that the person should know.
    Notice {
        /// The words.
        text: String,
    },
    /// The turn is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// The tokens of the turn.
        usage: Usage,
        /// What it cost, in millionths of a dollar.
        cost: u64,
    },
}

/// Why a turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The model was done.
    Done,
    /// Somebody ended it.
    Cancelled,
    /// It reached its most steps.
    Steps,
    /// It reached its most tokens.
    Tokens,
    /// It reached its most money.
    Cost,
    /// It reached its most time.
    Time,
    /// No model answered.
    ModelFailed,
}

/// Watches a session. Its method must not wait.
pub trait Watcher: std::fmt::Debug + Send + Sync {
    /// Something happened.
    fn saw(&self, event: &Event);
}
