//! The configuration file, `config.yaml`: how this owner wants skills to be run.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{CliError, Result};
use crate::exit::Exit;

/// The version of the file's layout.
const VERSION: &str = "2026.1";

/// The configuration. A key that is not here is an error, since nothing would obey it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    version: Option<String>,
    execution: Execution,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Execution {
    sandbox: Sandbox,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sandbox {
    enabled: Option<bool>,
    level: SandboxLevel,
}

/// Where installed skills run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum SandboxLevel {
    /// In this process.
    #[default]
    Restricted,
    /// In confined worker processes.
    Isolated,
}

impl TryFrom<String> for SandboxLevel {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        match text.as_str() {
            "restricted" => Ok(Self::Restricted),
            "isolated" => Ok(Self::Isolated),
            "trusted" => {
                Err("the level is trusted, which no skill is; use restricted or isolated".to_owned())
            }
            _ => Err(format!("{text} is no level; there are restricted and isolated")),
        }
    }
}

impl Config {
    /// Reads the file; one that is not there configures nothing.
    ///
    /// # Errors
    /// It cannot be read, or not all of it can be obeyed.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(CliError::io(path, &error)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let invalid = |reason: &str| {
            CliError::new(Exit::Host, "invalid-config", format!("{}: {reason}", path.display()))
                .hint("docs/operators.md lists every key")
        };
        let config = if text.trim().is_empty() {
            Self::default()
        } else {
            serde_saphyr::from_str::<Self>(text).map_err(|error| {
                let text = error.to_string();
                invalid(text.trim_end().trim_start_matches("error: "))
            })?
        };
        match &config {
            Self { version: Some(version), .. } if version != VERSION => {
                Err(invalid(&format!("version {version} is not known; this openclaw reads {VERSION}")))
            }
            Self { execution: Execution { sandbox: Sandbox { enabled: Some(false), .. } }, .. } => {
                Err(invalid("execution.sandbox.enabled is false: skills run in the sandbox or not at all"))
            }
            _ => Ok(config),
        }
    }

    /// Where installed skills run: `execution.sandbox.level`.
    pub(crate) fn level(&self) -> SandboxLevel {
        self.execution.sandbox.level
    }
}

/// Where the file is: `$OPENCLAW_CONFIG_PATH`, else in the data directory.
pub(crate) fn path(given: Option<PathBuf>, data_dir: &Path) -> PathBuf {
    given.unwrap_or_else(|| data_dir.join("config.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SandboxLevel, String> {
        Config::parse(text, Path::new("config.yaml"))
            .map(|config| config.level())
            .map_err(|error| error.message)
    }

    #[test]
    fn a_level_is_chosen_by_one_key() {
        assert_eq!(parse(""), Ok(SandboxLevel::Restricted));
        assert_eq!(parse("version: '2026.1'\n"), Ok(SandboxLevel::Restricted));
        assert_eq!(parse("execution:\n  sandbox: { level: isolated }\n"), Ok(SandboxLevel::Isolated));
        assert_eq!(
            parse("execution:\n  sandbox: { enabled: true, level: \"restricted\" }\n"),
            Ok(SandboxLevel::Restricted)
        );
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused_by_its_name() {
        for (text, named) in [
            ("execution:\n  sandbox: { enabled: false }\n", "enabled"),
            ("execution:\n  sandbox: { level: trusted }\n", "trusted"),
            ("execution:\n  sandbox: { level: none }\n", "none"),
            ("execution:\n  sandbox: { levle: isolated }\n", "levle"),
            ("gateway: { port: 1 }\n", "gateway"),
            ("version: '2031.1'\n", "2031.1"),
            ("execution: [", "line"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
