//! `openclaw trigger`: tools that ask to be called by themselves, when they would be, and the call of one.

use jiff::Timestamp;
use openclaw_package::{ToolId, Trigger};
use openclaw_runtime::catalog::{Catalog, Entry};

use super::tool;
use crate::cli::{ToolCall, TriggerCommand};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::ListedTrigger;
use crate::output::{Output, table};

/// Who calls, as records name it.
const CALLER: &str = "trigger";

/// Lists, or calls one.
pub(crate) fn run(command: TriggerCommand, environment: &Environment, output: &Output) -> Result<()> {
    match command {
        TriggerCommand::List => list(environment, output),
        TriggerCommand::Run { tool, workspace } => {
            let catalog = Catalog::load(&environment.data_dir()?)?;
            if !triggers(&catalog).any(|(known, _)| known == tool) {
                return Err(CliError::new(
                    Exit::NotFound,
                    "no-such-trigger",
                    format!("{tool} does not ask to be called by itself"),
                )
                .hint("openclaw trigger list"));
            }
            let call = ToolCall { tool, input: "{}".to_owned(), workspace, logs: false };
            tool::call(call, CALLER, environment, output)
        }
    }
}

fn list(environment: &Environment, output: &Output) -> Result<()> {
    let catalog = Catalog::load(&environment.data_dir()?)?;
    let now = Timestamp::now().as_second();
    let listed: Vec<_> = triggers(&catalog)
        .map(|(tool, trigger)| ListedTrigger {
            tool,
            schedule: trigger.schedule().to_string(),
            next: trigger.schedule().next_after(now).and_then(|next| Timestamp::from_second(next).ok()),
        })
        .collect();
    if output.is_json() {
        return output.document(&listed);
    }
    if listed.is_empty() {
        output.note("no installed skill asks to be called by itself");
        return Ok(());
    }
    let next =
        |trigger: &ListedTrigger| trigger.next.map_or_else(|| "never".to_owned(), |next| next.to_string());
    let rows: Vec<_> = listed
        .iter()
        .map(|trigger| [trigger.tool.to_string(), trigger.schedule.clone(), next(trigger)])
        .collect();
    output.lines(table(["tool", "schedule (UTC)", "next"], &rows));
    output.note("nothing calls them by itself yet: put `openclaw trigger run` into cron or a timer");
    Ok(())
}

fn triggers(catalog: &Catalog) -> impl Iterator<Item = (ToolId, &Trigger)> {
    let loaded = catalog.iter().filter_map(|(skill, entry)| match entry {
        Entry::Loaded(loaded) => Some((skill, loaded)),
        Entry::Refused(_) => None,
    });
    loaded.flat_map(|(skill, loaded)| {
        loaded.manifest().triggers().iter().map(|trigger| (skill.tool(trigger.tool().clone()), trigger))
    })
}
