//! `openclaw trigger`: what makes tools be called, beside somebody who names them: listed, paused, and called now.

use std::path::Path;

use jiff::Timestamp;
use openclaw_agent::trigger::{self, CALLER, Known, Settings, Store, Subject, UnknownZone};
use openclaw_package::registry::api::TriggerLine;
use openclaw_package::{ToolId, Trigger};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::workspace::Workspace;

use super::tool;
use crate::cli::{ToolCall, TriggerCommand};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{ListedTrigger, PausedTriggers, TriggerWorkspace};
use crate::output::{Output, good, table};
use crate::text::one_line;

/// Does one of the things.
pub(crate) fn run(command: TriggerCommand, environment: &Environment, output: &Output) -> Result<()> {
    match command {
        TriggerCommand::List => list(environment, output),
        TriggerCommand::Pause { subject } => pause(&subject, environment, output),
        TriggerCommand::Resume { subject } => resume(&subject, environment, output),
        TriggerCommand::Workspace { tool, dir, none: _ } => {
            set_workspace(tool, dir.as_deref(), environment, output)
        }
        TriggerCommand::Run { tool, workspace } => {
            check_scheduled(&Catalog::load(&environment.data_dir()?)?, &tool)?;
            let call = ToolCall { tool, input: "{}".to_owned(), workspace, logs: false };
            tool::call(call, CALLER, environment, output)
        }
    }
}

fn list(environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let (catalog, store) = (Catalog::load(&dir)?, Store::open(&dir)?);
    let (known, settings, now) = (store.known()?, store.settings()?, Timestamp::now());
    let listed: Vec<_> = trigger::installed(&catalog)
        .map(|(tool, trigger)| {
            let known = match trigger {
                Trigger::Cron(cron) => known.get(&trigger::key(&tool, cron)),
                Trigger::Command(_) => None,
            };
            listed(tool, trigger, known, &settings, now)
        })
        .collect();
    if output.is_json() {
        return output.document(&listed);
    }
    if listed.is_empty() {
        output.note("no installed skill has schedules or commands");
        return Ok(());
    }
    let rows: Vec<_> = listed.iter().map(row).collect();
    output.lines(table(["tool", "when", "next", "last"], &rows));
    if listed.iter().any(|trigger| trigger.problem.is_some()) {
        output.note(UnknownZone::hint());
    }
    if listed.iter().any(|trigger| trigger.schedule.is_some()) {
        output.note("`openclaw gateway` runs schedules for as long as it runs itself");
    }
    Ok(())
}

fn listed(
    tool: ToolId,
    trigger: &Trigger,
    known: Option<&Known>,
    settings: &Settings,
    now: Timestamp,
) -> ListedTrigger {
    let paused = settings.paused.covers(&tool);
    let next = match trigger {
        Trigger::Cron(cron) => trigger::next(cron, now),
        Trigger::Command(_) => Ok(None),
    };
    let problem = next.as_ref().err().map(ToString::to_string);
    let is_cron = matches!(trigger, Trigger::Cron(_));
    let line = TriggerLine::from(trigger);
    ListedTrigger {
        kind: line.kind,
        schedule: line.schedule,
        timezone: line.timezone,
        missed: line.missed,
        overlap: line.overlap,
        pattern: line.pattern,
        input: line.input,
        paused,
        next: next.ok().flatten().filter(|_| !paused),
        last_run: known.and_then(|known| known.last_run),
        last_outcome: known.and_then(|known| known.last_outcome.clone()),
        workspace: settings.workspaces.get(&tool).filter(|_| is_cron).cloned(),
        problem,
        tool,
    }
}

fn row(trigger: &ListedTrigger) -> [String; 4] {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let (when, next) = match &trigger.pattern {
        Some(pattern) => (format!("commands that match {pattern}"), "-".to_owned()),
        None => (
            format!("{} ({})", text(&trigger.schedule), text(&trigger.timezone)),
            trigger.next.map_or_else(|| "never".to_owned(), |next| next.to_string()),
        ),
    };
    let next = match &trigger.problem {
        _ if trigger.paused => "paused".to_owned(),
        Some(problem) => format!("never: {}", one_line(problem)),
        None => next,
    };
    let last = trigger.last_run.map(|run| format!("{run} {}", text(&trigger.last_outcome)));
    [trigger.tool.to_string(), when, next, last.unwrap_or_else(|| "-".to_owned())]
}

fn pause(subject: &Subject, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let catalog = Catalog::load(&dir)?;
    let tools = tools(&catalog, subject);
    if tools.is_empty() && !is_refused(&catalog, subject) {
        return Err(unknown(&subject.to_string()));
    }
    Store::open(&dir)?.pause(subject)?;
    tell(PausedTriggers { name: subject.to_string(), paused: true, tools }, output)
}

fn resume(subject: &Subject, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let catalog = Catalog::load(&dir)?;
    let tools = tools(&catalog, subject);
    // What is not installed any more can be resumed as well: it stands there until somebody does.
    let was_paused = Store::open(&dir)?.resume(subject, Timestamp::now())?;
    if tools.is_empty() && !was_paused && !is_refused(&catalog, subject) {
        return Err(unknown(&subject.to_string()));
    }
    tell(PausedTriggers { name: subject.to_string(), paused: false, tools }, output)
}

fn tell(done: PausedTriggers, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.document(&done);
    }
    let word = if done.paused { "paused" } else { "resumed" };
    output.line(format_args!("{} {}", good(word), done.name));
    Ok(())
}

fn set_workspace(tool: ToolId, dir: Option<&Path>, environment: &Environment, output: &Output) -> Result<()> {
    let data = environment.data_dir()?;
    if dir.is_some() {
        check_scheduled(&Catalog::load(&data)?, &tool)?;
    }
    let workspace = dir.map(Workspace::resolve).transpose()?.map(|dir| dir.path().to_owned());
    Store::open(&data)?.set_workspace(&tool, workspace.as_deref())?;
    if output.is_json() {
        return output.document(&TriggerWorkspace { tool, workspace });
    }
    match workspace {
        Some(dir) => output.line(format_args!("{tool} works in {}", dir.display())),
        None => output.line(format_args!("{tool} has no workspace")),
    }
    Ok(())
}

/// The tools with triggers that are meant.
fn tools(catalog: &Catalog, subject: &Subject) -> Vec<ToolId> {
    let known = trigger::of(catalog, subject.skill()).map(|(tool, _)| tool);
    let mut tools: Vec<_> = known.filter(|tool| subject.covers(tool)).collect();
    tools.sort();
    tools.dedup();
    tools
}

/// Whether it is of a skill that is not loaded, whose triggers nobody knows.
fn is_refused(catalog: &Catalog, subject: &Subject) -> bool {
    matches!(catalog.get(subject.skill()), Some(Entry::Refused(_)))
}

fn check_scheduled(catalog: &Catalog, tool: &ToolId) -> Result<()> {
    let is_meant =
        |(known, trigger): (ToolId, &Trigger)| known == *tool && matches!(trigger, Trigger::Cron(_));
    if trigger::of(catalog, tool.skill()).any(is_meant) {
        return Ok(());
    }
    let message = format!("{tool} does not ask to be called by itself");
    Err(CliError::new(Exit::NotFound, "no-such-trigger", message).hint("openclaw trigger list"))
}

fn unknown(name: &str) -> CliError {
    let message = format!("{name} has no triggers");
    CliError::new(Exit::NotFound, "no-such-trigger", message).hint("openclaw trigger list")
}
