//! Calls of many at once: each client has one call under way, and makes the next when it is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openclaw_runtime::{Dispatcher, Level, ToolCall};
use tokio::task::JoinSet;

use super::HOT;
use crate::installs::{call_of, home_with};
use crate::results::{Curve, Results};
use crate::support::host;
use crate::support::project::Project;
use crate::times::{Times, median, rounds};

const CLIENTS: [usize; 5] = [1, 4, 16, 64, 256];
/// How long a turn is.
const TURN: Duration = Duration::from_millis(400);

pub fn measure(project: &Project, results: &mut Results) {
    crate::step("calls at once");
    let home = home_with(project, HOT);
    let runtime = host::open(home.data(), 256, Level::Restricted);
    // As a server has it: one tokio runtime over all cores, and a task for each call.
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a tokio runtime");
    let turn = |clients| tokio.block_on(clients_for(runtime.dispatcher(), clients, TURN));
    turn(HOT);
    let mut times = vec![Times::default(); CLIENTS.len()];
    let mut throughput = vec![Vec::new(); CLIENTS.len()];
    for _ in 0..(rounds() / 4).max(1) {
        for (index, clients) in CLIENTS.into_iter().enumerate() {
            let begun = Instant::now();
            let measured = turn(clients);
            throughput[index].push(measured.count() as f64 / begun.elapsed().as_secs_f64());
            times[index].append(measured);
        }
    }
    let points: Vec<String> = CLIENTS.iter().map(ToString::to_string).collect();
    let title = "Time of a call, as more are made at once";
    let curve = Curve::new("concurrent", title, "calls at once", "time of a call, µs", points.clone());
    results.curve_of_times(curve, 1.0, &times);
    let title = "Calls per second, as more are made at once";
    let curve = Curve::new("throughput", title, "calls at once", "calls per second", points);
    let values = throughput.iter().map(|turns| median(turns)).collect();
    results.curves.push(curve.line("all clients together", values));
}

/// The times of all calls that so many clients make in a while.
async fn clients_for(dispatcher: &Arc<Dispatcher>, clients: usize, long: Duration) -> Times {
    let until = Instant::now() + long;
    let mut running = JoinSet::new();
    for number in 0..clients {
        running.spawn(client(Arc::clone(dispatcher), call_of(number % HOT), until));
    }
    let mut all = Times::default();
    while let Some(times) = running.join_next().await {
        all.append(times.expect("a client"));
    }
    all
}

async fn client(dispatcher: Arc<Dispatcher>, call: ToolCall, until: Instant) -> Times {
    let mut times = Times::default();
    while Instant::now() < until {
        let begun = Instant::now();
        let answer = dispatcher.spawn(call.clone()).await;
        answer.map_err(|(error, _)| error).expect("the call succeeds");
        times.add(begun.elapsed());
    }
    times
}
