//! Runs OpenClaw skills: signed WebAssembly components that hold only what their owner granted.
//!
//! A [`Runtime`] opens an owner's data directory; its [`Dispatcher`] takes a [`ToolCall`], finds
//! the skill in the [`Catalog`](catalog::Catalog), checks the input, opens what is granted, runs
//! the component in a fresh store and writes an audit record. The crate knows no command line, no
//! server and no model.

pub mod audit;
mod bindings;
mod blocking;
mod cancel;
pub mod capability;
pub mod catalog;
pub mod consent;
pub mod develop;
pub mod dispatch;
mod execute;
pub mod install;
pub mod isolated;
pub mod layout;
pub mod lockfile;
mod observer;
mod places;
pub mod policy;
pub mod policy_file;
mod rate;
mod ready;
pub mod redact;
mod runtime;
pub mod sandbox;
pub mod secrets;
pub mod skill;
pub mod skill_log;
pub mod sqlite;
pub mod takedowns;
pub mod trust;
mod watch;
pub mod workspace;

/// How programs of skills are started.
pub mod launcher {
    pub use openclaw_launcher::{LaunchError, Launcher, LauncherProgram, Means};

    /// A launcher's life, in a process of its own that has one thread. Returns the exit code.
    #[must_use]
    pub fn run_launcher_child() -> i32 {
        openclaw_launcher::serve(crate::capability::filesystem::is_control_name)
    }
}

pub use cancel::{Cancel, Running};
pub use dispatch::{CallError, Dispatcher, Report, ToolCall, ToolResult};
pub use isolated::{Level, WorkerProgram};
pub use observer::{Observer, Progress};
pub use runtime::{GrantError, Runtime, RuntimeError, RuntimeOptions};
pub use watch::{WatchError, Watcher};
