//! What a call costs in each arm, to be compared between versions: `cargo bench -p openclaw-tests --bench call`.
//!
//! `-- --save-baseline NAME` keeps what was measured, `-- --baseline NAME` compares with it. How the arms compare
//! with each other is measured by the benchmark `performance`, in which they take turns.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark fails so"
)]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod support;

use std::time::Duration;

use criterion::Criterion;
use support::arms::Arms;

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let arms = Arms::prepare();
    let mut criterion =
        Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3)).configure_from_args();
    let mut group = criterion.benchmark_group("call");
    group.bench_function("openclaw", |b| b.iter(|| arms.restricted()));
    group.bench_function("openclaw isolated", |b| b.iter(|| arms.isolated()));
    group.bench_function("bare wasmtime", |b| b.iter(|| arms.bare()));
    group.bench_function("bare wasmtime with WASI", |b| b.iter(|| arms.bare_with_wasi()));
    group.bench_function("untuned wasmtime", |b| b.iter(|| arms.untuned()));
    group.bench_function("linker per call", |b| b.iter(|| arms.linker_per_call()));
    group.finish();
    criterion.final_summary();
}
