//! Whoever follows a call while it runs: its log lines and its progress, as the guest tells them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::capability::log::LogLine;

/// Follows a call. Its methods are called on the thread of the guest, and so must not wait.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The guest wrote a line, which was kept: no line comes here that the [`Report`](crate::Report) will not hold.
    fn logged(&self, line: &LogLine);

    /// The guest said how far it is.
    fn progressed(&self, progress: &Progress);
}

/// How far a call is, in the guest's own words and numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Of what there is to do, how much is done; more than in the report before.
    pub done: u64,
    /// How much there is to do, where the guest knows it.
    pub total: Option<u64>,
    /// What it does now, control characters escaped.
    pub message: String,
}
