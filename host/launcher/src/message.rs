//! What a host asks of a launcher, and what it hears of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What confines programs on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Means {
    /// The kernel has Landlock, of Linux 6.2 or later.
    pub landlock: bool,
    /// Namespaces of one's own can be made.
    pub namespaces: bool,
}

impl Means {
    /// Whether control files, and what is hidden, can be kept from a program in these trees: mounts do that.
    #[must_use]
    pub fn guard(self, trees: &[Tree]) -> bool {
        self.namespaces || !trees.iter().any(|tree| tree.writes || !tree.hidden.is_empty())
    }
}

/// A program to start. Its descriptors come along: the program itself, then standard input, output and error, then
/// init's end of the control channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    /// The program's own path, by which it may start itself anew.
    pub program: PathBuf,
    /// All arguments; the first is the name that it is called by.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    /// Where it works, as it sees it.
    pub directory: PathBuf,
    /// What it may use.
    pub trees: Vec<Tree>,
    /// Other programs that it may start: files, or directories of them.
    pub helpers: Vec<PathBuf>,
    /// What it may use up.
    pub limits: Limits,
    /// The operator's word that it may run where this machine lacks the means to confine it.
    pub unconfined: bool,
}

/// A directory, and all below it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tree {
    /// Where it is.
    pub source: PathBuf,
    /// Its device and inode: another directory that took its place is refused.
    pub identity: (u64, u64),
    /// Where the program sees it.
    pub target: PathBuf,
    /// Whether it may be changed.
    pub writes: bool,
    /// What in it is out of sight: paths relative to it.
    pub hidden: Vec<PathBuf>,
    /// Control files in it that may be changed: paths relative to it.
    pub control_allowed: Vec<PathBuf>,
    /// Since when another program, which still runs, may change it, in seconds and nanoseconds since 1970: control files
    /// that were changed later may be that program's.
    pub since: Option<(i64, i64)>,
    /// Control files that are known to be the owner's all the same, by device and inode.
    pub known: Vec<(u64, u64)>,
}

/// What a program, with all that comes of it, may use up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds until everything is ended.
    pub time_ms: u64,
    /// Bytes of memory of all processes together, as sampled, and of each one's own data.
    pub memory_bytes: u64,
    /// Processes and threads at once.
    pub processes: u64,
    /// Bytes that one file may grow to.
    pub file_bytes: u64,
    /// Bytes that stay free on the disk of each tree that it may change.
    pub free_bytes: u64,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// By a limit, or the host.
    Stopped(Stop),
}

/// Why a program was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// Its time was over.
    Deadline,
    /// Its processes held more memory than they may.
    Memory,
    /// It had more processes than it may.
    Processes,
    /// It left less free space than it must.
    Disk,
    /// The host said so.
    Host,
}

/// What is left of a program, of which no process runs any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// Milliseconds of processor time of all its processes.
    pub cpu_ms: u64,
    /// The first control files that it made without being allowed to, as it named them; each was renamed so that nobody
    /// obeys it.
    pub held_back: Vec<String>,
    /// How many there were.
    pub held_back_count: u64,
    /// Whether all of its trees could be looked through for them.
    pub swept: bool,
}

/// What an init says on the control channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// The program runs, confined by these means; these control files are protected, by device and inode.
    Started(Means, Vec<(u64, u64)>),
    /// It does not.
    Failed(Failure),
    /// It has ended, and everything with it.
    Ended(Ended),
}

/// Why a program was not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Failure {
    /// No Landlock.
    #[error("this machine has no Landlock")]
    NoLandlock,
    /// No namespaces, and something that may be changed.
    #[error("this machine has no namespaces")]
    NoNamespaces,
    /// The program cannot be executed.
    #[error("the program cannot be executed: {0}")]
    NotExecutable(String),
    /// A tree is not what it was.
    #[error("another directory is in the place of {}", .0.display())]
    TreeChanged(PathBuf),
    /// A step failed.
    #[error("{step}: {reason}")]
    Step {
        /// What was tried.
        step: String,
        /// What the system said.
        reason: String,
    },
}

impl Failure {
    /// A step that the system refused.
    pub(crate) fn at<E: std::fmt::Display>(step: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| Self::Step { step: step.into(), reason: error.to_string() }
    }
}
