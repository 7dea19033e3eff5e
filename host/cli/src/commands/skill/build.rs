//! `openclaw skill build`: from source to a component that fits its manifest.

use crate::cli::SkillBuild;
use crate::component::{self, Checked};
use crate::describe::bytes;
use crate::environment::Environment;
use crate::error::Result;
use crate::json::Build;
use crate::output::{Output, dim, good};
use crate::project::{COMPONENT, Project, TOOLS};
use crate::text::summary;

/// Characters of a tool's description that are shown.
const DESCRIPTION: usize = 72;

/// Builds and reports.
pub(crate) fn run(arguments: &SkillBuild, environment: &Environment, output: &Output) -> Result<()> {
    let project = Project::open(&arguments.dir)?;
    let took = component::build(&project, environment, output)?;
    let Checked { tools, bytes: component, took: checked, .. } =
        component::check(&project, environment, output)?;
    let imports = component::prove(&component, project.manifest())?;
    let manifest = project.manifest();
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if output.is_json() {
        let document = component::document(&component, &imports);
        return output.document(&Build {
            skill: manifest.id().clone(),
            version: manifest.version().clone(),
            component: crate::json::Component { path: Some(project.path(COMPONENT)), ..document },
            tools: tools.iter().map(|tool| tool.name.clone()).collect(),
            build_ms: millis(took),
            check_ms: millis(checked),
        });
    }
    output.line(format_args!(
        "{} {} {} {}",
        good("built"),
        manifest.id(),
        manifest.version(),
        dim(format_args!("in {:.1} s, checked in {} ms", took.as_secs_f64(), millis(checked)))
    ));
    output.line(format_args!("component  {COMPONENT}, {}", bytes(component.len() as u64)));
    output.line(format_args!("imports    {} interfaces, none beyond the manifest", imports.imports().len()));
    output.line(format_args!("tools      {TOOLS}"));
    let width = tools.iter().map(|tool| tool.name.as_str().len()).max().unwrap_or_default();
    for tool in tools.iter() {
        let description = dim(summary(&tool.description, DESCRIPTION));
        output.line(format_args!("  {:width$}  {description}", tool.name.as_str()));
    }
    Ok(())
}
