//! Why a package was refused, whole and with a stable code.

use std::io;

use crate::archive::{ArchiveError, PathError};
use crate::component::{ComponentError, ProofError};
use crate::digest::Digest;
use crate::envelope::EnvelopeError;
use crate::manifest::ManifestError;
use crate::name::{PublisherName, ToolName};
use crate::skill_md::SkillMdError;
use crate::statement::StatementError;
use crate::tools::ToolsError;

/// Why a package was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalError {
    /// The archive is not as the profile has it.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file's name cannot stand in a package.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The envelope cannot be read, or its signatures do not hold.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// What was signed is not a statement about a release.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The manifest is not understood.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// SKILL.md is not understood.
    #[error(transparent)]
    SkillMd(#[from] SkillMdError),
    /// The list of tools cannot be used.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The component is none.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The component could do more than the manifest asks.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// No key of the publisher is trusted.
    #[error("no key of the publisher {publisher} is trusted")]
    UntrustedPublisher {
        /// Who claims to have signed.
        publisher: PublisherName,
    },
    /// The archive is not the one that was signed.
    #[error("the archive's digest is {found}, and {expected} was signed")]
    DigestMismatch {
        /// What was signed.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// A file that was signed is not there.
    #[error("{0} is missing")]
    MissingFile(String),
    /// A file that was not signed, or that has no place in a package.
    #[error("{0} has no place in the package")]
    ExtraFile(String),
    /// A file that is not the one that was signed.
    #[error("{0} is not as it was signed")]
    ChangedFile(String),
    /// The parts of the package do not say the same of it.
    #[error("the {field} is {found:?} in {place}, and {expected:?} elsewhere")]
    IdentityMismatch {
        /// What is told differently.
        field: &'static str,
        /// Where.
        place: &'static str,
        /// What stands there.
        found: String,
        /// What stands elsewhere.
        expected: String,
    },
    /// A trigger calls a tool that the skill does not have.
    #[error("a trigger of skill.toml calls {tool}, which is no tool of the skill")]
    TriggerWithoutTool {
        /// The tool that it calls.
        tool: ToolName,
        /// The nearest tool that the skill has.
        nearest: Option<ToolName>,
    },
    /// A trigger gives a tool the command in a property that its input does not have.
    #[error(
        "a trigger of skill.toml gives {tool} the command as {input:?}, which is no property of its input that takes a text"
    )]
    TriggerWithoutInput {
        /// The tool that it calls.
        tool: ToolName,
        /// The property.
        input: String,
        /// The nearest property that takes a text.
        nearest: Option<String>,
    },
    /// A directory of scripts.
    #[error("the package has a directory scripts/, which another agent might run outside any sandbox")]
    Scripts,
    /// A symbolic link, or something that is neither file nor directory.
    #[error("{0} is not a regular file")]
    NotRegular(String),
    /// Reading failed.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
}

impl RefusalError {
    pub(super) fn io(path: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| match error.kind() {
            io::ErrorKind::NotFound => Self::MissingFile(path),
            _ => Self::Io { path, error },
        }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(error) => error.code(),
            Self::Path(error) => error.code(),
            Self::Envelope(error) => error.code(),
            Self::Statement(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::SkillMd(error) => error.code(),
            Self::Tools(error) => error.code(),
            Self::Component(error) => error.code(),
            Self::Proof(error) => error.code(),
            Self::UntrustedPublisher { .. } => "untrusted-publisher",
            Self::DigestMismatch { .. } => "digest-mismatch",
            Self::MissingFile(_) => "missing-file",
            Self::ExtraFile(_) => "extra-file",
            Self::ChangedFile(_) => "changed-file",
            Self::IdentityMismatch { .. } => "identity-mismatch",
            Self::TriggerWithoutTool { .. } => "trigger-without-tool",
            Self::TriggerWithoutInput { .. } => "trigger-without-input",
            Self::Scripts => "scripts-directory",
            Self::NotRegular(_) => "not-a-regular-file",
            Self::Io { .. } => "io",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Archive(error) => return error.hint(),
            Self::Path(error) => return error.hint(),
            Self::Envelope(error) => return error.hint(),
            Self::Statement(error) => return error.hint(),
            Self::Manifest(error) => return error.hint(),
            Self::SkillMd(error) => return error.hint(),
            Self::Tools(error) => return error.hint(),
            Self::Component(error) => return error.hint(),
            Self::Proof(error) => return error.hint(),
            Self::UntrustedPublisher { publisher } => {
                format!("if you trust {publisher}, add the key: openclaw trust add {publisher} ed25519:…")
            }
            Self::DigestMismatch { .. } => {
                "fetch the archive again, with the signature that belongs to it".to_owned()
            }
            Self::MissingFile(path) if path == super::TOOLS_PATH || path == super::COMPONENT_PATH => {
                "run `openclaw skill build`".to_owned()
            }
            Self::MissingFile(_) | Self::ChangedFile(_) => {
                "install the skill again; a package is not edited in place".to_owned()
            }
            Self::ExtraFile(_) => {
                "a package holds SKILL.md, references/, assets/, and in openclaw/ skill.toml, skill.wasm and \
                 tools.json; remove the file"
                    .to_owned()
            }
            Self::IdentityMismatch { field, .. } => {
                format!("write the same {field} everywhere, and pack again")
            }
            Self::TriggerWithoutTool { nearest: Some(tool), .. } => format!("did you mean {tool}?"),
            Self::TriggerWithoutTool { nearest: None, .. } => {
                "name a tool of the skill, or remove the trigger".to_owned()
            }
            Self::TriggerWithoutInput { nearest: Some(input), .. } => format!("did you mean {input}?"),
            Self::TriggerWithoutInput { nearest: None, .. } => {
                "name a property of the tool's input that takes a text, or leave out input".to_owned()
            }
            Self::Scripts => "move what the scripts do into a tool of the skill".to_owned(),
            Self::NotRegular(_) => "put the file itself there".to_owned(),
            Self::Io { .. } => return None,
        })
    }
}
