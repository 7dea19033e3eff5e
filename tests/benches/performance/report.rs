//! The report: what all parts found when they were last measured, as tables and plots in `docs/performance`.
//!
//! The words around the tables are `report/page.md`; what stands there in double braces is filled in.

mod plot;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

use openclaw_tests::component::repository;

use crate::PARTS;
use crate::machine::Machine;
use crate::results::{Curve, Results};
use tables::number;

/// What stands above numbers that are none to be shown.
const TRIAL: &str = "**This was a trial, on a busy machine or of few rounds: its numbers say nothing.**";

/// The page's words, read when the report is written, so that a word can be changed without measuring anew.
fn template() -> String {
    let path = repository().join("tests/benches/performance/report/page.md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dir() -> PathBuf {
    repository().join("docs/performance")
}

/// What a part found, for whoever waits for it.
pub fn summary(results: &Results) -> String {
    let mut tables = vec![tables::bars(results.bars.iter())];
    if !results.rows.is_empty() {
        tables.push(tables::rows(&results.rows, 1.0, "µs"));
    }
    if !results.facts.is_empty() {
        tables.push(tables::facts(&results.facts));
    }
    tables.extend(results.curves.iter().map(tables::curve));
    tables.join("\n")
}

/// Writes the page and the plots.
pub fn write() -> ExitCode {
    let mut parts = Vec::new();
    for part in PARTS {
        let Some(results) = Results::load(part) else {
            eprintln!("{part} was never measured here: scripts/bench");
            return ExitCode::FAILURE;
        };
        parts.push((part, results));
    }
    std::fs::create_dir_all(dir()).expect("a directory");
    std::fs::write(dir().join("README.md"), page(&parts)).expect("the page is written");
    let all = || parts.iter().map(|(_, results)| results);
    for (_, results) in parts.iter().filter(|(part, _)| *part == "call") {
        plot::rows(&dir().join("arms.svg"), "One call, and what else one could pick", &results.rows);
    }
    for curve in all().flat_map(|results| &results.curves) {
        plot::curve(&dir().join(format!("{}.svg", curve.name)), curve);
    }
    println!("{}", tables::bars(all().flat_map(|results| &results.bars)));
    println!("written to {}", dir().display());
    ExitCode::SUCCESS
}

fn page(parts: &[(&str, Results)]) -> String {
    let mut page = template();
    let mut fill = |name: &str, text: String| {
        let place = format!("{{{{{name}}}}}");
        assert!(page.contains(&place), "page.md has no {place}");
        page = page.replace(&place, text.trim_end_matches('\n'));
    };
    let is_trial = parts.iter().any(|(_, results)| results.machine.is_trial);
    fill("trial", if is_trial { TRIAL.to_owned() } else { String::new() });
    fill("bars", tables::bars(parts.iter().flat_map(|(_, results)| &results.bars)));
    fill("machine", machine(parts));
    for (part, results) in parts {
        match *part {
            "call" => fill("arms", tables::rows(&results.rows, 1.0, "µs")),
            "launch" => fill("launches", tables::rows(&results.rows, 1e3, "ms")),
            "host" => fill("edges", tables::rows(&results.rows, 1e3, "ms")),
            _ => {}
        }
        if !results.facts.is_empty() {
            fill(&format!("facts of {part}"), tables::facts(&results.facts));
        }
        for curve in &results.curves {
            fill(&curve.name, picture(curve));
        }
    }
    assert!(!page.contains("{{"), "page.md asks for something that nobody measured");
    // Where nothing was filled in, no gap stays.
    page.replace("\n\n\n\n", "\n\n")
}

/// A curve's plot and its table.
fn picture(curve: &Curve) -> String {
    format!("![{}]({}.svg)\n\n{}", curve.title, curve.name, tables::curve(curve))
}

fn machine(parts: &[(&str, Results)]) -> String {
    let of = |what: fn(&Machine) -> String| {
        let mut all: Vec<String> = parts.iter().map(|(_, results)| what(&results.machine)).collect();
        all.dedup();
        all.join(", ")
    };
    let lines = [
        ("processor", of(|m| format!("{}, {} cores", m.processor, m.cores))),
        ("memory", of(|m| format!("{:.0} GiB", m.memory_gib))),
        ("Linux", of(|m| m.kernel.clone())),
        ("rustc", of(|m| m.rustc.clone())),
        ("wasmtime", of(|m| m.wasmtime.clone())),
        ("date", of(|m| m.date.clone())),
        ("rounds", of(|m| m.rounds.to_string())),
        ("load average before", of(|m| number(m.load))),
        ("CPU time that others used just before", of(|m| format!("{} %", number(m.used)))),
        ("CPU time that the hypervisor kept meanwhile", of(|m| format!("{} %", number(m.stolen)))),
    ];
    let lines = lines.map(|(what, value)| format!("\n| {what} | {value} |"));
    format!("| | |\n|---|---|{}", lines.concat())
}
