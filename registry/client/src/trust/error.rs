//! What a registry can say that is not true.

use std::path::PathBuf;

use jiff::Timestamp;
use openclaw_package::log::LogError;
use openclaw_package::registry::{DocumentError, HistoryError, ProvenanceError, RootError};
use openclaw_package::{Digest, EnvelopeError, PublicKey, PublisherName, SkillId, StatementError};
use semver::Version;

use crate::url::RegistryUrl;

/// Why what a registry serves is not believed. Nothing is changed on disk, but for evidence that is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A root does not follow from the pinned one, or has expired.
    #[error(transparent)]
    Root(#[from] RootError),
    /// A root that does not follow from those that were seen.
    #[error("the root that {registry} serves does not follow from the one pinned at login: {error}")]
    RootUnrelated {
        /// The registry.
        registry: RegistryUrl,
        /// What is wrong.
        error: RootError,
    },
    /// No root of the registry has the fingerprint that was given.
    #[error("the registry's root has the fingerprint {served}, not {given}")]
    Fingerprint {
        /// What was given.
        given: Digest,
        /// What is served.
        served: Digest,
    },
    /// An older root than was seen before.
    #[error("the registry serves root version {served}, and served version {seen} before")]
    RootRolledBack {
        /// The version that was seen.
        seen: u64,
        /// The version that is served.
        served: u64,
    },
    /// The list of takedowns is not one of this registry.
    #[error(transparent)]
    Takedowns(#[from] DocumentError),
    /// An older list of takedowns than was seen before, or one that has lost entries.
    #[error(
        "the list of takedowns of {registry} has lost what it had (sequence {served}, after {seen}); both are kept in {}",
        evidence.display()
    )]
    TakedownsLost {
        /// The registry.
        registry: RegistryUrl,
        /// The sequence that was seen.
        seen: u64,
        /// The sequence that is served.
        served: u64,
        /// Where both lists are kept.
        evidence: PathBuf,
    },
    /// A list of takedowns that is no longer fresh.
    #[error("the list of takedowns has expired at {0}: a newer one may be withheld")]
    TakedownsExpired(Timestamp),
    /// A signed note or a proof of the log does not hold.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log has fewer entries than it had.
    #[error("the log of {registry} has {served} entries, and had {seen}; both notes are kept in {}", evidence.display())]
    LogShrank {
        /// The registry.
        registry: RegistryUrl,
        /// How many entries were seen.
        seen: u64,
        /// How many are served.
        served: u64,
        /// Where the evidence is kept.
        evidence: PathBuf,
    },
    /// The log has as many entries as it had, and others.
    #[error("the log of {registry} has other entries than it had, {size} of them; both notes are kept in {}", evidence.display())]
    LogForked {
        /// The registry.
        registry: RegistryUrl,
        /// How many entries.
        size: u64,
        /// Where the evidence is kept.
        evidence: PathBuf,
    },
    /// The log has grown, and does not contain what it contained.
    #[error(
        "the log of {registry}, of {to} entries, does not contain the one of {from} that was seen; both notes are kept in {}",
        evidence.display()
    )]
    LogInconsistent {
        /// The registry.
        registry: RegistryUrl,
        /// The smaller size.
        from: u64,
        /// The larger size.
        to: u64,
        /// Where the evidence is kept.
        evidence: PathBuf,
    },
    /// The envelope of an event cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A publisher's history is shorter than it was.
    #[error("the history of {publisher} at {registry} has {served} events, and had {seen}; kept in {}", evidence.display())]
    HistoryShrank {
        /// The registry.
        registry: RegistryUrl,
        /// Whose.
        publisher: PublisherName,
        /// How many events were seen.
        seen: u64,
        /// How many are served.
        served: u64,
        /// Where the evidence is kept.
        evidence: PathBuf,
    },
    /// A publisher's history is another one than it was.
    #[error("the history of {publisher} at {registry} is another one than was seen; kept in {}", evidence.display())]
    HistoryForked {
        /// The registry.
        registry: RegistryUrl,
        /// Whose.
        publisher: PublisherName,
        /// Where the evidence is kept.
        evidence: PathBuf,
    },
    /// An event does not follow.
    #[error("event {sequence} of {publisher}: {error}")]
    History {
        /// Whose history.
        publisher: PublisherName,
        /// Which event.
        sequence: u64,
        /// What is wrong with it.
        error: HistoryError,
    },
    /// A release is not proved.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The index hides a release that the publisher's history has.
    #[error("the index of {skill} withholds version {version}, which its publisher has released")]
    IndexWithholds {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
    },
    /// The index says another thing of a version than what is proved.
    #[error("the index says another {what} of {skill} {version} than the log proves")]
    IndexDiffers {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// What differs.
        what: &'static str,
    },
    /// A version is proved with other content than the lockfile pins.
    #[error("{skill} {version} has the archive {found}, and {pinned} is pinned")]
    PinDiffers {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// What is pinned.
        pinned: Digest,
        /// What is proved.
        found: Digest,
    },
    /// The package's own signature does not hold for the key that the release names.
    #[error("the signature of {skill} {version} is not by {signer}: {error}")]
    Signature {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// The key that the release names.
        signer: PublicKey,
        /// What is wrong.
        error: EnvelopeError,
    },
    /// What the package's signature is over cannot be read.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The package's signature is over something else than the release names.
    #[error("the signature is over another {what} than the release of {skill} {version}")]
    SignedOther {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// What differs.
        what: &'static str,
    },
    /// What was sent is not what the registry has added to its log.
    #[error("the registry says that it added {what}, and did not")]
    NotAdded {
        /// What was sent.
        what: &'static str,
    },
}

impl TrustError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Root(error) | Self::RootUnrelated { error, .. } => error.code(),
            Self::Fingerprint { .. } => "fingerprint-differs",
            Self::RootRolledBack { .. } => "root-rolled-back",
            Self::Takedowns(error) => error.code(),
            Self::TakedownsLost { .. } => "takedowns-rolled-back",
            Self::TakedownsExpired(_) => "takedowns-expired",
            Self::Log(error) => error.code(),
            Self::LogShrank { .. } => "log-shrank",
            Self::LogForked { .. } => "log-forked",
            Self::LogInconsistent { .. } => "log-inconsistent",
            Self::Envelope(error) => error.code(),
            Self::HistoryShrank { .. } => "history-shrank",
            Self::HistoryForked { .. } => "history-forked",
            Self::History { error, .. } => error.code(),
            Self::Provenance(error) => error.code(),
            Self::IndexWithholds { .. } => "index-withholds",
            Self::IndexDiffers { .. } => "index-differs",
            Self::PinDiffers { .. } => "pin-differs",
            Self::Signature { error, .. } => error.code(),
            Self::Statement(error) => error.code(),
            Self::SignedOther { .. } => "signed-other",
            Self::NotAdded { .. } => "not-added",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let stop =
            "do not use this registry before its operator has explained it; what is installed keeps working";
        Some(match self {
            Self::Root(error) => return error.hint(),
            Self::Fingerprint { .. } => {
                "ask the registry's operator for the fingerprint over another channel".to_owned()
            }
            Self::TakedownsExpired(_) => {
                "try again later, and check this machine's clock; the operator's server signs the list each day"
                    .to_owned()
            }
            Self::IndexWithholds { .. } => {
                "try again later; if it stays so, the registry hides releases: openclaw registry audit --whole-log".to_owned()
            }
            Self::LogShrank { registry, .. }
            | Self::LogForked { registry, .. }
            | Self::LogInconsistent { registry, .. }
            | Self::HistoryShrank { registry, .. }
            | Self::HistoryForked { registry, .. } => format!(
                "{stop}; if the operator says that a backup was restored: openclaw registry login --replace \
                 --registry {registry}"
            ),
            Self::RootUnrelated { registry, .. } => format!(
                "{stop}; if the operator says that it was set up anew: openclaw registry login --replace \
                 --registry {registry}"
            ),
            Self::PinDiffers { .. } => {
                "the lockfile pins what was installed first; do not install this".to_owned()
            }
            _ => stop.to_owned(),
        })
    }
}
