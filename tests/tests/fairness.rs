//! Skills that compute for ever beside one that answers at once: it is served, and every call gets an answer.
//!
//! How fast it is served is measured by the benchmark, `scripts/bench`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openclaw_runtime::{Dispatcher, ToolCall};
use openclaw_tests::embedded::{call, open, tool_call};
use openclaw_tests::{Home, Skill};
use serde_json::json;
use tokio::task::JoinSet;

/// Different skills, each of which computes for ever.
const SPINNERS: usize = 10;
/// Calls of each.
const CALLS: usize = 50;

async fn outcome(dispatcher: Arc<Dispatcher>, call: ToolCall) -> &'static str {
    dispatcher.spawn(call).await.map_or_else(|(error, _)| error.code(), |_| "ok")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_spinning_calls_leave_a_quick_skill_served_and_none_is_lost() {
    let home = Home::with(&Skill::guest("compute").named("quick"));
    let spinner = Skill::guest("compute").limit("timeout", "\"3s\"").limit("fuel", "50_000_000_000");
    for number in 0..SPINNERS {
        home.install(&spinner.clone().named(&format!("spinner-{number}")));
    }
    let runtime = open(&home, 8);
    call(&runtime, &home, "quick/echo", json!({})).await.unwrap();
    let mut spinning = JoinSet::new();
    for number in 0..SPINNERS * CALLS {
        let call = tool_call(&home, &format!("spinner-{}/spin", number % SPINNERS), &json!({}));
        spinning.spawn(outcome(Arc::clone(runtime.dispatcher()), call));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut served = 0;
    while spinning.len() > SPINNERS && served < 500 {
        call(&runtime, &home, "quick/echo", json!({ "text": "x" })).await.unwrap();
        served += 1;
        while spinning.try_join_next().is_some_and(|ended| counted(ended.unwrap())) {}
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(served >= 100, "{served} calls of the quick skill were served meanwhile");
    let mut outcomes = BTreeMap::<_, usize>::new();
    while let Some(ended) = spinning.join_next().await {
        *outcomes.entry(ended.unwrap()).or_default() += 1;
    }
    assert!(outcomes.keys().all(|code| counted(code)), "{outcomes:?}");
}

/// A spinner may only come to one of these ends.
fn counted(code: &str) -> bool {
    assert!(matches!(code, "timeout" | "fuel-exhausted" | "busy"), "{code}");
    true
}
