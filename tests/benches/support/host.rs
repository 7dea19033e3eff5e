//! The host as an embedder opens it, and callers of it that each have a tokio runtime of their own.

use std::sync::Arc;

use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{Dispatcher, Level, Runtime, ToolCall, WorkerProgram};
pub use openclaw_tests::embedded::open_dir as open;
use openclaw_tests::home::{PUBLISHER, binary};

/// Calls in worker processes, as the command starts them.
pub fn isolated() -> Level {
    Level::Isolated(WorkerProgram { program: binary(), arguments: vec!["run-worker".to_owned()] })
}

/// A call of `skill/tool` of the publisher.
pub fn tool_call(tool: &str, input: &str) -> ToolCall {
    ToolCall {
        tool: format!("{PUBLISHER}/{tool}").parse().expect("a tool's name"),
        input: input.to_owned(),
        caller: "bench".to_owned(),
        workspace: None,
        observer: None,
        respondent: None,
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
