//! `openclaw tool`: the tools of installed skills, and the call of one.

use openclaw_agent::redaction::Place;
use openclaw_package::{ToolId, Tree};
use openclaw_runtime::Runtime;
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::consent::{Consents, SecurityLevel};
use openclaw_runtime::skill_log;

use crate::ask::{Asked, Terminal};
use crate::cli::{ToolCall, ToolCommand};
use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation::{self, Called};
use crate::json::ListedTool;
use crate::output::{Output, table};
use crate::text::{one_line, summary};

/// Characters of a tool's description that are shown.
const DESCRIPTION: usize = 80;

/// Lists or calls.
pub(crate) fn run(command: ToolCommand, environment: &Environment, output: &Output) -> Result<()> {
    match command {
        ToolCommand::List => list(environment, output),
        ToolCommand::Call(arguments) => call(arguments, "cli", environment, output),
    }
}

fn list(environment: &Environment, output: &Output) -> Result<()> {
    let catalog = Catalog::load(&environment.data_dir()?)?;
    for (skill, entry) in catalog.iter() {
        if let Entry::Refused(reason) = entry {
            output.warn(format_args!("{skill} is not loaded: {}", one_line(&reason.to_string())));
        }
    }
    if output.is_json() {
        let tools = catalog.tools().map(|(id, tool, skill)| ListedTool {
            tool: id,
            version: skill.manifest().version().clone(),
            description: tool.description.clone(),
            input_schema: tool.input_schema.clone(),
            output_schema: tool.output_schema.clone(),
        });
        return output.document(&tools.collect::<Vec<_>>());
    }
    let row = |(id, description): (ToolId, &String)| [id.to_string(), summary(description, DESCRIPTION)];
    let rows: Vec<_> = catalog.tools().map(|(id, tool, _)| row((id, &tool.description))).collect();
    if rows.is_empty() {
        output.note("no tool is installed yet: openclaw install <package>");
    } else {
        output.lines(table(["tool", "description"], &rows));
    }
    Ok(())
}

/// Calls a tool for a caller, as records name it.
pub(super) fn call(
    arguments: ToolCall,
    caller: &str,
    environment: &Environment,
    output: &Output,
) -> Result<()> {
    let ToolCall { tool, input, workspace: given, logs } = arguments;
    let input = invocation::input(input)?;
    let workspace = environment::workspace(given.as_deref())?;
    let config = environment.config()?;
    let (runtime, redaction) = environment.runtime(&config)?;
    let has_workspace = workspace.is_some();
    if !has_workspace && wants_workspace(&runtime.dispatcher().catalog(), &tool) {
        output.warn("the current directory cannot be a workspace, so there is none: --workspace DIR");
    }
    let terminal = Terminal::new(output, &format!("running {tool}"));
    let call = openclaw_runtime::ToolCall {
        tool: tool.clone(),
        input,
        caller: caller.to_owned(),
        workspace,
        observer: None,
        respondent: terminal.respondent(),
    };
    let waiting = invocation::runtime()?;
    seek_consent(config.security_level(), &runtime, &call, &waiting, output)?;
    terminal.watch();
    let outcome = waiting.block_on(runtime.dispatcher().call(call));
    terminal.rest();
    runtime.dispatcher().flush()?;
    let report = outcome.as_ref().map_or_else(|(_, report)| report, |result| &result.report);
    let kept = skill_log::append(runtime.data_dir(), &tool, &report.log, redaction.redactor(Place::Logs));
    if let Err(error) = kept {
        output.warn(format_args!("what the skill logged is not kept: {error}"));
    }
    if logs {
        invocation::show_log(output, report);
    }
    let subject = tool.skill().to_string();
    invocation::show(output, &Called { tool: Some(tool), subject, given, has_workspace }, &outcome)
}

/// Has granted what the call may need and lacks, as the owner's security level says.
fn seek_consent(
    level: SecurityLevel,
    runtime: &Runtime,
    call: &openclaw_runtime::ToolCall,
    waiting: &tokio::runtime::Runtime,
    output: &Output,
) -> Result<()> {
    let (consents, person) = (Consents::new(level), Asked::new(output.can_ask()));
    let granted = waiting.block_on(consents.seek(runtime, call, Some(&person)));
    for rule in granted.map_err(|error| CliError::new(Exit::Host, "invalid-policy", error.to_string()))? {
        output.note(format_args!("granted to {}: {}", call.tool.skill(), one_line(&rule.to_string())));
    }
    Ok(())
}

fn wants_workspace(catalog: &Catalog, tool: &ToolId) -> bool {
    let Some(Entry::Loaded(skill)) = catalog.get(tool.skill()) else { return false };
    skill.manifest().requests().filesystem.iter().any(|request| request.tree == Tree::Workspace)
}
