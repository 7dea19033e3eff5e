//! What a registry's operator took down: refused at install and at load, also without the registry.

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::Origin;
use super::document::{Document, DocumentError};
use super::root::{RootError, TrustedRoot};
use crate::digest::Digest;
use crate::envelope::{Envelope, EnvelopeError};
use crate::key::{PublicKey, SigningKey};
use crate::name::SkillId;
use crate::permission::Reason;
use crate::text::quoted;

/// The payload type of a list of takedowns.
pub const TAKEDOWNS_PAYLOAD_TYPE: &str = "application/vnd.openclaw.takedowns.v1+json";

/// The payload type of the notice of one takedown, which is a leaf of the log.
pub const TAKEDOWN_PAYLOAD_TYPE: &str = "application/vnd.openclaw.takedown.v1+json";

/// The largest envelope of a list, in bytes: some thirty thousand takedowns.
pub const MAX_TAKEDOWNS_SIZE: usize = 8 << 20;

/// Something that was taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Takedown {
    /// The skill.
    pub skill: SkillId,
    /// The version; all of them where there is none and no archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The archive, which is refused under any name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Digest>,
    /// Why.
    pub reason: Reason,
}

impl Takedown {
    /// Whether it covers a release of the registry whose list this is.
    pub fn covers(&self, skill: &SkillId, version: &Version, archive: &Digest) -> bool {
        self.covers_archive(archive)
            || self.skill == *skill
                && match (&self.version, &self.archive) {
                    (Some(taken), _) => taken == version,
                    (None, Some(_)) => false,
                    (None, None) => true,
                }
    }

    /// Whether it covers these bytes, wherever they came from.
    pub fn covers_archive(&self, archive: &Digest) -> bool {
        self.archive.as_ref() == Some(archive)
    }
}

/// The notice of one takedown, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakedownNotice {
    /// The registry.
    pub origin: Origin,
    /// The sequence of the first list that has it.
    pub sequence: u64,
    /// When.
    pub time: Timestamp,
    /// What.
    pub takedown: Takedown,
}

impl Document for TakedownNotice {
    const PAYLOAD_TYPE: &'static str = TAKEDOWN_PAYLOAD_TYPE;
    const WHAT: &'static str = "notice of a takedown";
}

impl TakedownNotice {
    /// Signs the notice.
    pub fn sign(&self, key: &SigningKey) -> Envelope {
        self.sealed(&[key])
    }

    /// Reads a notice of that registry, signed by its takedown key.
    ///
    /// # Errors
    ///
    /// [`DocumentError`].
    pub fn verify(envelope: &Envelope, origin: &Origin, key: &PublicKey) -> Result<Self, DocumentError> {
        let notice = Self::open(envelope, std::slice::from_ref(key), 1)?;
        check_origin(Self::WHAT, &notice.origin, origin)?;
        Ok(notice)
    }
}

/// All that a registry's operator ever took down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Takedowns {
    /// The registry.
    pub origin: Origin,
    /// How many changes the list has had; it never shrinks.
    pub sequence: u64,
    /// When this copy was signed.
    pub issued: Timestamp,
    /// Until when this copy counts as fresh.
    pub expires: Timestamp,
    /// What was taken down, oldest first.
    pub takedowns: Vec<Takedown>,
}

impl Document for Takedowns {
    const PAYLOAD_TYPE: &'static str = TAKEDOWNS_PAYLOAD_TYPE;
    const WHAT: &'static str = "list of takedowns";
}

impl Takedowns {
    /// Reads the envelope of a list, which may be larger than others.
    ///
    /// # Errors
    ///
    /// What is no envelope.
    pub fn parse_envelope(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
        Envelope::parse_up_to(bytes, MAX_TAKEDOWNS_SIZE)
    }

    /// Signs the list.
    pub fn sign(&self, key: &SigningKey) -> Envelope {
        self.sealed(&[key])
    }

    /// Reads a list of that registry, signed by its takedown key. An old one is read too: freshness is another
    /// question, for what was taken down once stays so.
    ///
    /// # Errors
    ///
    /// [`DocumentError`].
    pub fn verify(envelope: &Envelope, origin: &Origin, key: &PublicKey) -> Result<Self, DocumentError> {
        let list = Self::open(envelope, std::slice::from_ref(key), 1)?;
        check_origin(Self::WHAT, &list.origin, origin)?;
        Ok(list)
    }

    /// The first takedown that covers a release of this registry.
    pub fn find(&self, skill: &SkillId, version: &Version, archive: &Digest) -> Option<&Takedown> {
        self.takedowns.iter().find(|takedown| takedown.covers(skill, version, archive))
    }

    /// The first takedown that covers these bytes, wherever they came from.
    pub fn find_archive(&self, archive: &Digest) -> Option<&Takedown> {
        self.takedowns.iter().find(|takedown| takedown.covers_archive(archive))
    }

    /// Whether this list has all that an older one had, in the same order.
    pub fn extends(&self, older: &Takedowns) -> bool {
        self.sequence >= older.sequence && self.takedowns.starts_with(&older.takedowns)
    }
}

/// Where a client keeps the list of a registry, in that registry's folder: [`KeptTakedowns`]. Whoever loads skills reads
/// it there, and in the folders of registries that others took the place of.
pub const KEPT_FILE: &str = "takedowns.json";

/// The folder of what was refused, in the registry's folder. A registry that another one took the place of is kept there
/// whole.
pub const EVIDENCE_FOLDER: &str = "evidence";

/// How the name of the folder of such a registry ends.
pub const REPLACED_SUFFIX: &str = "-replaced";

/// A list of takedowns with all that is needed to believe it without the registry, as a client keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTakedowns {
    /// The fingerprint of the root whose key signed the list. Whoever keeps it has followed that root from the one
    /// that the owner pinned.
    pub fingerprint: Digest,
    /// The envelope of that root.
    pub root: String,
    /// The envelope of the list.
    pub list: String,
}

/// Why a kept list cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeptTakedownsError {
    /// It is not such a file.
    #[error("it is not a list of takedowns: {0}")]
    Form(String),
    /// An envelope cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The roots do not follow from the pinned one.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The list is not the registry's.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl KeptTakedowns {
    /// The list, proved from its root. An expired root or list counts here: what was taken down stays so.
    ///
    /// # Errors
    ///
    /// [`KeptTakedownsError`].
    pub fn verify(&self) -> Result<Takedowns, KeptTakedownsError> {
        let root = TrustedRoot::pin(&[Envelope::parse(self.root.as_bytes())?], &self.fingerprint)?;
        let list = Takedowns::parse_envelope(self.list.as_bytes())?;
        Ok(Takedowns::verify(&list, root.root().origin(), root.root().takedown_key())?)
    }

    /// Reads a kept file and proves it.
    ///
    /// # Errors
    ///
    /// [`KeptTakedownsError`].
    pub fn verify_file(bytes: &[u8]) -> Result<Takedowns, KeptTakedownsError> {
        let kept: Self = serde_json::from_slice(bytes)
            .map_err(|error| KeptTakedownsError::Form(quoted(&error.to_string())))?;
        kept.verify()
    }
}

fn check_origin(what: &'static str, found: &Origin, expected: &Origin) -> Result<(), DocumentError> {
    if found == expected {
        Ok(())
    } else {
        Err(DocumentError::Origin { what, found: found.to_string(), expected: expected.to_string() })
    }
}
