//! How soon a guest that computes for ever ends: after its deadline, and after the word of whoever waits for it.

use std::time::{Duration, Instant};

use openclaw_runtime::{Level, Runtime};
use openclaw_tests::{Home, Skill};

use crate::results::Results;
use crate::support::host::{self, tool_call};
use crate::times::{Times, rounds};

const TIMEOUT: Duration = Duration::from_millis(50);
/// One tick of the epoch, in microseconds.
const TICK_US: f64 = 1e3;
/// How long a guest computes before it is cancelled.
const BEFORE: Duration = Duration::from_millis(5);
/// Calls of a round.
const CALLS: usize = 5;

/// A host, and the tokio runtime that all its calls are made on.
struct Host {
    runtime: Runtime,
    tokio: tokio::runtime::Runtime,
}

pub fn measure(results: &mut Results) {
    let spinner = Skill::guest("compute").limit("fuel", "50_000_000_000");
    let home = Home::with(&spinner.clone().named("short").limit("timeout", "\"50ms\""));
    home.install(&spinner.named("long").limit("timeout", "\"60s\""));
    let hosts = [Level::Restricted, host::isolated()].map(|level| {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        Host { runtime: host::open(home.data(), 16, level), tokio: tokio.expect("a tokio runtime") }
    });

    crate::step("deadlines");
    let [overshoot, overshoot_isolated] = by_turns(&hosts, overshoot);
    results.at_most(2.0, "ticks", "end of a call after its deadline, p99", overshoot.p99() / TICK_US);
    results.row("from a deadline to the end of the call", &overshoot);
    results.row("the same, level `isolated`", &overshoot_isolated);

    crate::step("cancellations");
    let [cancelled, cancelled_isolated] = by_turns(&hosts, cancelled);
    results.row("from a word of cancellation to the end of the call", &cancelled);
    results.row("the same, level `isolated`", &cancelled_isolated);
}

fn by_turns(hosts: &[Host; 2], measure: fn(&Host, &mut Times)) -> [Times; 2] {
    // The first calls make things ready.
    hosts.iter().for_each(|host| measure(host, &mut Times::default()));
    let mut both: [Times; 2] = Default::default();
    for _ in 0..rounds() {
        for (host, times) in hosts.iter().zip(&mut both) {
            measure(host, times);
        }
    }
    both
}

/// As whoever called sees it: all that a call takes beyond its timeout.
fn overshoot(host: &Host, times: &mut Times) {
    for _ in 0..CALLS {
        let call = tool_call("short/spin", "{}");
        let begun = Instant::now();
        let outcome = host.tokio.block_on(host.runtime.dispatcher().call(call));
        times.add(begun.elapsed().saturating_sub(TIMEOUT));
        let (error, _) = outcome.expect_err("it never ends by itself");
        assert_eq!(error.code(), "timeout", "{error}");
    }
}

fn cancelled(host: &Host, times: &mut Times) {
    host.tokio.block_on(async {
        for _ in 0..CALLS {
            let running = host.runtime.dispatcher().spawn(tool_call("long/spin", "{}"));
            tokio::time::sleep(BEFORE).await;
            let begun = Instant::now();
            running.cancel().cancel();
            let outcome = running.await;
            times.add(begun.elapsed());
            let (error, _) = outcome.expect_err("it never ends by itself");
            assert_eq!(error.code(), "cancelled", "{error}");
        }
    });
}
