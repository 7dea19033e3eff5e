//! `openclaw audit`: what was called, what it did and what it was refused.

use openclaw_runtime::audit::{self, Record};

use crate::cli::Audit;
use crate::describe::{grouped, micros};
use crate::environment::Environment;
use crate::error::Result;
use crate::output::{Output, table};
use crate::text::one_line;

/// Prints the records that fit.
pub(crate) fn run(arguments: &Audit, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let mut records = audit::read(&dir.audit())?;
    records.retain(|record| fits(record, arguments));
    if let Some(last) = arguments.last {
        records.drain(..records.len().saturating_sub(last));
    }
    if output.is_json() {
        return output.document(&records);
    }
    if records.is_empty() {
        output.note("no such call is recorded");
        return Ok(());
    }
    let rows: Vec<_> = records.iter().map(row).collect();
    output.lines(table(["time", "tool", "version", "caller", "outcome", "took", "fuel", "denied"], &rows));
    Ok(())
}

fn fits(record: &Record, arguments: &Audit) -> bool {
    let tool = &record.tool;
    let is_tool = |wanted: &String| tool.as_str() == wanted || tool.tool().as_str() == wanted;
    arguments.skill.as_ref().is_none_or(|skill| tool.skill() == skill)
        && arguments.tool.as_ref().is_none_or(is_tool)
        && arguments.outcome.as_ref().is_none_or(|outcome| record.outcome == *outcome)
}

fn row(record: &Record) -> [String; 8] {
    let denied = match record.denials.first() {
        Some(first) if record.denial_count > 1 => {
            format!("{} and {} more", one_line(&first.target), record.denial_count - 1)
        }
        Some(first) => one_line(&first.target),
        None => String::new(),
    };
    [
        record.time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        record.tool.to_string(),
        record.version.to_string(),
        one_line(&record.caller),
        one_line(&record.outcome),
        micros(record.duration_us),
        grouped(record.fuel),
        denied,
    ]
}
