//! A call of a hot set of skills, the host's start and its memory, as more skills are installed.

use openclaw_runtime::{Level, Runtime, ToolCall};
use openclaw_tests::Home;

use super::HOT;
use crate::footprint::{self, Footprint};
use crate::installs::{call_of, home_with};
use crate::results::{Curve, Results};
use crate::support::host::{self, Caller};
use crate::support::project::Project;
use crate::times::{Times, median, rounds};

const INSTALLED: [usize; 4] = [10, 100, 1_000, 10_000];
/// Calls of each hot skill in a turn.
const CALLS: usize = 12;

pub fn measure(project: &Project, results: &mut Results) {
    crate::step("installing 11,110 skills");
    let homes = INSTALLED.map(|skills| home_with(project, skills));
    let points: Vec<String> = INSTALLED.iter().map(|skills| grouped(*skills)).collect();
    crate::step("calls beside many installed skills");
    calls(&homes, &points, results);
    crate::step("starts beside many installed skills");
    starts(&homes, &points, results);
}

fn grouped(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

/// A host over one of the homes.
struct Host {
    caller: Caller,
    calls: Vec<ToolCall>,
    _runtime: Runtime,
}

fn calls(homes: &[Home], points: &[String], results: &mut Results) {
    let open = |home: &Home| {
        let runtime = host::open(home.data(), 16, Level::Restricted);
        Host { caller: Caller::new(&runtime), calls: (0..HOT).map(call_of).collect(), _runtime: runtime }
    };
    let hosts: Vec<Host> = homes.iter().map(open).collect();
    let mut times = vec![Times::default(); hosts.len()];
    let turn = |host: &Host, times: &mut Times| {
        for call in &host.calls {
            times.measure(1, || drop(host.caller.call(call)));
        }
    };
    for round in 0..rounds() {
        for index in 0..hosts.len() {
            // Each host has each place in a round, and its first calls of a turn do not count.
            let index = (index + round) % hosts.len();
            turn(&hosts[index], &mut Times::default());
            (0..CALLS).for_each(|_| turn(&hosts[index], &mut times[index]));
        }
    }
    let ratio = times[INSTALLED.len() - 1].p50() / times[0].p50();
    results.at_most(1.1, "×", "a call with 10,000 skills installed ÷ with 10, p50", ratio);
    let title = "One call, as more skills are installed";
    let curve = Curve::new("installed", title, "installed skills", "time of a call, µs", points.to_vec());
    results.curve_of_times(curve, 1.0, &times);
}

fn starts(homes: &[Home], points: &[String], results: &mut Results) {
    let several = (rounds() / 8).max(1);
    let mut measured = vec![Vec::new(); homes.len()];
    for _ in 0..several {
        for (home, measured) in homes.iter().zip(&mut measured) {
            measured.push(footprint::of(home, HOT));
        }
    }
    let middle = |of: fn(&Footprint) -> f64| {
        measured.iter().map(|all| median(&all.iter().map(of).collect::<Vec<_>>())).collect::<Vec<_>>()
    };
    let title = "Start of the host in a fresh process, as more skills are installed";
    let curve = Curve::new("start", title, "installed skills", "time, ms", points.to_vec())
        .line("until it is open", middle(|footprint| footprint.open_us / 1e3))
        .line("until the first result", middle(|footprint| footprint.first_us / 1e3));
    results.curves.push(curve);
    let title = "Memory of the host, as more skills are installed";
    let curve = Curve::new("resident", title, "installed skills", "resident memory, MiB", points.to_vec())
        .line("backed by no file", middle(|footprint| footprint.anonymous_mib))
        .line("all", middle(|footprint| footprint.resident_mib));
    results.curves.push(curve);
}
