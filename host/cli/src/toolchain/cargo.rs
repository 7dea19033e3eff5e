//! The Rust toolchain: whether it is there, and how it builds a component.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semver::Version;
use serde::Deserialize;

use super::{Failure, missing, run};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::project::Project;
use crate::sdk::Sdk;

/// What components are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The oldest Rust that builds the SDK.
pub(crate) const OLDEST: Version = Version::new(1, 95, 0);

/// Bytes of memory that a component begins with: its stack of 1 MiB, its data, and a heap that most
/// calls do not have to grow, since growing costs more than a short call.
const INITIAL_MEMORY: u32 = 2 << 20;

/// Checks that cargo, rustc and the target are there.
pub(crate) fn check() -> Result<()> {
    version("cargo")?;
    let rustc = version("rustc")?;
    if rustc < OLDEST {
        let message = format!("rustc is {rustc}; the SDK needs {OLDEST} or later");
        return Err(missing(message).hint("rustup update stable"));
    }
    if !has_target() {
        return Err(missing(format!("the Rust target {TARGET} is not installed")).hint(add_target()));
    }
    Ok(())
}

/// The command that installs the target.
pub(crate) fn add_target() -> String {
    format!("rustup target add {TARGET}")
}

/// The version of cargo or rustc.
pub(crate) fn version(program: &str) -> Result<Version> {
    let install = "install Rust with rustup, and see that its programs are on your PATH";
    let output = Command::new(tool(program)).arg("--version").stderr(Stdio::null()).output();
    let output =
        output.map_err(|error| missing(format!("{program} cannot be run: {error}")).hint(install))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .nth(1)
        .and_then(|version| Version::parse(version).ok())
        .ok_or_else(|| missing(format!("{program} does not tell its version")).hint(install))
}

/// Whether rustc has a standard library for the target.
pub(crate) fn has_target() -> bool {
    let output = Command::new(tool("rustc")).args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| {
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        output.status.success() && path.is_dir()
    })
}

/// The program that cargo itself would run.
fn tool(program: &str) -> OsString {
    std::env::var_os(program.to_ascii_uppercase()).unwrap_or_else(|| program.into())
}

/// Builds a project's component, and tells where cargo put it.
pub(crate) fn build(project: &Project, sdk: &Sdk, output: &Output) -> Result<PathBuf> {
    let mut cargo = cargo(project);
    cargo.args(["rustc", "--lib", "--crate-type", "cdylib", "--release", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    if !output.is_watched() {
        cargo.arg("--quiet");
    }
    cargo.args(["--", "-C", &format!("link-arg=--initial-memory={INITIAL_MEMORY}")]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(project, sdk));
    let failure = Failure { words: "the project does not build", code: "build-failed", is_told: false };
    let messages = run(cargo, output, Stdio::piped(), &failure)?;
    component(&messages).ok_or_else(|| {
        CliError::new(Exit::Failed, "build-failed", "cargo built no component")
            .hint("the project needs a library: src/lib.rs")
    })
}

/// Runs a project's own tests.
pub(crate) fn test(project: &Project, output: &Output) -> Result<()> {
    let mut cargo = cargo(project);
    cargo.arg("test");
    if !output.is_watched() {
        cargo.arg("--quiet");
    }
    let stdout = if output.is_json() { Stdio::piped() } else { Stdio::inherit() };
    let failure = Failure { words: "the project's tests fail", code: "tests-failed", is_told: true };
    run(cargo, output, stdout, &failure).map(drop)
}

fn cargo(project: &Project) -> Command {
    let mut cargo = Command::new(tool("cargo"));
    cargo.current_dir(project.root());
    cargo
}

/// Flags by which the same source gives the same bytes wherever it lies.
fn flags(project: &Project, sdk: &Sdk) -> OsString {
    let homes = [(Some(project.root().to_owned()), "/skill"), (Some(sdk.root().to_owned()), "/sdk")];
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let homes = homes.into_iter().chain([(cargo_home, "/cargo")]);
    let flags: Vec<OsString> = homes
        .filter_map(|(from, to)| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from?);
            flag.push("=");
            flag.push(to);
            Some(flag)
        })
        .collect();
    flags.join("\u{1f}".as_ref())
}

/// A line of what cargo tells programs, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    crate_types: Vec<String>,
}

/// The component among what cargo made: the last one is that of the project.
fn component(messages: &[u8]) -> Option<PathBuf> {
    let is_component = |path: &Path| path.extension().is_some_and(|extension| extension == "wasm");
    String::from_utf8_lossy(messages)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter(|message| {
            message
                .target
                .as_ref()
                .is_some_and(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
        })
        .filter_map(|message| message.filenames.into_iter().find(|path| is_component(path)))
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_found_among_what_cargo_made() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"crate_types":["lib"]},"filenames":["/t/libserde.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"crate_types":["cdylib"]},"filenames":["/t/hello.wasm"]}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(component(messages.as_bytes()), Some(PathBuf::from("/t/hello.wasm")));
        assert_eq!(component(b""), None);
    }
}
