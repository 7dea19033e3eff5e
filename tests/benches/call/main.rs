//! What a tool call costs, beside what else a user could pick: `cargo bench -p openclaw-tests`.
//!
//! First criterion measures each arm by itself, for comparing versions. Then all arms take turns in
//! one run, and the table at the end gives their ratios against the bars of the design.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark"
)]

mod arms;
mod ratios;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let arms = arms::Arms::prepare();
    let mut criterion =
        Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3)).configure_from_args();
    let mut group = criterion.benchmark_group("call");
    group.bench_function("openclaw", |b| b.iter(|| arms.dispatched()));
    group.bench_function("bare wasmtime", |b| b.iter(|| arms.bare()));
    group.bench_function("untuned wasmtime", |b| b.iter(|| arms.untuned()));
    group.bench_function("linker per call", |b| b.iter(|| arms.linker_per_call()));
    group.finish();
    criterion.final_summary();
    ratios::print(&arms);
}
