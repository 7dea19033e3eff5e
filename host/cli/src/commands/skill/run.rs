//! `openclaw skill run`: a tool of a project, called in the sandbox with what its manifest requests.

use openclaw_package::Tree;
use openclaw_runtime::ToolCall;
use openclaw_runtime::workspace::Workspace;

use crate::ask::Terminal;
use crate::cli::SkillRun;
use crate::component;
use crate::describe;
use crate::environment::{self, Environment};
use crate::error::Result;
use crate::invocation::{self, Called};
use crate::output::{Output, dim};
use crate::project::Project;

/// Builds if needed, and calls.
pub(crate) fn run(arguments: SkillRun, environment: &Environment, output: &Output) -> Result<()> {
    let project = Project::open(&arguments.dir)?;
    let input = invocation::input(arguments.input)?;
    let workspace = environment::workspace(arguments.workspace.as_deref())?;
    if !arguments.no_build {
        component::build(&project, environment, output)?;
    }
    let checked = component::check(&project, environment, output)?;
    tell_grants(&project, workspace.as_ref(), output);
    let called = Called {
        tool: None,
        subject: arguments.dir.display().to_string(),
        given: arguments.workspace,
        has_workspace: workspace.is_some(),
    };
    let terminal = Terminal::new(output, "running");
    let call = ToolCall {
        tool: project.manifest().id().tool(arguments.tool),
        input,
        caller: "cli".to_owned(),
        workspace,
        observer: None,
        respondent: terminal.respondent(),
    };
    terminal.watch();
    let outcome = invocation::wait(checked.development.call(&checked.tools, call))?;
    terminal.rest();
    let report = outcome.as_ref().map_or_else(|(_, report)| report, |result| &result.report);
    invocation::show_log(output, report);
    invocation::show(output, &called, &outcome)
}

/// Says what the tool holds in this run.
fn tell_grants(project: &Project, workspace: Option<&Workspace>, output: &Output) {
    let requests = describe::requests(project.manifest().requests());
    if requests.is_empty() {
        output.note(dim("it holds no permission"));
    }
    for request in &requests {
        let place = match (request.alone.filesystem.first().map(|request| &request.tree), workspace) {
            (Some(Tree::Workspace), Some(workspace)) => format!(" ({})", workspace.path().display()),
            (Some(Tree::Workspace), None) => {
                output.warn("the current directory cannot be a workspace, so there is none: --workspace DIR");
                continue;
            }
            (Some(Tree::Data), _) => format!(" ({})", project.state_dir().join("data").display()),
            _ => String::new(),
        };
        output.note(dim(format_args!("it may {}{place}", request.words)));
    }
}
