//! Toolchains that are fetched once, with pinned versions, from the language's own registry into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use openclaw_package::Digest;
use semver::Version;

use super::{Failure, missing, run};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::output::Output;

/// A toolchain: which files pin it, and what fetches it.
pub(super) struct Pinned<'a> {
    /// What it is called, in the cache and to people.
    pub(super) name: &'static str,
    /// A directory of the SDK with the files that pin it.
    pub(super) pins: PathBuf,
    /// What else it depends on.
    pub(super) made_by: Vec<u8>,
    /// The commands that fetch it into the directory that they are given, which has those files.
    pub(super) fetch: &'a dyn Fn(&Path) -> Result<Vec<Command>>,
}

impl Pinned<'_> {
    /// Where it is; fetched, where it is not there yet.
    pub(super) fn directory(&self, environment: &Environment, output: &Output) -> Result<PathBuf> {
        let mut pins = Vec::new();
        for entry in fs::read_dir(&self.pins).map_err(CliError::at(&self.pins))? {
            let path = entry.map_err(CliError::at(&self.pins))?.path();
            let bytes = fs::read(&path).map_err(CliError::at(&path))?;
            pins.push((path, bytes));
        }
        pins.sort();
        let parts = pins.iter().map(|(_, bytes)| bytes).chain([&self.made_by]);
        let digests: String = parts.map(|bytes| Digest::of(bytes).hex()).collect();
        let hash: String = Digest::of(digests.as_bytes()).hex().chars().take(12).collect();
        let parent = environment.cache_path().join("toolchains");
        let there = parent.join(format!("{}-{hash}", self.name));
        if there.is_dir() {
            return Ok(there);
        }
        let staging = crate::sdk::staging(&parent)?;
        for (path, bytes) in &pins {
            let name = path.file_name().unwrap_or_default();
            fs::write(staging.path().join(name), bytes).map_err(CliError::at(&parent))?;
        }
        let commands = (self.fetch)(staging.path())?;
        output.note(format_args!("fetching the toolchain for {}, once for all skills", self.name));
        let progress = output.progress("fetching");
        let failure =
            Failure { words: "the toolchain cannot be fetched", code: "toolchain-missing", is_told: true };
        for command in commands {
            run(command, output, Stdio::piped(), &failure).map_err(|error| {
                error.hint("it is fetched once: see that this machine reaches the registry and has room, and try again")
            })?;
        }
        drop(progress);
        crate::sdk::put(staging, &there)?;
        Ok(there)
    }
}

/// The version of a program, which is no older than the SDK needs it.
///
/// # Errors
/// It is older, or not there: with what to install.
pub(super) fn check(program: &str, oldest: &Version, install: &str) -> Result<Version> {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output();
    let output =
        output.map_err(|error| missing(format!("{program} cannot be run: {error}")).hint(install))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match first_version(&text) {
        Some(version) if version >= *oldest => Ok(version),
        Some(version) => {
            Err(missing(format!("{program} is {version}; the SDK needs {oldest} or later")).hint(install))
        }
        None => Err(missing(format!("{program} does not tell its version")).hint(install)),
    }
}

/// The first `x.y.z` of what a program says of its version; what may follow, such as `rc2`, is left out.
fn first_version(text: &str) -> Option<Version> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| Version::parse(word).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_whatever_a_program_says() {
        for (text, version) in [
            ("v20.20.2\n", "20.20.2"),
            ("Python 3.14.0rc2\n", "3.14.0"),
            ("Python 3.12.3+\n", "3.12.3"),
            ("11.19.1", "11.19.1"),
        ] {
            assert_eq!(first_version(text), Some(version.parse().unwrap()), "{text}");
        }
        assert_eq!(first_version("Python"), None);
    }
}
