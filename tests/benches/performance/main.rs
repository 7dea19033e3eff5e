//! How fast a call is beside what else one could pick, as things grow, and at the edges of the host:
//! `scripts/bench`, or `cargo bench -p openclaw-tests --bench performance`.
//!
//! Without a word all of it is measured, each part in a process of its own, and `docs/performance` is written anew.
//! With one of them it is that part: `call`, `growth`, `host`, `launch`, or `report`, which writes what was measured last.
//! Each part leaves its results as JSON in `target/bench`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark fails so, and tells how it goes"
)]

mod call;
mod footprint;
mod growth;
mod host;
mod installs;
mod launch;
mod machine;
mod report;
mod results;
#[path = "../support/mod.rs"]
mod support;
mod times;

use std::process::{Command, ExitCode};
use std::time::Instant;

use machine::Machine;
use results::Results;

/// The parts, in the order in which they are measured.
const PARTS: [&str; 4] = ["call", "growth", "host", "launch"];

fn main() -> ExitCode {
    // `cargo bench` adds a flag; `cargo test --benches` adds none, and only wants to see that it starts.
    let (flags, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] if flags.iter().any(|flag| flag == "--bench") => all(),
        [] => ExitCode::SUCCESS,
        ["call"] => part("call", call::measure),
        ["growth"] => part("growth", growth::measure),
        ["host"] => part("host", host::measure),
        ["launch"] => part("launch", launch::measure),
        ["report"] => report::write(),
        [footprint::WORD, data_dir, skills] => footprint::print(data_dir, skills),
        other => {
            eprintln!("no such part: {}; there are call, growth, host, launch and report", other.join(" "));
            ExitCode::from(2)
        }
    }
}

/// Every part in a process of its own, so that none inherits the memory of the one before; then the report.
fn all() -> ExitCode {
    let this = std::env::current_exe().expect("this program");
    for word in PARTS.into_iter().chain(["report"]) {
        let status = Command::new(&this).arg(word).status().expect("it starts");
        if !status.success() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Says what is measured next.
fn step(what: &str) {
    println!("  {}  {what}", jiff::Timestamp::now().strftime("%H:%M:%S"));
}

fn part(name: &'static str, measure: fn(&mut Results)) -> ExitCode {
    let watch = match Machine::watch() {
        Ok(watch) => watch,
        Err(busy) => {
            eprintln!("{busy}: nothing is measured. Wait, or set {}=1", machine::BUSY);
            return ExitCode::FAILURE;
        }
    };
    println!("\n{name}, {} rounds", times::rounds());
    let (mut results, begun) = (Results::default(), Instant::now());
    measure(&mut results);
    results.machine = watch.ended();
    results.save(name);
    println!("measured in {:.0} s\n\n{}", begun.elapsed().as_secs_f64(), report::summary(&results));
    ExitCode::SUCCESS
}
