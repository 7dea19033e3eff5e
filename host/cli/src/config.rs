//! The configuration file, `config.yaml`: how this owner wants skills to be run.

use std::path::{Path, PathBuf};

use openclaw_runtime::consent::SecurityLevel;
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
    skills: Skills,
    execution: Execution,
    claw: Option<Claw>,
}

/// The language model: neither key means anything without the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claw {
    /// Who serves it.
    pub(crate) model_provider: Provider,
    /// What it is called there.
    pub(crate) model: String,
}

/// Who serves a language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Provider {
    /// Whatever `LOCAL_LLM_URL` names.
    Local,
    /// OpenAI, with the key in `OPENAI_API_KEY`.
    OpenAi,
}

impl Provider {
    /// The variable that it cannot do without.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Local => "LOCAL_LLM_URL",
            Self::OpenAi => "OPENAI_API_KEY",
        }
    }
}

impl TryFrom<String> for Provider {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        match text.as_str() {
            "local" => Ok(Self::Local),
            "openai" => Ok(Self::OpenAi),
            "anthropic" | "ollama" | "groq" => {
                Err(format!("the provider {text} comes with the agent core; there are local and openai"))
            }
            _ => Err(format!("{text} is no provider; there are local and openai")),
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Skills {
    security_level: Level,
}

/// What happens to a request that no rule grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Level(SecurityLevel);

impl TryFrom<String> for Level {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        Ok(Self(match text.as_str() {
            "strict" => SecurityLevel::Strict,
            "moderate" => SecurityLevel::Moderate,
            "permissive" => SecurityLevel::Permissive,
            _ => return Err(format!("{text} is no level; there are strict, moderate and permissive")),
        }))
    }
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
            Self { claw: Some(Claw { model, .. }), .. } if model.trim().is_empty() => {
                Err(invalid("claw.model is empty"))
            }
            _ => Ok(config),
        }
    }

    /// What happens to a request that no rule grants: `skills.security_level`.
    pub(crate) fn security_level(&self) -> SecurityLevel {
        self.skills.security_level.0
    }

    /// The language model: `claw`.
    pub(crate) fn language_model(&self) -> Option<&Claw> {
        self.claw.as_ref()
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
    fn a_model_has_a_provider() {
        let text = "claw: { model_provider: openai, model: gpt-4o-mini }\n";
        let config = Config::parse(text, Path::new("config.yaml")).unwrap();
        let claw = config.language_model().unwrap();
        assert_eq!((claw.model_provider, claw.model.as_str()), (Provider::OpenAi, "gpt-4o-mini"));
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused_by_its_name() {
        for (text, named) in [
            ("execution:\n  sandbox: { enabled: false }\n", "enabled"),
            ("execution:\n  sandbox: { level: trusted }\n", "trusted"),
            ("execution:\n  sandbox: { level: none }\n", "none"),
            ("execution:\n  sandbox: { levle: isolated }\n", "levle"),
            ("gateway: { port: 1 }\n", "gateway"),
            ("claw: { model_provider: anthropic, model: x }\n", "anthropic comes with the agent core"),
            ("claw: { model_provider: mine, model: x }\n", "mine is no provider"),
            ("claw: { model_provider: local }\n", "model"),
            ("claw: { model: x }\n", "model_provider"),
            ("claw: { model_provider: local, model: ' ' }\n", "claw.model"),
            ("claw: { model_provider: local, model: x, name: y }\n", "name"),
            ("version: '2031.1'\n", "2031.1"),
            ("execution: [", "line"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
