//! How a project becomes a component: each language has a toolchain, and a driver of its SDK that uses it.

pub(crate) mod cargo;
mod fetched;
mod javascript;
mod python;
mod sources;
mod world;

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use openclaw_package::manifest::Language;
use semver::Version;

use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::project::{COMPONENT, Project};
use crate::sdk::Sdk;

/// Builds a project's component and puts it into its place, where its sources are no longer those that it was built from.
///
/// # Errors
/// The toolchain is missing and cannot be fetched, or the project does not build.
pub(crate) fn build(
    project: &Project,
    language: Language,
    environment: &Environment,
    output: &Output,
) -> Result<()> {
    if language == Language::Rust {
        cargo::check()?;
    }
    let sdk = Sdk::unpack(environment)?;
    // What drivers write lies in the project: two of them at once would take each other's.
    let _building = project.lock(output)?;
    let built = match language {
        Language::TypeScript | Language::JavaScript => {
            javascript::build(project, language, &sdk, environment, output)?
        }
        Language::Python => python::build(project, &sdk, environment, output)?,
        _ => {
            project.link_sdk(&sdk)?;
            Some(cargo::build(project, &sdk, output)?)
        }
    };
    let Some(built) = built else { return Ok(()) };
    let bytes = fs::read(&built).map_err(CliError::at(&built))?;
    project.put(COMPONENT, &bytes)
}

/// Runs a project's own tests.
///
/// # Errors
/// The toolchain is missing, or the tests fail.
pub(crate) fn test(
    project: &Project,
    language: Language,
    environment: &Environment,
    output: &Output,
) -> Result<()> {
    let sdk = Sdk::unpack(environment)?;
    match language {
        Language::TypeScript | Language::JavaScript => javascript::test(project, &sdk, output),
        Language::Python => python::test(project, &sdk, environment, output),
        _ => {
            cargo::check()?;
            project.link_sdk(&sdk)?;
            cargo::test(project, output)
        }
    }
}

/// The programs that other languages than Rust are built with: the version of each, and for which languages.
pub(crate) fn interpreters() -> [(&'static str, &'static str, Result<Version>); 3] {
    let javascript = "TypeScript and JavaScript";
    [
        ("node", javascript, javascript::node()),
        ("npm", javascript, javascript::npm()),
        ("python3", "Python", python::interpreter()),
    ]
}

fn missing(message: String) -> CliError {
    CliError::new(Exit::Host, "toolchain-missing", message)
}

/// What it means that a program of a toolchain fails.
struct Failure {
    words: &'static str,
    code: &'static str,
    /// Whether what it writes to standard output tells why.
    is_told: bool,
}

/// Runs a program to its end, and gives what it wrote to `stdout`. What it says is shown as it comes; for
/// programs, it is in the error.
fn run(mut command: Command, output: &Output, stdout: Stdio, failure: &Failure) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let started = |error: std::io::Error| missing(format!("{program} cannot be run: {error}"));
    let stderr = if output.is_json() { Stdio::piped() } else { Stdio::inherit() };
    let mut child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().map_err(started)?;
    let said = child.stderr.take();
    let said = std::thread::spawn(move || read_all(said));
    let written = read_all(child.stdout.take());
    let status = child.wait().map_err(started)?;
    let said = said.join().unwrap_or_default();
    if status.success() {
        return Ok(written);
    }
    let told = if failure.is_told { [written, said].concat() } else { said };
    let said = String::from_utf8_lossy(&told).trim().to_owned();
    let message =
        if said.is_empty() { failure.words.to_owned() } else { format!("{}:\n{said}", failure.words) };
    Err(CliError::new(Exit::Failed, failure.code, message))
}

fn read_all(source: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut source) = source {
        // What was read until then is all there is; its exit code tells of the rest.
        let _ = source.read_to_end(&mut bytes);
    }
    bytes
}
