//! What a part of the benchmark found, as it is kept in `target/bench` and shown in the report.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::support::project::bench_dir;
use crate::times::Times;

/// What one part found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    /// What was aimed at.
    pub bars: Vec<Bar>,
    /// Times of things that are compared.
    pub rows: Vec<Row>,
    /// Times and sizes, as something grows.
    pub curves: Vec<Curve>,
    /// What else was measured or counted.
    pub facts: Vec<Fact>,
}

/// A value and the bar that it is to reach.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bar {
    pub what: String,
    pub unit: String,
    pub value: f64,
    pub bar: f64,
    /// Whether the value is to be no more than the bar, and not no less.
    pub at_most: bool,
}

impl Bar {
    pub fn is_met(&self) -> bool {
        if self.at_most { self.value <= self.bar } else { self.value >= self.bar }
    }
}

/// Times of one thing, in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub what: String,
    pub p50: f64,
    pub p99: f64,
    pub times: usize,
}

/// Values at points of growth.
#[derive(Debug, Serialize, Deserialize)]
pub struct Curve {
    /// What its table and its plot are called by.
    pub name: String,
    pub title: String,
    /// What grows.
    pub x: String,
    /// What is measured, with its unit.
    pub y: String,
    pub points: Vec<String>,
    pub lines: Vec<Line>,
}

/// One line of a curve: a value for each point. Of two the second is the upper one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub what: String,
    pub values: Vec<f64>,
}

/// A value that no bar is set for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fact {
    pub what: String,
    pub unit: String,
    pub value: f64,
}

impl Results {
    /// A value that is to be no more than a bar.
    pub fn at_most(&mut self, bar: f64, unit: &str, what: &str, value: f64) {
        self.bar(bar, unit, what, value, true);
    }

    /// A value that is to be no less than a bar.
    pub fn at_least(&mut self, bar: f64, unit: &str, what: &str, value: f64) {
        self.bar(bar, unit, what, value, false);
    }

    fn bar(&mut self, bar: f64, unit: &str, what: &str, value: f64, at_most: bool) {
        self.bars.push(Bar { what: what.to_owned(), unit: unit.to_owned(), value, bar, at_most });
    }

    pub fn row(&mut self, what: &str, times: &Times) {
        let (p50, p99, count) = (times.p50(), times.p99(), times.count());
        self.rows.push(Row { what: what.to_owned(), p50, p99, times: count });
    }

    pub fn fact(&mut self, what: &str, unit: &str, value: f64) {
        self.facts.push(Fact { what: what.to_owned(), unit: unit.to_owned(), value });
    }

    /// A curve of times, with a line for the middle and one for the slowest hundredth.
    pub fn curve_of_times(&mut self, curve: Curve, unit_us: f64, times: &[Times]) {
        let values = |of: fn(&Times) -> f64| times.iter().map(|times| of(times) / unit_us).collect();
        self.curves.push(curve.line("p50", values(Times::p50)).line("p99", values(Times::p99)));
    }

    pub fn save(&self, part: &str) {
        std::fs::create_dir_all(bench_dir()).expect("a directory");
        let text = serde_json::to_string_pretty(self).expect("results are JSON");
        std::fs::write(path(part), text).expect("the results are written");
    }

    /// What a part found when it was last measured.
    pub fn load(part: &str) -> Option<Self> {
        let text = std::fs::read_to_string(path(part)).ok()?;
        Some(serde_json::from_str(&text).expect("what a part saved"))
    }
}

impl Curve {
    pub fn new(name: &str, title: &str, x: &str, y: &str, points: Vec<String>) -> Self {
        let [name, title, x, y] = [name, title, x, y].map(str::to_owned);
        Self { name, title, x, y, points, lines: Vec::new() }
    }

    pub fn line(mut self, what: &str, values: Vec<f64>) -> Self {
        self.lines.push(Line { what: what.to_owned(), values });
        self
    }
}

fn path(part: &str) -> PathBuf {
    bench_dir().join(format!("{part}.json"))
}
