//! Python: checked for what cannot be in a component, and put beside an interpreter into one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semver::Version;

use super::fetched::{self, Pinned};
use super::sources::Sources;
use super::world::World;
use super::{Failure, run};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::project::Project;
use crate::sdk::Sdk;

/// The program, and the oldest that builds.
const PYTHON: &str = "python3";
const OLDEST: Version = Version::new(3, 11, 0);
const INSTALL: &str = "install Python 3.11 or later, with venv and pip, and see that python3 is on your PATH";
/// The SDK's package, within the SDK.
const PACKAGE: &str = "skills-sdk/python";

/// Builds a component, where there is something new to build.
pub(super) fn build(
    project: &Project,
    sdk: &Sdk,
    environment: &Environment,
    output: &Output,
) -> Result<Option<PathBuf>> {
    let toolchain = toolchain(sdk, environment, output)?;
    let sources = Sources::read(project, &format!("{} {}", sdk.root().display(), toolchain.display()))?;
    if sources.are_built(project) {
        return Ok(None);
    }
    let world = World::write(project, sdk)?;
    let built = project.state_dir().join("built.wasm");
    let mut python = python(&toolchain);
    python.arg(sdk.root().join(PACKAGE).join("build.py"));
    python.arg("--project").arg(project.root());
    python.arg("--skill").arg(project.manifest().id().as_str());
    python.arg("--wit").arg(&world.dir).args(["--world", &world.name]);
    python.arg("--toolchain").arg(&toolchain).arg("--out").arg(&built);
    let failure = Failure { words: "the project does not build", code: "build-failed", is_told: false };
    run(python, output, Stdio::piped(), &failure)?;
    sources.built(&built)?;
    Ok(Some(built))
}

/// Runs the project's pytest, with the SDK at hand.
pub(super) fn test(project: &Project, sdk: &Sdk, environment: &Environment, output: &Output) -> Result<()> {
    let toolchain = toolchain(sdk, environment, output)?;
    let mut pytest = python(&toolchain);
    let paths = [sdk.root().join(PACKAGE).join("src"), project.path("src")];
    let paths = std::env::join_paths(paths).map_err(|error| {
        let message = format!("{} cannot be tested where it is: {error}", project.root().display());
        CliError::new(Exit::Refused, "tests-failed", message)
    })?;
    pytest.env("PYTHONPATH", paths);
    pytest.current_dir(project.root()).args(["-m", "pytest", "-q"]);
    let stdout = if output.is_json() { Stdio::piped() } else { Stdio::inherit() };
    let failure = Failure { words: "the project's tests fail", code: "tests-failed", is_told: true };
    run(pytest, output, stdout, &failure).map(drop)
}

/// The version of the machine's own interpreter.
pub(super) fn interpreter() -> Result<Version> {
    fetched::check(PYTHON, &OLDEST, INSTALL)
}

/// The toolchain's own interpreter, which leaves no files beside the sources.
fn python(toolchain: &Path) -> Command {
    let mut python = Command::new(toolchain.join("bin/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    python
}

fn toolchain(sdk: &Sdk, environment: &Environment, output: &Output) -> Result<PathBuf> {
    let fetch = |dir: &Path| {
        interpreter()?;
        let mut venv = Command::new(PYTHON);
        // Isolated: no module of the directory that this is called in is taken for one of Python's own.
        venv.args(["-I", "-m", "venv"]).arg(dir);
        let mut pip = python(dir);
        pip.args(["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--require-hashes", "--only-binary", ":all:", "--requirement"]);
        pip.arg(dir.join("requirements.txt"));
        Ok(vec![venv, pip])
    };
    let pins = sdk.root().join(PACKAGE).join("toolchain");
    // An environment belongs to the interpreter that made it.
    let made_by =
        Command::new(PYTHON).args(["-I", "-c", "import sys; print(sys.executable, sys.version)"]).output();
    let made_by = made_by.map(|made_by| made_by.stdout).unwrap_or_default();
    Pinned { name: "python", pins, made_by, fetch: &fetch }.directory(environment, output)
}
