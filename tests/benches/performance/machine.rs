//! The machine that is measured on: what it is, and whether anything else uses it.

use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::times;

/// The variable that makes a benchmark measure all the same.
pub const BUSY: &str = "OPENCLAW_BENCH_BUSY";
/// How long the machine is looked at before anything is measured.
const LOOK: Duration = Duration::from_secs(3);
/// Above this share of its time another program is using the machine, and the numbers would be of both.
const MOST_USED: f64 = 0.05;

/// The machine, while a part was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub rustc: String,
    pub wasmtime: String,
    pub date: String,
    /// Load average of the minute before.
    pub load: f64,
    /// Percent of the CPU time that others used just before.
    pub used: f64,
    /// Percent of the CPU time that the hypervisor kept from the machine meanwhile.
    pub stolen: f64,
    pub rounds: usize,
    /// Whether the numbers are none to be shown: others used the machine, or there were few rounds.
    pub is_trial: bool,
}

/// A look at the machine that has begun.
pub struct Watch {
    machine: Machine,
    begun: CpuTime,
}

impl Machine {
    /// Begins to watch it.
    ///
    /// # Errors
    /// That others use it.
    pub fn watch() -> Result<Watch, String> {
        let before = CpuTime::now();
        std::thread::sleep(LOOK);
        let begun = CpuTime::now();
        let used = begun.since(&before).used();
        let is_busy = used > MOST_USED;
        if is_busy && std::env::var_os(BUSY).is_none() {
            return Err(format!("the machine is busy: others use {:.0} % of its CPU time", used * 100.0));
        }
        let machine = Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kilobytes("/proc/meminfo", "MemTotal") / f64::from(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease"),
            rustc: rustc(),
            wasmtime: locked("wasmtime"),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
            used: used * 100.0,
            stolen: 0.0,
            rounds: times::rounds(),
            is_trial: is_busy || times::is_short(),
        };
        Ok(Watch { machine, begun })
    }
}

impl Watch {
    /// The machine, as it was meanwhile.
    pub fn ended(self) -> Machine {
        let stolen = CpuTime::now().since(&self.begun).stolen();
        Machine { stolen: stolen * 100.0, ..self.machine }
    }
}

/// CPU time of all cores, in ticks: the first line of proc_stat(5).
struct CpuTime {
    all: f64,
    idle: f64,
    stolen: f64,
}

impl CpuTime {
    fn now() -> Self {
        let line = read("/proc/stat");
        let fields = line.lines().next().unwrap_or_default().split_whitespace().skip(1);
        // user nice system idle iowait irq softirq steal; what follows is counted in the first two already.
        let ticks: Vec<f64> = fields.take(8).filter_map(|field| field.parse().ok()).collect();
        let of = |index: usize| ticks.get(index).copied().unwrap_or(0.0);
        Self { all: ticks.iter().sum(), idle: of(3) + of(4), stolen: of(7) }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            all: self.all - before.all,
            idle: self.idle - before.idle,
            stolen: self.stolen - before.stolen,
        }
    }

    fn used(&self) -> f64 {
        1.0 - self.idle / self.all.max(1.0)
    }

    fn stolen(&self) -> f64 {
        self.stolen / self.all.max(1.0)
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// A field of a file of `name: value` lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// A field that is counted in kilobytes.
pub fn kilobytes(path: &str, name: &str) -> f64 {
    field(path, name).and_then(|value| value.trim_end_matches(" kB").parse().ok()).unwrap_or(f64::NAN)
}

fn rustc() -> String {
    let printed = Command::new("rustc").arg("--version").output().map(|output| output.stdout);
    let text = String::from_utf8_lossy(&printed.unwrap_or_default()).into_owned();
    text.split(' ').nth(1).unwrap_or("?").to_owned()
}

/// The version of a crate that the lockfile names.
fn locked(name: &str) -> String {
    let lockfile = openclaw_tests::component::repository().join("Cargo.lock");
    let text = std::fs::read_to_string(lockfile).unwrap_or_default();
    let after = text.split(&format!("name = \"{name}\"\nversion = \"")).nth(1);
    after.and_then(|rest| rest.split('"').next()).unwrap_or("?").to_owned()
}
