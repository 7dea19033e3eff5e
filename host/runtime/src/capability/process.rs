//! The process capability: `openclaw:skill/process`, programs of the host that can do no more than the skill itself.
//!
//! A command is held against the shapes of the manifest and of the owner's rules ([`grants`]), its program is opened
//! and must be the one that was pinned ([`program`]), and it is started by the launcher (crate `openclaw-launcher`)
//! with the trees of the call ([`start`]). What it writes and how it ended comes back through [`child`].

mod child;
mod grants;
mod host;
mod program;
mod rule;
mod start;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use openclaw_launcher::{Ended, Exit, Stop};
use serde::{Deserialize, Serialize};

pub use child::Child;
use child::Lives;
pub(crate) use child::{Cause, Fate, Life};
pub(crate) use grants::{Command, Permitted, ProcessGrants};
pub(crate) use host::add_to_linker;
pub use program::{find_by_name, find_program, program_digest};
pub use rule::{ProcessRule, ProcessRuleError};
pub(crate) use start::{Begun, Direct, Start, StartError, Trees};

use super::{Denial, Denials};
use crate::bindings::openclaw::skill::process as wit;

/// Programs that a call may start.
pub(crate) const PROGRAMS: usize = 256;
/// Programs of a call that may run at once.
pub(crate) const AT_ONCE: usize = 8;
/// Bytes that a program may write to a skill that reads them as they come.
const STREAMED_BYTES: u64 = 256 << 20;
/// Bytes that are gathered of a program's output, and as many of its errors.
const GATHERED_BYTES: u64 = 4 << 20;

/// A program that a call ran, for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// The program and its arguments, escaped and clipped to 256 characters.
    pub command: String,
    /// Its file.
    pub program: PathBuf,
    /// How it ended: `0`, `signal 9`, `deadline`, or `killed` by the skill or with its call.
    pub exit: String,
    /// Milliseconds of processor time of it and all that came of it.
    pub cpu_ms: u64,
    /// This machine could not confine it, and the operator's policy let it run all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconfined: bool,
    /// Control files that it made without being allowed to, and that were renamed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<String>,
}

/// What one call holds of programs.
#[derive(Default)]
pub(crate) enum ProcessState {
    /// The manifest does not declare it, so the interface is not linked.
    #[default]
    Undeclared,
    /// Some commands may be permitted.
    Declared(Box<Session>),
}

/// The programs of one call.
pub(crate) struct Session {
    grants: Arc<ProcessGrants>,
    starter: Arc<dyn Start>,
    trees: Trees,
    denials: Denials,
    deadline: Instant,
    lives: Lives,
    ran: Mutex<Vec<(Ran, Arc<Life>)>>,
    /// Programs that were permitted, whether they could be started or not.
    permitted: AtomicUsize,
    /// Programs that are being started.
    starting: AtomicUsize,
}

impl ProcessState {
    /// Ends what still runs, and tells what ran.
    pub(crate) async fn finish(&mut self) -> Vec<Ran> {
        match self {
            Self::Declared(session) => session.finish().await,
            Self::Undeclared => Vec::new(),
        }
    }
}

fn finished(ran: Ran, life: &Life) -> Ran {
    match life.fate() {
        Some(Fate::Ended(ended, cause)) => {
            Ran { exit: told(ended.exit, cause), cpu_ms: ended.cpu_ms, held_back: held_back(&ended), ..ran }
        }
        Some(Fate::Lost) | None => Ran { exit: "lost".to_owned(), ..ran },
    }
}

/// What a program made that it may not, as it can be shown: it chose the names.
fn held_back(ended: &Ended) -> Vec<String> {
    let shown = |name: &String| name.chars().flat_map(char::escape_debug).take(256).collect::<String>();
    let mut names: Vec<_> = ended.held_back.iter().map(shown).collect();
    let untold = ended.held_back_count.saturating_sub(names.len() as u64);
    if untold > 0 {
        names.push(format!("and {untold} more"));
    }
    if !ended.swept {
        names.push("and perhaps more: the tree is too large or too deep to be looked through".to_owned());
    }
    names
}

fn told(exit: Exit, cause: Cause) -> String {
    match exit {
        _ if cause == Cause::Output => "output".to_owned(),
        Exit::Code(code) => code.to_string(),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Stopped(Stop::Host) => format!("{cause:?}").to_lowercase(),
        Exit::Stopped(stop) => format!("{stop:?}").to_lowercase(),
    }
}

impl Session {
    /// The programs of a call that ends at `deadline`.
    pub(crate) fn new(
        grants: Arc<ProcessGrants>,
        starter: Arc<dyn Start>,
        trees: Trees,
        denials: Denials,
        deadline: Instant,
    ) -> Self {
        Self {
            grants,
            starter,
            trees,
            denials,
            deadline,
            lives: Lives::default(),
            ran: Mutex::default(),
            permitted: AtomicUsize::new(0),
            starting: AtomicUsize::new(0),
        }
    }

    /// Decides on a command, and starts it.
    pub(crate) async fn begin(&self, command: Command) -> Result<Begun, StartError> {
        let outside =
            || StartError::Unavailable("the working directory is in none of the skill's trees".to_owned());
        let directory = self.trees.directory(command.directory.as_deref()).ok_or_else(outside)?;
        let permitted = self.grants.permit(command, &directory).map_err(|denial| self.deny(denial))?;
        let _starting = Starting::count(&self.starting);
        if self.lives.running() + self.starting.load(Ordering::Relaxed) > AT_ONCE
            || self.permitted.fetch_add(1, Ordering::Relaxed) >= PROGRAMS
        {
            return Err(StartError::TooMany);
        }
        let begun = self.starter.start(&permitted, &self.trees, self.deadline).await;
        let begun = begun.map_err(|error| match error {
            StartError::Denied(denial) => self.deny(denial),
            error => error,
        })?;
        let ran = Ran {
            command: Denial::new(
                super::Capability::ProcessExecute,
                &permitted.target(),
                super::Reason::NotGranted,
            )
            .target,
            program: permitted.program.clone(),
            exit: String::new(),
            cpu_ms: 0,
            unconfined: !begun.means.landlock || !begun.means.guard(&self.trees.0),
            held_back: Vec::new(),
        };
        self.lives.add(&begun.life);
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).push((ran, Arc::clone(&begun.life)));
        Ok(begun)
    }

    /// The same, for the guest.
    async fn start(&self, command: Command, bytes: u64) -> Result<Child, wit::Error> {
        let begun = self.begin(command).await.map_err(|error| match error {
            StartError::Denied(denial) => wit::Error::Denied(denial.to_string()),
            StartError::TooMany => wit::Error::TooMany,
            StartError::Unavailable(reason) => wit::Error::Unavailable(reason),
        })?;
        Child::new(begun, bytes).map_err(|error| wit::Error::Unavailable(error.to_string()))
    }

    fn deny(&self, denial: Denial) -> StartError {
        self.denials.record(denial.clone());
        StartError::Denied(denial)
    }

    /// Ends what still runs, and tells what ran.
    pub(crate) async fn finish(&self) -> Vec<Ran> {
        self.lives.end().await;
        let ran = std::mem::take(&mut *self.ran.lock().unwrap_or_else(PoisonError::into_inner));
        ran.into_iter().map(|(ran, life)| finished(ran, &life)).collect()
    }
}

/// Counts a program while it is being started.
struct Starting<'a>(&'a AtomicUsize);

impl<'a> Starting<'a> {
    fn count(starting: &'a AtomicUsize) -> Self {
        starting.fetch_add(1, Ordering::Relaxed);
        Self(starting)
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
