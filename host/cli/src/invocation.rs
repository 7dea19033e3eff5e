//! A tool call from the command line: its input, its waiting, and what is shown of it.

use std::future::Future;
use std::io::Read;
use std::path::PathBuf;

use openclaw_package::ToolId;
use openclaw_runtime::capability::log::Level;
use openclaw_runtime::sandbox::THREAD_STACK;
use openclaw_runtime::{CallError, Report, ToolResult};

use crate::consent::quoted;
use crate::describe::{bytes, grouped, micros};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{Call, CallReport};
use crate::output::{Output, dim, warning};
use crate::text::{indented, one_line, pretty_json};

/// Bytes read from standard input; the runtime accepts fewer, and says so.
const MOST_INPUT: u64 = 8 << 20;

/// The input as it was given, or what standard input gives for `-`.
pub(crate) fn input(given: String) -> Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut input = String::new();
    std::io::stdin().take(MOST_INPUT).read_to_string(&mut input).map_err(|error| {
        CliError::new(
            Exit::Usage,
            "malformed-input",
            format!("standard input cannot be read as text: {error}"),
        )
    })?;
    Ok(input)
}

/// Waits for what takes its time.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> Result<T> {
    Ok(runtime()?.block_on(future))
}

/// Threads on which calls are made and waited for.
pub(crate) fn threads() -> tokio::runtime::Builder {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.enable_all().thread_stack_size(THREAD_STACK);
    threads
}

/// What waits, on this thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        CliError::new(
            Exit::Host,
            "host-failure",
            format!("this process cannot wait for input and output: {error}"),
        )
    })
}

/// What a call gave, or why it gave nothing.
pub(crate) type Outcome = std::result::Result<ToolResult, (CallError, Report)>;

/// What was called, for what is said about it.
#[derive(Debug)]
pub(crate) struct Called {
    /// Of an installed skill: the tool, which the document names.
    pub(crate) tool: Option<ToolId>,
    /// What `skill inspect` knows the skill by.
    pub(crate) subject: String,
    /// The workspace that was named on the command line.
    pub(crate) given: Option<PathBuf>,
    /// Whether there was a workspace, named or not.
    pub(crate) has_workspace: bool,
}

/// Shows what came of a call.
pub(crate) fn show(output: &Output, called: &Called, outcome: &Outcome) -> Result<()> {
    match outcome {
        Ok(result) if output.is_json() => output.document(&Call {
            tool: called.tool.as_ref(),
            output: &result.output,
            report: document(&result.report),
        }),
        Ok(result) => {
            output.line(pretty_json(result.output.get()));
            show_report(output, &result.report, called);
            Ok(())
        }
        Err((error, report)) => {
            show_report(output, report, called);
            Err(failed(error, report, called))
        }
    }
}

/// Shows what a skill logged.
pub(crate) fn show_log(output: &Output, report: &Report) {
    for line in &report.log {
        let level = line.level.label();
        let mark = if matches!(line.level, Level::Warn | Level::Error) { warning(level) } else { dim(level) };
        output.note(format_args!("{mark} {}", indented(&line.message)));
    }
    if report.log_dropped > 0 {
        output.note(dim(format_args!("{} more lines were dropped", report.log_dropped)));
    }
}

fn show_report(output: &Output, report: &Report, called: &Called) {
    for denial in &report.denials {
        let words =
            format!("{} of {} was denied: {}", denial.capability, one_line(&denial.target), denial.reason);
        match &denial.hint {
            Some(hint) => {
                let (remedy, hint) = (denial.reason.remedy(), called.placed(&one_line(hint)));
                output.warn(format_args!("{words}\n  {remedy}: {hint}"))
            }
            None => output.warn(words),
        }
    }
    for program in report.programs.iter().filter(|program| program.unconfined) {
        output.warn(format_args!("{} ran unconfined, as your policy allows", one_line(&program.command)));
    }
    for held in report.programs.iter().flat_map(|program| &program.held_back) {
        output.warn(format_args!(
            "a program made {}, which others would obey; it is renamed to *.held-back",
            one_line(held)
        ));
    }
    let unshown = report.denial_count.saturating_sub(report.denials.len() as u64);
    if unshown > 0 {
        output.warn(format_args!("{unshown} more uses were denied"));
    }
    if report.spent.fuel > 0 {
        let spent = document(report);
        output.note(dim(format_args!(
            "{} fuel, {}, {} memory",
            grouped(spent.fuel),
            micros(spent.duration_us),
            bytes(spent.memory_bytes)
        )));
    }
}

fn document(report: &Report) -> CallReport<'_> {
    CallReport {
        fuel: report.spent.fuel,
        duration_us: u64::try_from(report.spent.duration.as_micros()).unwrap_or(u64::MAX),
        memory_bytes: report.spent.memory_bytes,
        denials: &report.denials,
        programs: &report.programs,
        tokens: report.tokens,
        questions: report.questions,
        log: &report.log,
    }
}

fn failed(error: &CallError, report: &Report, called: &Called) -> CliError {
    let call = if report.spent.fuel > 0 { serde_json::to_value(document(report)).ok() } else { None };
    let hint = match error {
        CallError::InvalidInput { .. } => {
            Some(format!("openclaw skill inspect {} shows what its tools take", quoted(&called.subject)))
        }
        CallError::MalformedInput(_) => Some(
            "give JSON, in quotes for the shell: '{\"key\":\"value\"}'; - reads standard input".to_owned(),
        ),
        error => error.hint().map(|hint| called.placed(&hint)),
    };
    CliError { hint, call, ..CliError::coded(error.code(), error) }
}

impl Called {
    /// A grant command that names the directory which the call had, since `$workspace` would otherwise
    /// be the current one.
    fn placed(&self, command: &str) -> String {
        match &self.given {
            _ if !command.contains("'$workspace") => command.to_owned(),
            Some(given) => format!("{command} --workspace {}", quoted(&given.display().to_string())),
            None if self.has_workspace => command.to_owned(),
            None => format!("{command} --workspace DIR"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_of_the_workspace_names_the_directory_that_was_given() {
        let called =
            |given, has_workspace| Called { tool: None, subject: ".".to_owned(), given, has_workspace };
        let (here, there) = (called(None, true), called(Some(PathBuf::from("/srv/my code")), true));
        let command = "openclaw grant allow acme/x filesystem:read '$workspace'";
        assert_eq!(here.placed(command), command);
        assert!(called(None, false).placed(command).ends_with(" --workspace DIR"));
        assert!(there.placed(command).ends_with(" --workspace '/srv/my code'"));
        assert_eq!(there.placed("openclaw tool list"), "openclaw tool list");
    }
}
