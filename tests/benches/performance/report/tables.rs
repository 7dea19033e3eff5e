//! Results as tables of Markdown.

use std::fmt::Write as _;

use crate::results::{Bar, Curve, Fact, Row};

/// A number with as many digits as say something.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let decimals = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    grouped(&format!("{value:.decimals$}"))
}

/// A number as it was set, or counted.
pub fn exact(value: f64) -> String {
    grouped(&value.to_string())
}

/// Digits in groups of three.
fn grouped(text: &str) -> String {
    let whole = text.find('.').unwrap_or(text.len());
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && index < whole && (whole - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn with_unit(number: &str, unit: &str) -> String {
    match unit {
        "" | "×" => format!("{number}{unit}"),
        unit => format!("{number} {unit}"),
    }
}

/// What was aimed at, and what came of it.
pub fn bars<'a>(bars: impl Iterator<Item = &'a Bar>) -> String {
    let mut text = "| | measured | bar | |\n|---|---|---|---|\n".to_owned();
    for bar in bars {
        let sign = if bar.at_most { '≤' } else { '≥' };
        let (value, aim) = (with_unit(&number(bar.value), &bar.unit), with_unit(&exact(bar.bar), &bar.unit));
        let verdict = if bar.is_met() { "met" } else { "**not met**" };
        let _ = writeln!(text, "| {} | {value} | {sign} {aim} | {verdict} |", bar.what);
    }
    text
}

/// Times, in a unit of so many microseconds.
pub fn rows(rows: &[Row], unit_us: f64, unit: &str) -> String {
    let mut text = format!("| | p50, {unit} | p99, {unit} | measured |\n|---|---|---|---|\n");
    for row in rows {
        let (p50, p99) = (number(row.p50 / unit_us), number(row.p99 / unit_us));
        let _ = writeln!(text, "| {} | {p50} | {p99} | {}× |", row.what, exact(row.times as f64));
    }
    text
}

/// Values without a bar.
pub fn facts(facts: &[Fact]) -> String {
    let mut text = "| | |\n|---|---|\n".to_owned();
    for fact in facts {
        let value = if fact.unit.is_empty() { exact(fact.value.round()) } else { number(fact.value) };
        let _ = writeln!(text, "| {} | {} |", fact.what, with_unit(&value, &fact.unit));
    }
    text
}

/// A curve, with a row for each point.
pub fn curve(curve: &Curve) -> String {
    let (_, unit) = curve.y.rsplit_once(", ").unwrap_or(("", ""));
    let head = |what: &str| if unit.is_empty() { curve.y.clone() } else { format!("{what}, {unit}") };
    let heads: Vec<String> = curve.lines.iter().map(|line| head(&line.what)).collect();
    let mut text = format!("| {} | {} |\n|---|{}\n", curve.x, heads.join(" | "), "---|".repeat(heads.len()));
    for (index, point) in curve.points.iter().enumerate() {
        let values: Vec<String> = curve.lines.iter().map(|line| number(line.values[index])).collect();
        let _ = writeln!(text, "| {point} | {} |", values.join(" | "));
    }
    text
}
