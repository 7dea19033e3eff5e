//! From nothing to the first result, with a hundred skills installed and their artefacts in the cache.

use std::process::{Command, Stdio};
use std::time::Duration;

use openclaw_tests::Home;

use crate::footprint;
use crate::installs::home_with;
use crate::results::Results;
use crate::support::project::{INPUT, Project, TOOL};
use crate::times::{Times, rounds};

const INSTALLED: usize = 100;

pub fn measure(project: &Project, results: &mut Results) {
    crate::step("starts");
    let home = home_with(project, INSTALLED);
    let tool = format!("acme/hello-0/{TOOL}");
    let call = ["tool", "call", tool.as_str(), INPUT];
    // Makes the artefact.
    run(&home, &call);
    let [mut process, mut nothing, mut opened, mut in_process]: [Times; 4] = Default::default();
    for _ in 0..rounds() {
        process.measure(1, || run(&home, &call));
        nothing.measure(1, || run(&home, &["--version"]));
        let footprint = footprint::of(&home, 1);
        opened.add(Duration::from_secs_f64(footprint.open_us / 1e6));
        in_process.add(Duration::from_secs_f64(footprint.first_us / 1e6));
    }
    results.at_most(
        20.0,
        "ms",
        "start of a process to the end of its first call, 100 skills installed, p50",
        process.p50() / 1e3,
    );
    results.row("`openclaw tool call`, a process from start to end", &process);
    results.row("`openclaw --version`, which opens nothing", &nothing);
    results.row("the library in a fresh process, until it is open", &opened);
    results.row("the library in a fresh process, until the first result", &in_process);
}

fn run(home: &Home, arguments: &[&str]) {
    let mut command: Command = home.command();
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().expect("it starts").success(), "openclaw {arguments:?} fails");
}
