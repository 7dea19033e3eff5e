//! What a call of the skill that `openclaw skill new` begins costs in each language, in turns:
//! `cargo bench -p openclaw-tests --bench languages`, after `cargo build --release -p openclaw`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails so, and prints"
)]

use std::time::{Duration, Instant};

use openclaw_runtime::{Runtime, ToolCall};
use openclaw_tests::{Home, embedded};
use serde_json::Value;

const LANGUAGES: [&str; 4] = ["rust", "typescript", "javascript", "python"];
/// Calls of each that are measured, and how many of them follow each other: a turn of one language is not to pay for that of another.
const CALLS: usize = 500;
const IN_A_ROW: usize = 25;
/// The first calls of a turn, which are not counted.
const WARMING: usize = 5;

/// Begins, builds and installs the skill of a language, and tells what the build said.
fn install(home: &Home, language: &str) -> Value {
    let name = format!("hello-{language}");
    home.run(["skill", "new", &name, "--lang", language, "--publisher", "acme"]).json();
    let built = home.run(["skill", "build", &name]).json();
    let archive = format!("{name}.tar.gz");
    home.run(["skill", "pack", &name, "--output", &archive]).json();
    home.install_archive(&home.workspace().join(archive)).json();
    built
}

async fn call(runtime: &Runtime, language: &str) -> Duration {
    let call = ToolCall {
        tool: format!("acme/hello-{language}/greet").parse().expect("a tool"),
        input: r#"{"name":"Ada"}"#.to_owned(),
        caller: "bench".to_owned(),
        workspace: None,
        observer: None,
        respondent: None,
    };
    let begun = Instant::now();
    let outcome = runtime.dispatcher().call(call).await;
    let took = begun.elapsed();
    assert!(outcome.is_ok(), "{outcome:?}");
    took
}

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let home = Home::new();
    let built = LANGUAGES.map(|language| install(&home, language));
    let runtime = embedded::open(&home, 4);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut times = LANGUAGES.map(|_| Vec::with_capacity(CALLS));
    tokio.block_on(async {
        for _ in 0..CALLS / IN_A_ROW {
            for (language, times) in LANGUAGES.iter().zip(&mut times) {
                for at in 0..WARMING + IN_A_ROW {
                    let took = call(&runtime, language).await;
                    if at >= WARMING {
                        times.push(took);
                    }
                }
            }
        }
    });
    println!("language     a fresh call, p50   component   compiled in");
    for ((language, times), built) in LANGUAGES.iter().zip(&mut times).zip(&built) {
        times.sort_unstable();
        println!(
            "{language:<12} {:>12.3} ms {:>12.1} MB {:>9.1} s",
            times[CALLS / 2].as_secs_f64() * 1e3,
            built["component"]["bytes"].as_f64().expect("bytes") / 1e6,
            built["check_ms"].as_f64().expect("a time") / 1e3,
        );
    }
}
