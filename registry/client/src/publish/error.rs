//! Why nothing was published.

use openclaw_package::{Digest, PublicKey, PublisherName, SkillId};
use semver::Version;

/// Why nothing was published, or nothing added to a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The version exists with other content.
    #[error("{skill} {version} exists already, with the archive {archive}")]
    VersionExists {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// The archive that was released.
        archive: Digest,
    },
    /// The version was never released.
    #[error("{skill} {version} was never released")]
    NotReleased {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
    },
    /// The key does not speak for the publisher.
    #[error("{key} is not an active key of {publisher}")]
    ForeignKey {
        /// The publisher.
        publisher: PublisherName,
        /// The key.
        key: PublicKey,
    },
    /// The publisher has no history in this registry.
    #[error("{publisher} has published nothing in this registry")]
    NoHistory {
        /// The publisher.
        publisher: PublisherName,
    },
    /// Others of the same publisher were faster, again and again.
    #[error("the history of {publisher} has moved {times} times meanwhile")]
    Moved {
        /// The publisher.
        publisher: PublisherName,
        /// How often it was tried.
        times: usize,
    },
    /// The package could not be checked here.
    #[error("the package cannot be checked: {0}")]
    Check(String),
}

impl PublishError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::VersionExists { .. } => "version-exists",
            Self::NotReleased { .. } => "not-released",
            Self::ForeignKey { .. } => "inactive-key",
            Self::NoHistory { .. } => "no-history",
            Self::Moved { .. } => "history-moved",
            Self::Check(_) => "io",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::VersionExists { .. } => {
                "raise the version in openclaw/skill.toml and pack again; a version is published once"
                    .to_owned()
            }
            Self::NotReleased { skill, .. } => format!("openclaw registry info {skill}"),
            Self::ForeignKey { publisher, .. } => {
                format!(
                    "sign with a key that {publisher} granted, or have it granted: openclaw key rotate {publisher}"
                )
            }
            Self::NoHistory { .. } => "openclaw registry publish dist/skill.tar.gz".to_owned(),
            Self::Moved { .. } => "try again".to_owned(),
            Self::Check(_) => return None,
        })
    }
}
