//! `openclaw skill test`: the project's own tests, and a try in the sandbox.

use std::path::Path;

use crate::component;
use crate::environment::Environment;
use crate::error::Result;
use crate::json::Test;
use crate::output::{Output, good};
use crate::project::Project;
use crate::toolchain;

/// Tests natively, then in the sandbox.
pub(crate) fn run(dir: &Path, environment: &Environment, output: &Output) -> Result<()> {
    let project = Project::open(dir)?;
    let native_tests = project.language().is_some();
    if let Some(language) = project.language() {
        toolchain::test(&project, language, environment, output)?;
    }
    component::build(&project, environment, output)?;
    let checked = component::check(&project, environment, output)?;
    let tools: Vec<_> = checked.tools.iter().map(|tool| tool.name.clone()).collect();
    if output.is_json() {
        let skill = project.manifest().id().clone();
        return output.document(&Test { skill, native_tests, tools });
    }
    if native_tests {
        output.line(format_args!("{} the project's own tests", good("passed")));
    } else {
        output.note("its component comes from elsewhere, and so do its tests");
    }
    let names = tools.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    output.line(format_args!(
        "{} in the sandbox: {} tool(s) listed, schemas compile: {names}",
        good("passed"),
        tools.len()
    ));
    Ok(())
}
