//! Level `isolated`: calls run in worker processes that can do no more than the skill they work for.
//!
//! A worker is this host's own program, started anew for one skill in one workspace. It opens what the skill
//! holds, gives up everything else ([`confine`]), and then makes one call after the other. What would escape
//! from the engine there finds a process without files but the granted trees, without sockets, and
//! without the right to start anything; a crash or a hang costs that process.
//!
//! The host and a worker have two channels: `calls`, on which a call goes out and its outcome comes back, and
//! `side`, for what happens meanwhile: the word that a call is to end, and the connections that the host
//! opens for the worker, after the same decision on each as in its own process.

mod broker;
mod confine;
mod pool;
mod received;
mod spawner;
mod wire;
mod worker;

use std::path::PathBuf;

pub(crate) use broker::Outside;
pub use confine::{ConfineError, TreeAccess, confine};
pub use openclaw_launcher::rights::is_landlock_supported as is_supported;
pub(crate) use pool::Isolated;
pub use worker::run_worker_child;

/// How workers are started.
#[derive(Clone, Debug)]
pub struct WorkerProgram {
    /// The program to start; it must call [`run_worker_child`] when given `arguments`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Where calls run.
#[derive(Clone, Debug, Default)]
pub enum Level {
    /// In this process, each in a store of its own.
    #[default]
    Restricted,
    /// In confined worker processes. All calls must come from one tokio runtime, which the channels to them belong to.
    Isolated(WorkerProgram),
}
