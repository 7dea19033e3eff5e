//! The arms: one component called through OpenClaw, and in the ways that it is compared with.

use std::process::{Command, Stdio};

use openclaw_runtime::{Level, Runtime, ToolCall};
use openclaw_tests::Home;

use super::host::{self, Caller};
use super::project::{INPUT, Project, TOOL};
use super::tuned::{EmptyWasi, Nothing, Tuned};
use super::untuned::Untuned;

/// All arms over one component.
pub struct Arms {
    restricted: Host,
    isolated: Host,
    bare: Tuned<Nothing>,
    bare_with_wasi: Tuned<EmptyWasi>,
    untuned: Untuned,
    tokio: tokio::runtime::Runtime,
    _home: Home,
}

/// A host, and one who calls it.
struct Host {
    caller: Caller,
    runtime: Runtime,
    call: ToolCall,
}

impl Host {
    fn new(home: &Home, level: Level) -> Self {
        let runtime = host::open(home.data(), 16, level);
        let call = host::tool_call(&format!("hello/{TOOL}"), INPUT);
        Self { caller: Caller::new(&runtime), runtime, call }
    }

    fn call(&self) -> String {
        self.caller.call(&self.call)
    }
}

impl Arms {
    pub fn prepare() -> Self {
        let project = Project::built();
        let home = project.installed();
        let component = project.component();
        Self {
            restricted: Host::new(&home, Level::Restricted),
            isolated: Host::new(&home, host::isolated()),
            bare: Tuned::new(&component),
            bare_with_wasi: Tuned::new(&component),
            untuned: Untuned::new(&component),
            tokio: host::tokio_of_one_thread(),
            _home: home,
        }
    }

    /// Policy, schema check, fuel, limits, audit and JSON included.
    pub fn restricted(&self) -> String {
        self.restricted.call()
    }

    /// The same, in a worker process that is there already.
    pub fn isolated(&self) -> String {
        self.isolated.call()
    }

    /// Calls of the same dispatcher for another thread, which drives them itself.
    pub fn restricted_elsewhere(&self) -> impl Fn() + use<> {
        let (caller, call) = (Caller::new(&self.restricted.runtime), self.restricted.call.clone());
        move || drop(caller.call(&call))
    }

    /// The floor.
    pub fn bare(&self) -> String {
        self.bare.call()
    }

    /// The floor, with a WASI that holds nothing.
    pub fn bare_with_wasi(&self) -> String {
        self.bare_with_wasi.call()
    }

    /// What an embedding gets that takes wasmtime's defaults.
    pub fn untuned(&self) -> String {
        self.tokio.block_on(self.untuned.call())
    }

    /// The same, with everything linked anew for each call.
    pub fn linker_per_call(&self) -> String {
        self.tokio.block_on(self.untuned.call_linking())
    }
}

/// Runs another program to its end; false where it is not installed.
pub fn program(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
