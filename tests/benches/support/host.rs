//! The host as an embedder opens it, and callers of it that each have a tokio runtime of their own.

use std::path::PathBuf;
use std::sync::Arc;

use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{Dispatcher, Level, Runtime, RuntimeOptions, ToolCall, WorkerProgram};
use openclaw_tests::embedded::compiler;
use openclaw_tests::home::{PUBLISHER, binary, cache_dir};

/// Where the command keeps compiled components, so that none is compiled twice.
pub fn artefacts() -> PathBuf {
    cache_dir().join("artefacts")
}

/// Calls in worker processes, as the command starts them.
pub fn isolated() -> Level {
    Level::Isolated(WorkerProgram { program: binary(), arguments: vec!["run-worker".to_owned()] })
}

/// Opens a data directory for this many calls at once.
pub fn open(data_dir: PathBuf, concurrent_calls: u32, level: Level) -> Runtime {
    let secrets = openclaw_tests::embedded::secrets(&data_dir);
    let options = RuntimeOptions {
        data_dir,
        cache_dir: artefacts(),
        compiler: compiler(),
        concurrent_calls,
        call_time: None,
        level,
        launcher: openclaw_tests::embedded::launcher(),
        language_model: None,
        secrets,
    };
    Runtime::open(options).expect("the runtime opens")
}

/// A call of `skill/tool` of the publisher.
pub fn tool_call(tool: &str, input: &str) -> ToolCall {
    ToolCall {
        tool: format!("{PUBLISHER}/{tool}").parse().expect("a tool's name"),
        input: input.to_owned(),
        caller: "bench".to_owned(),
        workspace: None,
        observer: None,
    }
}

/// A tokio runtime on the thread that drives it.
pub fn tokio_of_one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a tokio runtime")
}

/// One who calls tools, on its own thread.
pub struct Caller {
    tokio: tokio::runtime::Runtime,
    dispatcher: Arc<Dispatcher>,
}

impl Caller {
    pub fn new(runtime: &Runtime) -> Self {
        Self { tokio: tokio_of_one_thread(), dispatcher: Arc::clone(runtime.dispatcher()) }
    }

    /// Calls a tool, whatever comes of it.
    pub fn outcome(&self, call: &ToolCall) -> CallOutcome {
        self.tokio.block_on(self.dispatcher.call(call.clone()))
    }

    /// Calls a tool that answers.
    pub fn call(&self, call: &ToolCall) -> String {
        let result = self.outcome(call).map_err(|(error, _)| error);
        result.expect("the call succeeds").output.get().to_owned()
    }
}
