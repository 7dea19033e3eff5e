//! The skill's log: kept by the host, shown to the owner, never part of a result.

use std::fmt::{self, Display, Formatter};

use crate::host;

/// How much a line matters, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Each step, for who follows the code.
    Trace,
    /// For who looks for a fault.
    Debug,
    /// What happened.
    Info,
    /// Something is odd, and the tool went on.
    Warn,
    /// Something went wrong.
    Error,
}

impl Display for Level {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// The skill's log.
///
/// Writing never fails: past the host's limits of a call, lines are dropped and counted.
#[derive(Clone, Copy)]
pub struct Log<'c> {
    host: &'c dyn host::Log,
}

impl<'c> Log<'c> {
    pub(crate) fn new(host: &'c dyn host::Log) -> Self {
        Self { host }
    }

    /// Writes a line.
    pub fn write(&self, level: Level, message: impl Display) {
        self.host.write(level, &message.to_string());
    }

    /// Says how far the call is: of `total`, where it is known, `done` is done. Whoever called sees it at once, if they
    /// asked to; what does not go beyond the report before is dropped.
    pub fn progress(&self, done: u64, total: Option<u64>, message: impl Display) {
        self.host.progress(done, total, &message.to_string());
    }

    /// Writes a line about a step.
    pub fn trace(&self, message: impl Display) {
        self.write(Level::Trace, message);
    }

    /// Writes a line for who looks for a fault.
    pub fn debug(&self, message: impl Display) {
        self.write(Level::Debug, message);
    }

    /// Writes a line about what happened.
    pub fn info(&self, message: impl Display) {
        self.write(Level::Info, message);
    }

    /// Writes a line about something odd.
    pub fn warn(&self, message: impl Display) {
        self.write(Level::Warn, message);
    }

    /// Writes a line about something that went wrong.
    pub fn error(&self, message: impl Display) {
        self.write(Level::Error, message);
    }
}
