//! What a host costs that has just started: a process of its own, which says so as JSON and ends.

use std::process::{Command, ExitCode};
use std::time::Instant;

use openclaw_runtime::Level;
use openclaw_tests::Home;
use serde::{Deserialize, Serialize};

use crate::installs::call_of;
use crate::machine::kilobytes;
use crate::support::host::{self, Caller};

/// The word that makes this program such a process.
pub const WORD: &str = "footprint";

/// Calls at once that it is opened for: as many as the command has.
const CONCURRENT_CALLS: u32 = 16;

/// What it costs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Footprint {
    /// Until the host was open.
    pub open_us: f64,
    /// Until the first call had its answer.
    pub first_us: f64,
    /// Resident memory when the host was open and each of some skills had been called.
    pub resident_mib: f64,
    /// As much of it as no file backs.
    pub anonymous_mib: f64,
}

/// Opens a home's data directory in a fresh process, and calls each of its first few skills once.
pub fn of(home: &Home, called: usize) -> Footprint {
    let this = std::env::current_exe().expect("this program");
    let mut command = Command::new(this);
    let output = command.arg(WORD).arg(home.data()).arg(called.to_string()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a footprint")
}

/// What the fresh process does.
pub fn print(data_dir: &str, called: &str) -> ExitCode {
    let called: usize = called.parse().expect("a number of skills");
    let begun = Instant::now();
    let since = || begun.elapsed().as_secs_f64() * 1e6;
    let runtime = host::open(data_dir.into(), CONCURRENT_CALLS, Level::Restricted);
    let open_us = since();
    let caller = Caller::new(&runtime);
    caller.call(&call_of(0));
    let first_us = since();
    (1..called).for_each(|number| drop(caller.call(&call_of(number))));
    let mib = |name| kilobytes("/proc/self/status", name) / 1024.0;
    let (resident_mib, anonymous_mib) = (mib("VmRSS"), mib("RssAnon"));
    let footprint = Footprint { open_us, first_us, resident_mib, anonymous_mib };
    println!("{}", serde_json::to_string(&footprint).expect("JSON"));
    ExitCode::SUCCESS
}
