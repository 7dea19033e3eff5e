//! All arms by turns in one run, the ratios between them, and what a second thread adds.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::results::Results;
use crate::support::arms::{Arms, program};
use crate::times::{Times, median, rounds};

/// Calls of a turn, for the arms within this process.
const CALLS: usize = 250;
/// Calls at the beginning of a turn that do not count: the arm before, often another program, took the caches.
const FIRST: usize = 5;
/// How long throughput is measured each time.
const LEAST: Duration = Duration::from_secs(1);

const OURS: &str = "OpenClaw, a dispatched call";
const BARE: &str = "wasmtime, tuned: a store, an instance, a call, and nothing else";
const BARE_WITH_WASI: &str = "the same, with an empty WASI";
const ISOLATED: &str = "OpenClaw, a dispatched call at level `isolated`";
const UNTUNED: &str = "wasmtime with its defaults, async, `Val`";
const LINKING: &str = "the same, linker built for each call";

/// The programs, and how many times as long as ours they have to take.
const PROGRAMS: [(&str, f64, &[&str]); 3] = [
    ("`/bin/true` as a process", 40.0, &["/bin/true"]),
    ("`python3 -I -S -c pass`", 1_000.0, &["python3", "-I", "-S", "-c", "pass"]),
    ("`node -e 0`", 4_000.0, &["node", "-e", "0"]),
];

/// One of what is compared.
struct Arm<'a> {
    name: &'static str,
    first: usize,
    calls: usize,
    run: Box<dyn FnMut() + 'a>,
    times: Times,
}

impl<'a> Arm<'a> {
    fn new(name: &'static str, calls: usize, run: impl FnMut() + 'a) -> Self {
        Self { name, first: FIRST, calls, run: Box::new(run), times: Times::default() }
    }

    fn turn(&mut self) {
        (0..self.first).for_each(|_| (self.run)());
        self.times.measure(self.calls, &mut self.run);
    }
}

pub fn measure(results: &mut Results) {
    crate::step("building the skill");
    let arms = Arms::prepare();
    crate::step("all arms by turns");
    let measured = in_turns(&arms);
    for arm in &measured {
        results.row(arm.name, &arm.times);
    }
    ratios(&measured, results);
    crate::step("one thread and two");
    threads(&arms, results);
}

fn in_turns(arms: &Arms) -> Vec<Arm<'_>> {
    let mut turns = vec![
        Arm::new(OURS, CALLS, || drop(arms.restricted())),
        Arm::new(BARE, CALLS, || drop(arms.bare())),
        Arm::new(BARE_WITH_WASI, CALLS, || drop(arms.bare_with_wasi())),
        Arm::new(ISOLATED, CALLS, || drop(arms.isolated())),
        Arm::new(UNTUNED, CALLS / 2, || drop(arms.untuned())),
        Arm::new(LINKING, CALLS / 5, || drop(arms.linker_per_call())),
    ];
    for (name, _, command) in PROGRAMS {
        if program(command) {
            let run = move || assert!(program(command), "{name} fails");
            turns.push(Arm { first: 0, ..Arm::new(name, 1, run) });
        } else {
            println!("{name} is not installed, and so not compared");
        }
    }
    for arm in &mut turns {
        (arm.run)();
    }
    for round in 0..rounds() {
        // There and back, so that no arm always has the same one before it.
        if round % 2 == 0 {
            turns.iter_mut().for_each(Arm::turn);
        } else {
            turns.iter_mut().rev().for_each(Arm::turn);
        }
    }
    turns
}

fn ratios(measured: &[Arm<'_>], results: &mut Results) {
    let of = |name: &str| measured.iter().find(|arm| arm.name == name).map(|arm| &arm.times);
    let (Some(ours), Some(bare)) = (of(OURS), of(BARE)) else { return };
    results.at_most(1.15, "×", "a dispatched call ÷ tuned wasmtime alone, p50", ours.p50() / bare.p50());
    results.at_most(1.5, "×", "a dispatched call ÷ tuned wasmtime alone, p99", ours.p99() / bare.p99());
    results.at_most(15.0, "µs", "a dispatched call, p50", ours.p50());
    let others = [(UNTUNED, 5.0), (LINKING, 15.0)];
    for (name, bar) in others.into_iter().chain(PROGRAMS.map(|(name, bar, _)| (name, bar))) {
        let name_alone = if name == LINKING { "wasmtime, linker built for each call" } else { name };
        if let Some(other) = of(name) {
            let what = format!("{name_alone} ÷ a dispatched call, p50");
            results.at_least(bar, "×", &what, other.p50() / ours.p50());
        }
    }
}

/// Calls per second of two threads and of one, each driving its own tokio runtime against the one dispatcher.
fn threads(arms: &Arms, results: &mut Results) {
    let ours = || arms.restricted_elsewhere();
    let bare = || || drop(arms.bare());
    // What the machine itself gives: a thread that shares nothing, not even memory.
    let machine = || || arithmetic();
    let [mut of_ours, mut of_bare, mut of_machine] = [const { Vec::new() }; 3];
    for _ in 0..(rounds() / 5).max(1) {
        of_ours.push([throughput(1, &ours), throughput(2, &ours)]);
        of_bare.push([throughput(1, &bare), throughput(2, &bare)]);
        of_machine.push([throughput(1, &machine), throughput(2, &machine)]);
    }
    let [of_ours, of_bare, of_machine] = [of_ours, of_bare, of_machine].map(|measured| medians(&measured));
    let ratio = |[one, two]: [f64; 2]| two / one;
    results.at_least(1.85, "×", "calls per second of two threads ÷ one", ratio(of_ours));
    results.fact("calls per second of one thread", "", of_ours[0]);
    results.fact("calls per second of two threads", "", of_ours[1]);
    results.fact("two threads ÷ one, of tuned wasmtime alone", "×", ratio(of_bare));
    results.fact("two threads ÷ one, of arithmetic, which shares nothing", "×", ratio(of_machine));
}

/// Of one thread and of two.
fn medians(measured: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|index| median(&measured.iter().map(|both| both[index]).collect::<Vec<_>>()))
}

/// What threads do in a second, each with a caller that it makes itself.
fn throughput<F: Fn()>(threads: usize, caller: &(impl Fn() -> F + Sync)) -> f64 {
    let ready = Barrier::new(threads);
    let run = || {
        let call = caller();
        (0..FIRST).for_each(|_| call());
        ready.wait();
        let (begun, mut calls) = (Instant::now(), 0_u32);
        while begun.elapsed() < LEAST {
            call();
            calls += 1;
        }
        f64::from(calls) / begun.elapsed().as_secs_f64()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that calls")).sum()
    })
}

fn arithmetic() {
    let mut sum = 0_u64;
    for step in 0..10_000_u64 {
        sum = black_box(sum).wrapping_mul(31).wrapping_add(step);
    }
    black_box(sum);
}
