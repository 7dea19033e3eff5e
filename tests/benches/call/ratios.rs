//! All arms by turns in one run, and the ratios between them.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::arms::{Arms, report_path};

/// How often each arm has its turn.
const ROUNDS: usize = 40;
/// Calls of a turn, for the arms within this process.
const CALLS: usize = 100;
/// Above this load another program is using the machine, and the numbers would be of both.
const BUSY: f64 = 0.7;

/// The times of an arm, in microseconds.
struct Times(Vec<f64>);

impl Times {
    fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let index = ((sorted.len().saturating_sub(1)) as f64 * q).round();
        sorted.get(index as usize).copied().unwrap_or(f64::NAN)
    }

    fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    fn p99(&self) -> f64 {
        self.quantile(0.99)
    }
}

/// Measures, prints a table and writes it beside the build.
pub fn print(arms: &Arms) {
    let load = load();
    let busy = load > BUSY && std::env::var_os("OPENCLAW_BENCH_BUSY").is_none();
    if busy {
        println!(
            "the machine is busy (load {load:.2}): nothing is measured. Wait, or set OPENCLAW_BENCH_BUSY=1"
        );
        return;
    }
    let measured = measure(arms);
    let mut report = format!("Load {load:.2}, {ROUNDS} rounds of {CALLS} calls, all arms by turns.\n\n");
    measured.times(&mut report);
    measured.ratios(&mut report);
    println!("\n{report}");
    std::fs::write(report_path(), report).expect("the report is written");
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

struct Measured {
    ours: Times,
    bare: Times,
    untuned: Times,
    linking: Times,
    programs: Vec<(&'static str, f64, Option<Times>)>,
    one_thread: f64,
    two_threads: f64,
}

fn time(count: usize, into: &mut Times, mut run: impl FnMut()) {
    for _ in 0..count {
        let begun = Instant::now();
        run();
        into.0.push(begun.elapsed().as_secs_f64() * 1e6);
    }
}

fn measure(arms: &Arms) -> Measured {
    let empty = || Times(Vec::new());
    let (mut ours, mut bare, mut untuned, mut linking) = (empty(), empty(), empty(), empty());
    let commands: [(&'static str, f64, &[&str]); 3] = [
        ("/bin/true", 40.0, &["/bin/true"]),
        ("python3 -I -S -c pass", 1_000.0, &["python3", "-I", "-S", "-c", "pass"]),
        ("node -e 0", 4_000.0, &["node", "-e", "0"]),
    ];
    let mut programs: Vec<_> = commands
        .iter()
        .map(|(name, bar, command)| (*name, *bar, Arms::program(command).map(|()| empty())))
        .collect();
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        time(CALLS, &mut ours, || drop(arms.dispatched()));
        time(CALLS, &mut bare, || drop(arms.bare()));
        time(CALLS / 2, &mut untuned, || drop(arms.untuned()));
        time(CALLS / 4, &mut linking, || drop(arms.linker_per_call()));
        for ((_, _, times), (_, _, command)) in programs.iter_mut().zip(&commands) {
            if let Some(times) = times {
                time(1, times, || {
                    Arms::program(command);
                });
            }
        }
        one.push(throughput(arms, 1));
        two.push(throughput(arms, 2));
    }
    Measured { ours, bare, untuned, linking, programs, one_thread: median(one), two_threads: median(two) }
}

/// Calls per second.
fn throughput(arms: &Arms, threads: usize) -> f64 {
    const EACH: usize = 1_000;
    let begun = Instant::now();
    arms.dispatched_by(threads, EACH);
    (threads * EACH) as f64 / begun.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

fn median(values: Vec<f64>) -> f64 {
    Times(values).p50()
}

impl Measured {
    fn times(&self, report: &mut String) {
        let mut row = |name: &str, times: &Times| {
            writeln!(report, "| {name} | {:.1} | {:.1} |", times.p50(), times.p99()).expect("text");
        };
        row("arm", &Times(Vec::new()));
        row("OpenClaw, a dispatched call", &self.ours);
        row("bare wasmtime, tuned", &self.bare);
        row("wasmtime's defaults, async, `Val`", &self.untuned);
        row("the same, linker built per call", &self.linking);
        for (name, _, times) in &self.programs {
            if let Some(times) = times {
                row(&format!("`{name}`"), times);
            }
        }
        *report = report.replace("| arm | NaN | NaN |", "| arm | p50, µs | p99, µs |\n|---|---|---|");
    }

    fn ratios(&self, report: &mut String) {
        report.push_str("\n| ratio | measured | bar | |\n|---|---|---|---|\n");
        let mut row = |name: &str, value: f64, bar: f64, at_most: bool| {
            let met = if at_most { value <= bar } else { value >= bar };
            let (sign, verdict) = (if at_most { '≤' } else { '≥' }, if met { "met" } else { "not met" });
            writeln!(report, "| {name} | {value:.2} | {sign} {bar} | {verdict} |").expect("text");
        };
        let ours = self.ours.p50();
        row("dispatched ÷ bare, p50", ours / self.bare.p50(), 1.15, true);
        row("dispatched ÷ bare, p99", self.ours.p99() / self.bare.p99(), 1.5, true);
        row("dispatched, p50 in µs", ours, 15.0, true);
        row("wasmtime's defaults ÷ dispatched", self.untuned.p50() / ours, 5.0, false);
        row("linker per call ÷ dispatched", self.linking.p50() / ours, 15.0, false);
        for (name, bar, times) in &self.programs {
            match times {
                Some(times) => row(&format!("`{name}` ÷ dispatched"), times.p50() / ours, *bar, false),
                None => println!("{name} is not installed, and so not compared"),
            }
        }
        row("two threads ÷ one, calls per second", self.two_threads / self.one_thread, 1.85, false);
    }
}
