//! Makes calls without end, to be killed in the middle of one.
//!
//! `makes-calls DATA_DIR TOOL` prints a line for each call whose record is written.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a program of the tests")]

use std::path::PathBuf;

use openclaw_runtime::{Level, ToolCall};
use openclaw_tests::embedded::open_dir;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let data_dir = PathBuf::from(arguments.next().expect("a data directory"));
    let tool = arguments.next().expect("a tool").parse().expect("a tool's name");
    let runtime = open_dir(data_dir, 1, Level::Restricted);
    let call = ToolCall {
        tool,
        input: "{}".to_owned(),
        caller: "killed".to_owned(),
        workspace: None,
        observer: None,
        respondent: None,
    };
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for number in 1_u64.. {
        let called = tokio.block_on(runtime.dispatcher().call(call.clone()));
        called.map_err(|(error, _)| error).expect("the call succeeds");
        // Some are written at once, others gather.
        if number % 3 == 0 {
            runtime.dispatcher().flush().expect("the log can be written");
            println!("{number}");
        }
    }
}
