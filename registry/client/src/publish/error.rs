//! Why nothing was published.

use openclaw_package::registry::HistoryError;
use openclaw_package::{Digest, PublicKey, PublisherName, SkillId};
use semver::Version;

use crate::url::RegistryUrl;

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
        /// The registry.
        registry: RegistryUrl,
    },
    /// A key that is to be revoked is none of the publisher's.
    #[error("{key} is not an active key of {publisher}, and cannot be revoked")]
    UnknownKey {
        /// The publisher.
        publisher: PublisherName,
        /// The key.
        key: PublicKey,
        /// Those that are active.
        active: Vec<PublicKey>,
    },
    /// The publisher's history would not accept the event.
    #[error("{error}")]
    Event {
        /// The publisher.
        publisher: PublisherName,
        /// Why.
        error: HistoryError,
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
            Self::ForeignKey { .. } | Self::UnknownKey { .. } => "inactive-key",
            Self::Event { error, .. } => error.code(),
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
            Self::ForeignKey { publisher, registry, .. } => {
                format!("openclaw key rotate {publisher} --registry {registry}")
            }
            Self::UnknownKey { active, .. } => {
                let active: Vec<String> = active.iter().map(ToString::to_string).collect();
                format!("the active ones are {}", active.join(", "))
            }
            Self::Event { publisher, error: HistoryError::LastKey(_) } => {
                format!("openclaw key rotate {publisher} grants a new one and revokes this one")
            }
            Self::Event { error, .. } => return error.hint(),
            Self::NoHistory { .. } => "openclaw registry publish dist/skill.tar.gz".to_owned(),
            Self::Moved { .. } => "try again".to_owned(),
            Self::Check(_) => return None,
        })
    }
}
