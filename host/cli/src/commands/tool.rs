//! `openclaw tool`: the tools of installed skills, and the call of one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use openclaw_package::{ToolId, Tree};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::consent::Consents;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::{Report, Runtime};

use crate::ask::Asked;
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

/// Bytes of a skill's log, after which it is moved aside and a new one begun.
const LOG_BYTES: u64 = 1 << 20;

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
    let runtime = environment.runtime()?;
    let has_workspace = workspace.is_some();
    if !has_workspace && wants_workspace(&runtime.dispatcher().catalog(), &tool) {
        output.warn("the current directory cannot be a workspace, so there is none: --workspace DIR");
    }
    let call = openclaw_runtime::ToolCall {
        tool: tool.clone(),
        input,
        caller: caller.to_owned(),
        workspace,
        observer: None,
    };
    seek_consent(environment, &runtime, &call, output)?;
    let progress = output.progress(&format!("running {tool}"));
    let outcome = invocation::wait(runtime.dispatcher().call(call))?;
    drop(progress);
    runtime.dispatcher().flush()?;
    let report = outcome.as_ref().map_or_else(|(_, report)| report, |result| &result.report);
    if let Err(error) = keep_log(runtime.data_dir(), &tool, report) {
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
    environment: &Environment,
    runtime: &Runtime,
    call: &openclaw_runtime::ToolCall,
    output: &Output,
) -> Result<()> {
    let consents = Consents::new(environment.config()?.security_level());
    let person = Asked::new(output.can_ask());
    let granted = invocation::wait(consents.seek(runtime, call, Some(&person)))?;
    for rule in granted.map_err(|error| CliError::new(Exit::Host, "invalid-policy", error.to_string()))? {
        output.note(format_args!("granted to {}: {}", call.tool.skill(), one_line(&rule.to_string())));
    }
    Ok(())
}

fn wants_workspace(catalog: &Catalog, tool: &ToolId) -> bool {
    let Some(Entry::Loaded(skill)) = catalog.get(tool.skill()) else { return false };
    skill.manifest().requests().filesystem.iter().any(|request| request.tree == Tree::Workspace)
}

/// Appends what a call logged to the log of its skill, a line for each.
fn keep_log(dir: &DataDir, tool: &ToolId, report: &Report) -> Result<()> {
    if report.log.is_empty() {
        return Ok(());
    }
    let path = dir.log(tool.skill());
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(CliError::at(parent))?;
    }
    rotate(&path)?;
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let lines: String = report
        .log
        .iter()
        .map(|line| {
            format!("{time} {} {} {}\n", tool.tool(), invocation::level(line), one_line(&line.message))
        })
        .collect();
    let mut file =
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(CliError::at(&path))?;
    // One write, so that lines of several processes do not mix.
    file.write_all(lines.as_bytes()).map_err(CliError::at(&path))
}

/// Moves a full log aside, in place of the one before.
fn rotate(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if meta.len() >= LOG_BYTES => {
            fs::rename(path, path.with_extension("log.1")).map_err(CliError::at(path))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::capability::log::{Level, LogLine};

    use super::*;

    fn logged(message: &str) -> Report {
        let line = LogLine { level: Level::Info, message: message.to_owned() };
        Report { log: vec![line], ..Report::default() }
    }

    #[test]
    fn a_message_of_several_lines_stays_one_line_of_the_log() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        let tool: ToolId = "acme/hello/greet".parse().unwrap();
        keep_log(&dir, &tool, &logged("one\ntwo")).unwrap();
        keep_log(&dir, &tool, &logged("three")).unwrap();
        let text = fs::read_to_string(dir.log(tool.skill())).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with(" greet info one\\ntwo"), "{text}");
    }

    #[test]
    fn a_full_log_gives_way() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        let tool: ToolId = "acme/hello/greet".parse().unwrap();
        let path = dir.log(tool.skill());
        keep_log(&dir, &tool, &logged("old")).unwrap();
        fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        keep_log(&dir, &tool, &logged("new")).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 100);
        assert!(path.with_extension("log.1").is_file());
    }
}
