//! `[[trigger]]`: what makes a tool of the skill be called, beside somebody who names it: a schedule, or a command.

mod pattern;
mod schedule;
mod zone;

use std::collections::BTreeSet;

use super::error::{Issue, ManifestErrorKind};
use super::section::{Section, did_you_mean};
use crate::name::ToolName;
use crate::text::quoted;

pub use pattern::{CommandPattern, MAX_COMMAND_LEN, MAX_PATTERN_LEN, PatternError};
pub use schedule::{Schedule, ScheduleError};
pub use zone::{ZoneName, ZoneNameError};

/// The most triggers of a skill.
pub const MAX_TRIGGERS: usize = 32;

/// The longest name of an input's property, in bytes.
const MAX_PROPERTY_LEN: usize = 64;

/// The keys of each type, beside those that both have.
const OF_CRON: [&str; 4] = ["schedule", "timezone", "missed", "overlap"];
const OF_COMMAND: [&str; 2] = ["pattern", "input"];

/// A tool that is called whenever something else happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Whenever a schedule says so, with the input `{}`.
    Cron(CronTrigger),
    /// Whenever a person gives a command that matches.
    Command(CommandTrigger),
}

/// A tool that is called by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronTrigger {
    /// Which tool.
    pub tool: ToolName,
    /// When, in the zone's own time.
    pub schedule: Schedule,
    /// The zone.
    pub timezone: ZoneName,
    /// What becomes of runs whose time came while nothing ran.
    pub missed: Missed,
    /// What becomes of a run whose time comes while the one before still runs.
    pub overlap: Overlap,
}

/// A tool that is called for commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTrigger {
    /// Which tool.
    pub tool: ToolName,
    /// Which commands.
    pub pattern: CommandPattern,
    /// The property of the tool's input that is the command; the input is `{}` where there is none.
    pub input: Option<String>,
}

/// What becomes of runs whose time came while nothing ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missed {
    /// Nothing.
    #[default]
    Skip,
    /// One is made up for, however many there were.
    Once,
}

/// What becomes of a run whose time comes while the one before still runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It waits; one at most does.
    Queue,
}

impl Trigger {
    /// Which tool is called.
    pub fn tool(&self) -> &ToolName {
        match self {
            Self::Cron(trigger) => &trigger.tool,
            Self::Command(trigger) => &trigger.tool,
        }
    }

    /// What no two triggers of a skill and of one type share.
    fn identity(&self) -> String {
        match self {
            Self::Cron(CronTrigger { tool, schedule, timezone, .. }) => {
                format!("{schedule} {timezone} {tool}")
            }
            Self::Command(CommandTrigger { tool, pattern, .. }) => format!("{pattern} {tool}"),
        }
    }
}

impl Missed {
    /// As the manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
        }
    }
}

impl Overlap {
    /// As the manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
        }
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
        let identity = trigger.identity();
        let key = if matches!(trigger, Trigger::Cron(_)) { "schedule" } else { "pattern" };
        if seen.insert((key, identity.clone())) {
            return Ok(trigger);
        }
        let span = entry.value(key).map_or(0..0, toml::Spanned::span);
        Err(Issue::new(ManifestErrorKind::Duplicate(quoted(&identity)), span).hint("remove one of the two"))
    };
    entries.into_iter().map(read).collect()
}

fn read_entry(entry: &Section<'_>) -> Result<Trigger, Issue> {
    let kind = entry.required_text("type")?;
    match *kind.get_ref() {
        "cron" => read_cron(entry).map(Trigger::Cron),
        "command" => read_command(entry).map(Trigger::Command),
        other => {
            let problem = format!("there is no trigger {:?}", quoted(other));
            let hint = "write type = \"cron\" or type = \"command\"";
            Err(Issue::new(ManifestErrorKind::invalid("type", problem), kind.span()).hint(hint))
        }
    }
}

fn read_cron(entry: &Section<'_>) -> Result<CronTrigger, Issue> {
    refuse_of_other(entry, "cron", &OF_COMMAND, "command")?;
    entry.only(&["type", "schedule", "timezone", "missed", "overlap", "tool"])?;
    let timezone = match entry.value("timezone") {
        Some(_) => entry.parsed("timezone")?,
        None => ZoneName::utc(),
    };
    Ok(CronTrigger {
        schedule: entry.parsed("schedule")?,
        timezone,
        missed: one_of(entry, "missed", &[Missed::Skip, Missed::Once], Missed::as_str)?,
        overlap: one_of(entry, "overlap", &[Overlap::Skip, Overlap::Queue], Overlap::as_str)?,
        tool: entry.parsed("tool")?,
    })
}

fn read_command(entry: &Section<'_>) -> Result<CommandTrigger, Issue> {
    refuse_of_other(entry, "command", &OF_CRON, "cron")?;
    entry.only(&["type", "pattern", "input", "tool"])?;
    let input = entry.text("input")?.map(|name| {
        let is_name =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        match *name.get_ref() {
            text if (1..=MAX_PROPERTY_LEN).contains(&text.len()) && is_name(text) => Ok(text.to_owned()),
            _ => {
                let problem = "it is not the name of a property: letters, digits, - and _, at most 64";
                Err(Issue::new(ManifestErrorKind::invalid("input", problem), name.span())
                    .hint("name the property of the tool's input that takes the command"))
            }
        }
    });
    let pattern = entry.parsed("pattern")?;
    Ok(CommandTrigger { pattern, input: input.transpose()?, tool: entry.parsed("tool")? })
}

/// Refuses the keys that only the other type has, by saying so.
fn refuse_of_other(entry: &Section<'_>, kind: &str, keys: &[&str], other: &str) -> Result<(), Issue> {
    let Some((key, span)) = keys.iter().find_map(|key| Some((*key, entry.key_span(key)?))) else {
        return Ok(());
    };
    let section = format!("a [[trigger]] of type = {kind:?}");
    let unknown = ManifestErrorKind::UnknownKey { key: key.to_owned(), section };
    Err(Issue::new(unknown, span).hint(format!("remove it: it belongs to type = {other:?}")))
}

/// One of a few words; the first of them where none stands.
fn one_of<T: Copy + Default>(
    entry: &Section<'_>,
    key: &str,
    known: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, Issue> {
    let Some(text) = entry.text(key)? else { return Ok(T::default()) };
    if let Some(found) = known.iter().find(|value| word(**value) == *text.get_ref()) {
        return Ok(*found);
    }
    let words: Vec<&str> = known.iter().map(|value| word(*value)).collect();
    let problem = format!("{:?} is not one of {}", quoted(text.get_ref()), words.join(", "));
    let hint = did_you_mean(text.get_ref(), &words);
    Err(Issue::new(ManifestErrorKind::invalid(key, problem), text.span()).hint(hint))
}
