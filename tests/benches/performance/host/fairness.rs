//! A quick skill alone, and beside five hundred calls that compute until they are stopped; and all their answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openclaw_runtime::{Dispatcher, Level, ToolCall};
use openclaw_tests::{Home, Skill};
use tokio::task::JoinSet;

use crate::results::Results;
use crate::support::host::{self, tool_call};
use crate::times::{Times, rounds};

/// Different skills, each of which computes for ever.
const SPINNERS: usize = 10;
/// Calls of each.
const CALLS: usize = 50;
/// Time between two calls of the quick skill.
const PAUSE: Duration = Duration::from_millis(5);
/// Calls of the quick skill while it is alone.
const ALONE: usize = 600;

/// How calls ended, and how often.
type Outcomes = BTreeMap<&'static str, usize>;

pub fn measure(results: &mut Results) {
    crate::step("a quick skill beside 500 spinning calls");
    let home = Home::with(&Skill::guest("compute").named("quick"));
    let spinner = Skill::guest("compute").limit("timeout", "\"3s\"").limit("fuel", "50_000_000_000");
    for number in 0..SPINNERS {
        home.install(&spinner.clone().named(&format!("spinner-{number}")));
    }
    let runtime = host::open(home.data(), 8, Level::Restricted);
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a tokio runtime");
    let (mut alone, mut beside) = (Times::default(), Times::default());
    let (mut made, mut outcomes) = (0, Outcomes::new());
    tokio.block_on(async {
        quick(runtime.dispatcher(), &mut Times::default()).await;
        for _ in 0..(rounds() / 13).max(1) {
            for _ in 0..ALONE {
                quick(runtime.dispatcher(), &mut alone).await;
            }
            beside_spinners(runtime.dispatcher(), &mut beside, &mut outcomes).await;
            made += SPINNERS * CALLS;
        }
    });
    let ratio = beside.p99() / alone.p99();
    results.at_most(10.0, "×", "a quick skill beside 500 spinning calls ÷ alone, p99", ratio);
    let answered: usize = outcomes.values().sum();
    results.at_most(0.0, "", "spinning calls without an answer", (made - answered) as f64);
    results.row("a quick skill, alone", &alone);
    results.row("a quick skill, beside 500 spinning calls", &beside);
    results.fact("spinning calls made", "", made as f64);
    for (outcome, count) in outcomes {
        results.fact(&format!("of them answered with `{outcome}`"), "", count as f64);
    }
    results.fact("calls of the quick skill made and answered beside them", "", beside.count() as f64);
}

/// One call of the quick skill, and a pause.
async fn quick(dispatcher: &Arc<Dispatcher>, times: &mut Times) {
    let begun = Instant::now();
    let answer = dispatcher.call(tool_call("quick/echo", r#"{"text":"x"}"#)).await;
    times.add(begun.elapsed());
    answer.map_err(|(error, _)| error).expect("the quick skill is served");
    tokio::time::sleep(PAUSE).await;
}

async fn beside_spinners(dispatcher: &Arc<Dispatcher>, times: &mut Times, outcomes: &mut Outcomes) {
    let mut spinning = JoinSet::new();
    for number in 0..SPINNERS * CALLS {
        let call = tool_call(&format!("spinner-{}/spin", number % SPINNERS), "{}");
        spinning.spawn(outcome(Arc::clone(dispatcher), call));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // As long as so many are there that all places can be taken.
    while spinning.len() > SPINNERS {
        quick(dispatcher, times).await;
        while let Some(ended) = spinning.try_join_next() {
            *outcomes.entry(ended.expect("a call")).or_default() += 1;
        }
    }
    while let Some(ended) = spinning.join_next().await {
        *outcomes.entry(ended.expect("a call")).or_default() += 1;
    }
}

async fn outcome(dispatcher: Arc<Dispatcher>, call: ToolCall) -> &'static str {
    dispatcher.spawn(call).await.map_or_else(|(error, _)| error.code(), |_| "ok")
}
