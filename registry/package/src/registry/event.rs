//! An event in a publisher's history: a key that comes or goes, a release, a yank.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::Origin;
use super::document::Document;
use crate::digest::Digest;
use crate::envelope::Envelope;
use crate::key::{PublicKey, SigningKey};
use crate::name::{PublisherName, SkillId, SkillName};
use crate::permission::Reason;

/// The payload type of an event.
pub const EVENT_PAYLOAD_TYPE: &str = "application/vnd.openclaw.event.v1+json";

/// An event in a publisher's history. Each names the one before by the digest of its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The registry that it is meant for.
    pub origin: Origin,
    /// Whose history it is.
    pub publisher: PublisherName,
    /// Its place in the history; the first is 0.
    pub sequence: u64,
    /// The digest of the event before; the first has none.
    pub previous: Option<Digest>,
    /// When, as the publisher says; what counts is the place.
    pub time: Timestamp,
    /// What happened.
    pub action: Action,
}

impl Document for Event {
    const PAYLOAD_TYPE: &'static str = EVENT_PAYLOAD_TYPE;
    const WHAT: &'static str = "event";
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Action {
    /// The history begins with a key.
    Init {
        /// The first key.
        key: PublicKey,
    },
    /// A key is added.
    Grant {
        /// The new key, which signs this too.
        key: PublicKey,
    },
    /// A key is withdrawn: what it signs from here on counts for nothing.
    Revoke {
        /// The key.
        key: PublicKey,
        /// Why.
        reason: Reason,
    },
    /// A version is released.
    Release(Release),
    /// A version is not to be chosen any more.
    Yank {
        /// The skill's own name.
        name: SkillName,
        /// The version.
        version: Version,
        /// Why.
        reason: Reason,
    },
    /// A yank is taken back.
    Unyank {
        /// The skill's own name.
        name: SkillName,
        /// The version.
        version: Version,
        /// Why.
        reason: Reason,
    },
}

/// A released version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The skill's own name.
    pub name: SkillName,
    /// The version.
    pub version: Version,
    /// The digest of the archive.
    pub archive: Digest,
    /// The digest of the statement that the package's signature is over.
    pub statement: Digest,
    /// The key that signed the package.
    pub signer: PublicKey,
    /// Who may see it.
    pub visibility: Visibility,
}

/// Who may see a skill and fetch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Tokens of its publisher. Its name, versions and digests stand in the log all the same.
    Private,
}

/// A text that is no visibility.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a skill is public or private")]
pub struct VisibilityError;

impl Visibility {
    /// The visibility as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Visibility {
    type Err = VisibilityError;

    fn from_str(text: &str) -> Result<Self, VisibilityError> {
        [Self::Public, Self::Private]
            .into_iter()
            .find(|visibility| visibility.as_str() == text)
            .ok_or(VisibilityError)
    }
}

impl Event {
    /// Signs the event with each of the keys.
    pub fn sign(&self, keys: &[&SigningKey]) -> Envelope {
        self.sealed(keys)
    }

    /// The digest by which the next event names this one.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.payload())
    }

    /// Reads an event whose signatures were not checked: for showing it, or for finding out whose it is.
    ///
    /// # Errors
    ///
    /// What is not an event.
    pub fn read_unverified(envelope: &Envelope) -> Result<Self, super::DocumentError> {
        Document::read_unverified(envelope)
    }

    /// The skill that is spoken of, where it is one.
    pub fn skill(&self) -> Option<SkillId> {
        let name = match &self.action {
            Action::Release(Release { name, .. })
            | Action::Yank { name, .. }
            | Action::Unyank { name, .. } => name,
            _ => return None,
        };
        Some(SkillId::new(self.publisher.clone(), name.clone()))
    }
}
