//! A call with more input, which comes back as output, and a call of a guest that uses more memory.

use openclaw_runtime::{Level, ToolCall};
use openclaw_tests::{Home, Skill};
use serde_json::json;

use crate::results::{Curve, Results};
use crate::support::host::{self, Caller, tool_call};
use crate::times::{Times, rounds};

const INPUTS: [(&str, usize); 5] =
    [("100 B", 100), ("1 KiB", 1 << 10), ("10 KiB", 10 << 10), ("100 KiB", 100 << 10), ("1 MiB", 1 << 20)];
const MEBIBYTES: [usize; 4] = [1, 4, 16, 64];

pub fn measure(results: &mut Results) {
    let skill = Skill::guest("compute").limit("memory", "\"128MiB\"").limit("output", "\"4MiB\"");
    let home = Home::with(&skill);
    let runtime = host::open(home.data(), 16, Level::Restricted);
    let caller = Caller::new(&runtime);

    crate::step("size of the input");
    let inputs = INPUTS.map(|(_, bytes)| tool_call("compute/echo", &input_of(bytes)));
    let points = INPUTS.map(|(shown, _)| shown.to_owned()).to_vec();
    let curve = Curve::new(
        "input",
        "A call that gives its input back, as the input grows",
        "input",
        "time of a call, µs",
        points,
    );
    results.curve_of_times(curve, 1.0, &in_turns(&caller, &inputs, 10));

    crate::step("memory of the guest");
    let memories = MEBIBYTES
        .map(|mebibytes| json!({ "mebibytes": mebibytes }).to_string())
        .map(|input| tool_call("compute/touch-memory", &input));
    let points = MEBIBYTES.map(|mebibytes| format!("{mebibytes} MiB")).to_vec();
    let curve = Curve::new(
        "memory",
        "A call that takes memory and writes to each page of it",
        "memory of the guest",
        "time of a call, ms",
        points,
    );
    results.curve_of_times(curve, 1e3, &in_turns(&caller, &memories, 5));
}

/// Calls of each kind by turns.
fn in_turns(caller: &Caller, calls: &[ToolCall], each: usize) -> Vec<Times> {
    let mut times = vec![Times::default(); calls.len()];
    for _ in 0..rounds() {
        for (call, times) in calls.iter().zip(&mut times) {
            caller.call(call);
            times.measure(each, || drop(caller.call(call)));
        }
    }
    times
}

/// An input of so many bytes.
fn input_of(bytes: usize) -> String {
    let around = json!({ "text": "" }).to_string().len();
    json!({ "text": "x".repeat(bytes.saturating_sub(around)) }).to_string()
}
