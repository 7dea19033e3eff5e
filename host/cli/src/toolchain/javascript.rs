//! TypeScript and JavaScript: type-checked, bundled, and put beside an engine into one component.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use openclaw_package::Digest;
use openclaw_package::manifest::Language;
use semver::Version;
use serde::Deserialize;

use super::fetched::{self, Pinned};
use super::sources::Sources;
use super::world::World;
use super::{Failure, run};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::project::{NPM_SDK_LINK, Project};
use crate::sdk::Sdk;

/// The oldest Node.js that builds.
const OLDEST: Version = Version::new(20, 0, 0);
const INSTALL: &str = "install Node.js 20 or later, with npm, and see that they are on your PATH";
/// The SDK's package, within the SDK.
const PACKAGE: &str = "skills-sdk/js";

/// Builds a component, where there is something new to build.
pub(super) fn build(
    project: &Project,
    language: Language,
    sdk: &Sdk,
    environment: &Environment,
    output: &Output,
) -> Result<Option<PathBuf>> {
    let toolchain = toolchain(sdk, environment, output)?;
    install(project, sdk, output)?;
    let sources = Sources::read(project, &format!("{} {}", sdk.root().display(), toolchain.display()))?;
    if sources.are_built(project) {
        return Ok(None);
    }
    check()?;
    let world = World::write(project, sdk)?;
    let entry = if language == Language::TypeScript { "src/index.ts" } else { "src/index.js" };
    if !project.path(entry).is_file() {
        let message = format!("{} has no {entry}, with which the skill begins", project.root().display());
        return Err(CliError::new(Exit::Failed, "build-failed", message));
    }
    let built = project.state_dir().join("built.wasm");
    let mut node = Command::new("node");
    node.arg(sdk.root().join(PACKAGE).join("build.mjs"));
    node.arg("--project").arg(project.root()).args(["--entry", entry]);
    node.arg("--wit").arg(&world.dir).args(["--world", &world.name]);
    node.arg("--toolchain").arg(&toolchain).arg("--out").arg(&built);
    let failure = Failure { words: "the project does not build", code: "build-failed", is_told: false };
    run(node, output, Stdio::piped(), &failure)?;
    sources.built(&built)?;
    Ok(Some(built))
}

/// Runs the project's `npm test`.
pub(super) fn test(project: &Project, sdk: &Sdk, output: &Output) -> Result<()> {
    check()?;
    install(project, sdk, output)?;
    let mut npm = Command::new("npm");
    npm.current_dir(project.root()).args(["test", "--silent"]);
    let stdout = if output.is_json() { Stdio::piped() } else { Stdio::inherit() };
    let failure = Failure { words: "the project's tests fail", code: "tests-failed", is_told: true };
    run(npm, output, stdout, &failure).map(drop)
}

/// What a project depends on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default)]
    dependencies: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    dev_dependencies: serde_json::Map<String, serde_json::Value>,
}

impl Package {
    fn is_empty(&self) -> bool {
        self.dependencies.is_empty() && self.dev_dependencies.is_empty()
    }
}

fn check() -> Result<()> {
    node()?;
    npm().map(drop)
}

/// The version of Node.js.
pub(super) fn node() -> Result<Version> {
    fetched::check("node", &OLDEST, INSTALL)
}

/// The version of npm.
pub(super) fn npm() -> Result<Version> {
    fetched::check("npm", &Version::new(8, 0, 0), INSTALL)
}

fn toolchain(sdk: &Sdk, environment: &Environment, output: &Output) -> Result<PathBuf> {
    let fetch = |dir: &Path| {
        check()?;
        let mut npm = Command::new("npm");
        npm.current_dir(dir).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        Ok(vec![npm])
    };
    let pins = sdk.root().join(PACKAGE).join("toolchain");
    Pinned { name: "javascript", pins, made_by: Vec::new(), fetch: &fetch }.directory(environment, output)
}

/// Has npm install what the project depends on, the SDK among it, where that was not done since it was written down.
fn install(project: &Project, sdk: &Sdk, output: &Output) -> Result<()> {
    let path = project.path("package.json");
    let text = fs::read_to_string(&path).map_err(CliError::at(&path))?;
    let package: Package = serde_json::from_str(&text).map_err(|error| {
        CliError::new(Exit::Failed, "build-failed", format!("{}: {error}", path.display()))
    })?;
    if text.contains(NPM_SDK_LINK) {
        project.link_npm_sdk(sdk)?;
    }
    let from = |lock: &str| {
        // The SDK is copied into the project: another one has to be copied anew.
        let parts = [text.as_str(), lock, &sdk.root().display().to_string()].join("\0");
        Digest::of(parts.as_bytes()).hex()
    };
    let lock = || fs::read_to_string(project.path("package-lock.json")).ok();
    let (locked, note) = (lock(), project.state_dir().join("installed-from"));
    let is_done = fs::read_to_string(&note).is_ok_and(|noted| noted == from(locked.as_deref().unwrap_or("")));
    if package.is_empty() || (is_done && project.path("node_modules").is_dir()) {
        return Ok(());
    }
    check()?;
    output.note("installing what the project depends on");
    let npm = |how: &str| {
        let mut npm = Command::new("npm");
        npm.current_dir(project.root()).args([how, "--ignore-scripts", "--no-audit", "--no-fund"]);
        npm
    };
    if locked.is_none() || !succeeds(npm("ci")) {
        // Whoever wrote a dependency into package.json by hand has a lock file that does not know it yet.
        let words = "npm cannot install what the project depends on";
        let failure = Failure { words, code: "build-failed", is_told: true };
        run(npm("install"), output, Stdio::piped(), &failure)?;
    }
    let dir = project.state_dir();
    fs::create_dir_all(&dir).map_err(CliError::at(&dir))?;
    fs::write(&note, from(lock().as_deref().unwrap_or(""))).map_err(CliError::at(&note))
}

/// Whether a program ends well; nothing is told of it.
fn succeeds(mut command: Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
