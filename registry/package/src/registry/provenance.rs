//! All that is needed to believe a release, and to believe it again without the registry.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::event::Release;
use super::history::{History, HistoryError};
use super::releases::Releases;
use super::root::{RootError, TrustedRoot};
use crate::digest::Digest;
use crate::envelope::{Envelope, EnvelopeError};
use crate::log::{Checkpoint, LogError, LogProof};
use crate::name::SkillId;

/// The largest provenance that is read, in bytes: some twenty thousand events.
pub const MAX_PROVENANCE_SIZE: usize = 32 << 20;

/// A registry's proof of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provenance {
    /// The envelopes of all roots, oldest first.
    pub roots: Vec<String>,
    /// The publisher's history, oldest first.
    pub history: Vec<LoggedEvent>,
    /// The tlog-proof of the release's event.
    pub release: String,
    /// The tlog-proof of the newest event, against the same checkpoint.
    pub head: String,
}

/// An event, and where the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoggedEvent {
    /// The place in the log.
    pub index: u64,
    /// The envelope, byte for byte as the log has it.
    pub entry: String,
}

/// Why a release is not proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// An envelope cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The roots do not follow from the pinned one.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The log does not have it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The publisher's history does not hold.
    #[error("event {sequence} of {publisher}: {error}")]
    History {
        /// Whose history.
        publisher: String,
        /// Which event.
        sequence: u64,
        /// What is wrong with it.
        error: HistoryError,
    },
    /// The history has no such release.
    #[error("{skill} {version} is not in the history of its publisher")]
    NotReleased {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
    },
    /// The history has the same version twice.
    #[error("{skill} {version} was released twice")]
    ReleasedTwice {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
    },
    /// The parts do not belong together.
    #[error("the proof {0}")]
    Parts(&'static str),
}

impl ProvenanceError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Envelope(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::History { error, .. } => error.code(),
            Self::NotReleased { .. } => "not-released",
            Self::ReleasedTwice { .. } => "released-twice",
            Self::Parts(_) => "invalid-provenance",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Root(error) => error.hint(),
            _ => Some("do not use this registry before its operator has explained it".to_owned()),
        }
    }
}

/// A release that was proved.
#[derive(Debug, Clone)]
pub struct ProvenRelease {
    /// The newest root.
    pub root: TrustedRoot,
    /// What the log's key said of the log.
    pub checkpoint: Checkpoint,
    /// The same, as the signed note.
    pub note: String,
    /// The release.
    pub release: Release,
    /// The place of the release's event in the log.
    pub log_index: u64,
    /// The publisher's history to its newest event.
    pub history: History,
    /// The digest of each event, in order: to compare with what was seen before.
    pub events: Vec<Digest>,
    /// All releases of the skill, and what was said of them later.
    pub releases: Releases,
}

impl ProvenRelease {
    /// Why the release was yanked, if it was.
    pub fn yanked(&self) -> Option<&str> {
        self.releases.get(&self.release.version).and_then(|found| found.yanked.as_deref())
    }

    /// Whether the key that signed the package was revoked after the release.
    pub fn is_signer_revoked(&self) -> bool {
        !self.history.is_active(&self.release.signer)
    }

    /// Why that key was revoked, if it was.
    pub fn signer_revocation(&self) -> Option<&str> {
        self.releases.signer_revocation(&self.release)
    }
}

impl Provenance {
    /// Checks the whole proof against the pinned fingerprint of a root. Needs no network and no clock: whether the
    /// root has expired, and whether the log contains what it contained before, is for those who have the registry
    /// before them.
    ///
    /// # Errors
    ///
    /// [`ProvenanceError`].
    pub fn verify(
        &self,
        pinned: &Digest,
        skill: &SkillId,
        version: &Version,
    ) -> Result<ProvenRelease, ProvenanceError> {
        let roots =
            self.roots.iter().map(|root| Envelope::parse(root.as_bytes())).collect::<Result<Vec<_>, _>>()?;
        let root = TrustedRoot::pin(&roots, pinned)?;
        let replayed = self.replay(&root, skill)?;
        let (release, log_index) = replayed.find(skill, version)?;
        let checkpoint = self.check_log(&root, log_index)?;
        Ok(ProvenRelease {
            root,
            checkpoint,
            note: LogProof::parse(&self.head)?.checkpoint,
            release,
            log_index,
            history: replayed.history,
            events: replayed.events,
            releases: replayed.releases,
        })
    }

    /// Checks that release and newest event are in the log, under one checkpoint.
    fn check_log(&self, root: &TrustedRoot, log_index: u64) -> Result<Checkpoint, ProvenanceError> {
        let (release, head) = (LogProof::parse(&self.release)?, LogProof::parse(&self.head)?);
        if release.checkpoint != head.checkpoint {
            return Err(ProvenanceError::Parts("has two checkpoints"));
        }
        let newest = self.history.last().ok_or(ProvenanceError::Parts("has no history"))?;
        if release.index != log_index || head.index != newest.index {
            return Err(ProvenanceError::Parts("is of other places in the log than the history says"));
        }
        let released = self.history.iter().find(|event| event.index == log_index);
        let released = released.ok_or(ProvenanceError::Parts("has no release"))?;
        let (origin, key) = (root.root().origin(), root.root().log_key());
        release.verify(released.entry.as_bytes(), origin, key)?;
        Ok(head.verify(newest.entry.as_bytes(), origin, key)?)
    }

    fn replay(&self, root: &TrustedRoot, skill: &SkillId) -> Result<Replayed, ProvenanceError> {
        let history = History::new(root.root().origin().clone(), skill.publisher().clone());
        let mut replayed = Replayed { history, events: Vec::new(), releases: Releases::default() };
        let mut last = None;
        for event in &self.history {
            if last.is_some_and(|last| event.index <= last) {
                return Err(ProvenanceError::Parts("has a history that is out of order"));
            }
            last = Some(event.index);
            replayed.add(event, skill)?;
        }
        Ok(replayed)
    }
}

/// A history that was gone through, and what it says of one skill.
struct Replayed {
    history: History,
    events: Vec<Digest>,
    releases: Releases,
}

impl Replayed {
    fn add(&mut self, logged: &LoggedEvent, skill: &SkillId) -> Result<(), ProvenanceError> {
        let envelope = Envelope::parse(logged.entry.as_bytes())?;
        let sequence = self.history.length();
        let event = self.history.accept(&envelope).map_err(|error| ProvenanceError::History {
            publisher: skill.publisher().to_string(),
            sequence,
            error,
        })?;
        self.events.push(Digest::of(envelope.payload_unverified()));
        self.releases.note(&event, logged.index, skill.name());
        Ok(())
    }

    fn find(&self, skill: &SkillId, version: &Version) -> Result<(Release, u64), ProvenanceError> {
        let (skill, wanted) = (skill.clone(), version.clone());
        match self.releases.get(version) {
            Some(found) if found.is_ambiguous => {
                Err(ProvenanceError::ReleasedTwice { skill, version: wanted })
            }
            Some(found) => Ok((found.release.clone(), found.log_index)),
            None => Err(ProvenanceError::NotReleased { skill, version: wanted }),
        }
    }
}
