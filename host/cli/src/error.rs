//! The one error of the command line: a class, a stable code, the fact, and the next command.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use openclaw_runtime::install::InstallError;
use serde_json::Value;

use crate::exit::Exit;

/// What a command gives.
pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct CliError {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// The stable code.
    pub(crate) code: Cow<'static, str>,
    /// The fact.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// What a failed call did, for `--json`.
    pub(crate) call: Option<Value>,
}

impl CliError {
    /// An error of a class.
    pub(crate) fn new(exit: Exit, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), hint: None, call: None }
    }

    /// An error of another crate, whose code tells the class.
    pub(crate) fn coded(code: &'static str, error: &impl fmt::Display) -> Self {
        Self::new(Exit::of_code(code), code, error.to_string())
    }

    /// The command line cannot be understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A file or directory cannot be read or written.
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Host };
        let code = if exit == Exit::NotFound { "file-not-found" } else { "file-unusable" };
        Self::new(exit, code, format!("{}: {error}", path.display()))
    }

    /// The same, for `map_err`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |error| Self::io(path, &error)
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

/// Errors of the other crates: each has a stable code, and some know what to do next.
macro_rules! coded {
    ($($error:path),* $(,)?) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::coded(error.code(), &error)
            }
        })*
    };
}

/// The same, where the error has a hint of its own.
macro_rules! coded_with_hint {
    ($($error:path),* $(,)?) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                let hint = error.hint();
                Self { hint, ..Self::coded(error.code(), &error) }
            }
        })*
    };
}

/// Errors that have neither: the code is given here.
macro_rules! uncoded {
    ($($error:path => $code:literal),* $(,)?) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::coded($code, &error)
            }
        })*
    };
}

coded!(
    openclaw_gateway::tokens::TokensError,
    openclaw_runtime::catalog::CatalogError,
    openclaw_runtime::skill::SkillError,
);

coded_with_hint!(
    openclaw_agent::trigger::StoreError,
    openclaw_package::ComponentError,
    openclaw_package::EnvelopeError,
    openclaw_package::KeyError,
    openclaw_package::ManifestError,
    openclaw_package::NameError,
    openclaw_package::ProofError,
    openclaw_package::RefusalError,
    openclaw_package::SkillMdError,
    openclaw_package::StatementError,
    openclaw_package::ToolsError,
    openclaw_runtime::RuntimeError,
    openclaw_runtime::sandbox::PrepareError,
);

uncoded!(
    openclaw_runtime::audit::AuditError => "audit-unavailable",
    openclaw_runtime::layout::LayoutError => "data-dir-unusable",
    openclaw_runtime::lockfile::LockfileError => "invalid-lockfile",
    openclaw_runtime::policy::PolicyError => "invalid-policy",
    openclaw_runtime::policy_file::PolicyFileError => "invalid-policy",
    openclaw_runtime::trust::TrustError => "invalid-trust-store",
    openclaw_runtime::WatchError => "watch-failed",
);

impl From<openclaw_runtime::secrets::SecretError> for CliError {
    fn from(error: openclaw_runtime::secrets::SecretError) -> Self {
        Self::coded(error.code(), &error).hint(error.hint())
    }
}

impl From<std::sync::Arc<openclaw_runtime::skill::SkillError>> for CliError {
    fn from(error: std::sync::Arc<openclaw_runtime::skill::SkillError>) -> Self {
        Self::coded(error.code(), &error)
    }
}

impl From<openclaw_registry_client::Error> for CliError {
    fn from(error: openclaw_registry_client::Error) -> Self {
        let hint = error.hint();
        // A registry may have codes that this program does not know: its status then tells the class.
        let this = match error.foreign_code() {
            Some((status, code)) => Self::new(Exit::of_status(status), code.to_owned(), error.to_string()),
            None => Self::coded(error.code(), &error),
        };
        Self { hint, ..this }
    }
}

impl From<openclaw_registry_client::StateError> for CliError {
    fn from(error: openclaw_registry_client::StateError) -> Self {
        openclaw_registry_client::Error::from(error).into()
    }
}

impl From<openclaw_gateway::GatewayError> for CliError {
    fn from(error: openclaw_gateway::GatewayError) -> Self {
        let hint = error.hint().map(str::to_owned);
        Self { hint, ..Self::coded(error.code(), &error) }
    }
}

impl From<InstallError> for CliError {
    fn from(error: InstallError) -> Self {
        let hint = match &error {
            InstallError::Refused(refusal) => refusal.hint(),
            InstallError::Downgrade { .. } => {
                Some("to install it all the same: --allow-downgrade".to_owned())
            }
            InstallError::Collision { installed, .. } => {
                Some(format!("if it is to take the other's place: openclaw remove {installed}"))
            }
            InstallError::Takedown(error) => Some(error.hint()),
            InstallError::OriginChanged { skill, .. } => Some(format!(
                "if it is to take the other's place, remove that first, with all that it kept and was granted: \
                 openclaw remove {skill} --purge"
            )),
            InstallError::NotInstalled(_) => Some("openclaw list shows what is installed".to_owned()),
            _ => None,
        };
        Self { hint, ..Self::coded(error.code(), &error) }
    }
}
