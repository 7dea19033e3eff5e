//! `[[trigger]]`: when a tool of the skill is called without being asked.

mod schedule;

use std::collections::BTreeSet;

use super::error::{Issue, ManifestErrorKind};
use super::section::Section;
use crate::name::ToolName;

pub use schedule::{Schedule, ScheduleError};

/// The most triggers of a skill.
pub const MAX_TRIGGERS: usize = 32;

/// A tool that is called, without input, whenever a schedule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    schedule: Schedule,
    tool: ToolName,
}

impl Trigger {
    /// When the tool is called.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Which tool is called.
    pub fn tool(&self) -> &ToolName {
        &self.tool
    }
}

pub(super) fn read(top: &Section<'_>) -> Result<Vec<Trigger>, Issue> {
    let entries = top.sections("trigger")?;
    if entries.len() > MAX_TRIGGERS {
        let problem = format!("{} entries, more than {MAX_TRIGGERS}", entries.len());
        let span = top.key_span("trigger").unwrap_or(0..0);
        return Err(
            Issue::new(ManifestErrorKind::invalid("trigger", problem), span).hint("join some of them")
        );
    }
    let mut seen = BTreeSet::new();
    let read = |entry: Section<'_>| {
        let trigger = read_entry(&entry)?;
        let key = format!("{} {}", trigger.schedule, trigger.tool);
        if seen.insert(key.clone()) {
            return Ok(trigger);
        }
        let span = entry.value("schedule").map_or(0..0, toml::Spanned::span);
        Err(Issue::new(ManifestErrorKind::Duplicate(key), span).hint("remove one of the two"))
    };
    entries.into_iter().map(read).collect()
}

fn read_entry(entry: &Section<'_>) -> Result<Trigger, Issue> {
    let kind = entry.required_text("type")?;
    match *kind.get_ref() {
        "cron" => {}
        "command" => {
            let unsupported = ManifestErrorKind::Unsupported("command".to_owned());
            return Err(Issue::new(unsupported, kind.span()));
        }
        _ => {
            let unknown = ManifestErrorKind::invalid("type", "there is no such trigger");
            return Err(Issue::new(unknown, kind.span()).hint("write type = \"cron\""));
        }
    }
    if let Some(span) = entry.key_span("timezone") {
        let unsupported = ManifestErrorKind::Unsupported("timezone".to_owned());
        return Err(Issue::new(unsupported, span).hint("remove it: a schedule is in UTC"));
    }
    entry.only(&["type", "schedule", "tool"])?;
    Ok(Trigger { schedule: entry.parsed("schedule")?, tool: entry.parsed("tool")? })
}
