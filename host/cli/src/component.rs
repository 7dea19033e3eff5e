//! A project's component: built, held against the manifest, and asked for its tools.

use std::time::{Duration, Instant};

use openclaw_package::{Digest, Imports, Manifest, ToolList};
use openclaw_runtime::develop::{Development, ListError, Owner};
use openclaw_runtime::policy::Policy;
use openclaw_runtime::skill::Tools;

use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation::wait;
use crate::json;
use crate::models::ModelSet;
use crate::output::Output;
use crate::project::{COMPONENT, Project, TOOLS};
use crate::toolchain;

/// A component that was checked, ready to be called.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Ready to be called.
    pub(crate) development: Development,
    /// What it listed.
    pub(crate) tools: ToolList,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// How long it took to compile it and to list its tools.
    pub(crate) took: Duration,
}

/// Builds the component and puts it into its place; tells how long that took.
///
/// What is no longer to be built is the toolchain's to decide. A component of unknown origin stays as it is.
pub(crate) fn build(project: &Project, environment: &Environment, output: &Output) -> Result<Duration> {
    let begun = Instant::now();
    match project.language() {
        Some(language) => toolchain::build(project, language, environment, output)?,
        None if project.path(COMPONENT).is_file() => {}
        None => return Err(no_language(project)),
    }
    Ok(begun.elapsed())
}

/// Holds the component against the manifest and asks it for its tools, under real limits.
pub(crate) fn check(project: &Project, environment: &Environment, output: &Output) -> Result<Checked> {
    let bytes = project.component()?;
    prove(&bytes, project.manifest())?;
    let begun = Instant::now();
    let progress = output.progress("preparing the component");
    let dir = environment.data_dir()?;
    let owner = Owner { policy: Policy::load(&dir.policy())?, data_dir: dir.root().to_owned() };
    let manifest = project.manifest().clone();
    let sandbox = environment.sandbox()?;
    let launcher = environment::launcher()?;
    let config = environment.config()?;
    let models = ModelSet::load(environment, &config, None)?;
    let model = models.language_model(&models.redaction(&config)?)?;
    let state_dir = project.state_dir();
    let development = Development::prepare(sandbox, &bytes, manifest, owner, state_dir, launcher, model)?;
    let tools = wait(development.tools())??;
    // What the host cannot check input against is found here, not by who installs it.
    Tools::new(&tools).check()?;
    drop(progress);
    project.put(TOOLS, &tools.to_json())?;
    Ok(Checked { development, tools, bytes, took: begun.elapsed() })
}

/// The imports of a component, none of which may go beyond the manifest.
pub(crate) fn prove(bytes: &[u8], manifest: &Manifest) -> Result<Imports> {
    let imports = Imports::read(bytes)?;
    imports.prove(manifest.requests())?;
    Ok(imports)
}

/// The document of a component.
pub(crate) fn document(bytes: &[u8], imports: &Imports) -> json::Component {
    json::Component {
        path: None,
        bytes: bytes.len() as u64,
        digest: Digest::of(bytes),
        imports: imports.imports().iter().map(ToString::to_string).collect(),
    }
}

fn no_language(project: &Project) -> CliError {
    let message = format!(
        "{} has no Cargo.toml, package.json or pyproject.toml, and no {COMPONENT}",
        project.root().display()
    );
    CliError::new(Exit::NotFound, "unknown-language", message)
        .hint(format!("a component of another toolchain goes to {COMPONENT}"))
}

impl From<ListError> for CliError {
    fn from(error: ListError) -> Self {
        let code = match &error {
            ListError::Fault(fault) => fault.code(),
            ListError::Schema { .. } => "invalid-schema",
            ListError::Name { .. } => "invalid-name",
            ListError::List(_) => "invalid-tools",
        };
        Self { exit: Exit::Failed, ..Self::coded(code, &error) }
    }
}
