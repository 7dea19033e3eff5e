//! The runtime as an embedder has it: opened over a home's data directory, in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_runtime::launcher::LauncherProgram;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::sandbox::{CompileLimits, Compiler};
use openclaw_runtime::secrets::Secrets;
use openclaw_runtime::workspace::Workspace;
use openclaw_runtime::{CallError, Level, Runtime, RuntimeOptions, ToolCall, WorkerProgram};
use serde_json::Value;

use crate::home::{self, Home, PUBLISHER};

/// The compiler that the command itself uses.
#[must_use]
pub fn compiler() -> Compiler {
    Compiler {
        program: home::binary(),
        arguments: vec!["compile-component".to_owned()],
        limits: CompileLimits::default(),
    }
}

/// Opens a home's data directory for this many calls at once.
pub fn open(home: &Home, concurrent_calls: u32) -> Runtime {
    open_at(home, concurrent_calls, Level::Restricted)
}

/// The same, with calls in worker processes.
pub fn open_isolated(home: &Home, concurrent_calls: u32) -> Runtime {
    open_with_worker(home, concurrent_calls, home::binary(), "run-worker")
}

/// The same, with workers of any program.
pub fn open_with_worker(home: &Home, concurrent_calls: u32, program: PathBuf, argument: &str) -> Runtime {
    let worker = WorkerProgram { program, arguments: vec![argument.to_owned()] };
    open_at(home, concurrent_calls, Level::Isolated(worker))
}

fn open_at(home: &Home, concurrent_calls: u32, level: Level) -> Runtime {
    open_dir(home.data(), concurrent_calls, level)
}

/// Opens a data directory, whoever's it is.
pub fn open_dir(data_dir: PathBuf, concurrent_calls: u32, level: Level) -> Runtime {
    let cache_dir = home::cache_dir().join("artefacts");
    let secrets = secrets(&data_dir);
    Runtime::open(RuntimeOptions {
        data_dir,
        cache_dir,
        compiler: compiler(),
        concurrent_calls,
        call_time: None,
        level,
        launcher: launcher(),
        language_model: None,
        secrets,
    })
    .expect("the runtime opens")
}

/// The secrets of a data directory, in files alone.
pub fn secrets(data_dir: &Path) -> Arc<Secrets> {
    Arc::new(Secrets::new(&DataDir::open(data_dir).expect("a data directory"), None))
}

/// A call of `skill/tool` of the publisher, in the home's workspace.
pub fn tool_call(home: &Home, tool: &str, input: &Value) -> ToolCall {
    ToolCall {
        tool: format!("{PUBLISHER}/{tool}").parse().expect("a tool's name"),
        input: input.to_string(),
        caller: "test".to_owned(),
        workspace: Some(Workspace::resolve(&home.workspace()).expect("a workspace")),
        observer: None,
        respondent: None,
    }
}

/// Calls a tool, and answers with what it gave.
///
/// # Errors
/// Why it gave nothing.
pub async fn call(runtime: &Runtime, home: &Home, tool: &str, input: Value) -> Result<Value, CallError> {
    let result = runtime.dispatcher().call(tool_call(home, tool, &input)).await;
    result
        .map(|result| serde_json::from_str(result.output.get()).expect("a result is JSON"))
        .map_err(|(error, _)| error)
}

/// How the command starts programs of skills.
pub fn launcher() -> LauncherProgram {
    LauncherProgram {
        program: crate::home::binary(),
        arguments: vec!["run-launcher".into()],
        environment: Vec::new(),
    }
}
