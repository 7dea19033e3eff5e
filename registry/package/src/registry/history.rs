//! A publisher's history: which keys speak for the publisher, proved event by event.

use std::collections::BTreeSet;

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::Origin;
use super::document::{Document, DocumentError};
use super::event::{Action, Event};
use crate::digest::Digest;
use crate::envelope::{Envelope, EnvelopeError};
use crate::key::PublicKey;
use crate::name::PublisherName;

/// The most keys that may be active at once: each signature is tried with each.
pub const MAX_ACTIVE_KEYS: usize = 8;

/// The most signatures that an event may carry; a grant has two.
pub const MAX_EVENT_SIGNATURES: usize = 2;

/// Why an event does not continue a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// It cannot be read, or nobody signed it who may.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It belongs to another publisher.
    #[error("the event is of the publisher {found}, not of {expected}")]
    Publisher {
        /// Whose it is.
        found: PublisherName,
        /// Whose it must be.
        expected: PublisherName,
    },
    /// It does not follow the event before.
    #[error("event {found} does not follow: the history has {length} events")]
    Sequence {
        /// The event's place as it says.
        found: u64,
        /// How many there are.
        length: u64,
    },
    /// It has the right place and names another event as the one before.
    #[error("the event follows another history")]
    Fork,
    /// A history begins with `init`, once.
    #[error("a history begins with init, and has no other")]
    Init,
    /// The key was granted, or revoked, before.
    #[error("the key {0} was granted before; a new key is needed")]
    KnownKey(PublicKey),
    /// The key is not one of the publisher's active ones.
    #[error("the key {0} is not an active key of the publisher")]
    InactiveKey(PublicKey),
    /// The last key cannot be revoked.
    #[error("{0} is the last active key, and cannot be revoked")]
    LastKey(PublicKey),
    /// More than [`MAX_ACTIVE_KEYS`].
    #[error("more than {MAX_ACTIVE_KEYS} keys would be active")]
    TooManyKeys,
    /// The version has build metadata, which tells no versions apart.
    #[error("the version {0} has build metadata")]
    BuildMetadata(Version),
}

impl HistoryError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document(error) => error.code(),
            Self::Publisher { .. } => "wrong-publisher",
            Self::Sequence { .. } | Self::Fork => "history-moved",
            Self::Init => "invalid-history",
            Self::KnownKey(_) => "known-key",
            Self::InactiveKey(_) => "inactive-key",
            Self::LastKey(_) => "last-key",
            Self::TooManyKeys => "too-many-keys",
            Self::BuildMetadata(_) => "build-metadata",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Document(error) => return error.hint(),
            Self::Sequence { .. } | Self::Fork => "read the history again, and sign anew".to_owned(),
            Self::KnownKey(_) => "openclaw key rotate makes a new one".to_owned(),
            Self::LastKey(_) => "openclaw key rotate grants a new one and revokes this one".to_owned(),
            Self::TooManyKeys => "openclaw key revoke withdraws those that are not used".to_owned(),
            Self::InactiveKey(_) => "sign with a key that the publisher granted".to_owned(),
            Self::BuildMetadata(_) => "leave out the + and what follows".to_owned(),
            Self::Publisher { .. } | Self::Init => return None,
        })
    }
}

/// The state of a history after its events so far. It knows keys; releases are its reader's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    origin: Origin,
    publisher: PublisherName,
    length: u64,
    head: Option<Digest>,
    active: BTreeSet<PublicKey>,
    revoked: BTreeSet<PublicKey>,
}

impl History {
    /// A history without events.
    pub fn new(origin: Origin, publisher: PublisherName) -> Self {
        Self { origin, publisher, length: 0, head: None, active: BTreeSet::new(), revoked: BTreeSet::new() }
    }

    /// Adds an event, if it follows and if those signed it who may. Otherwise nothing changes.
    ///
    /// # Errors
    ///
    /// [`HistoryError`].
    pub fn accept(&mut self, envelope: &Envelope) -> Result<Event, HistoryError> {
        if envelope.signature_count() > MAX_EVENT_SIGNATURES {
            let error = EnvelopeError::TooManySignatures(envelope.signature_count());
            return Err(DocumentError::from(error).into());
        }
        let claimed = <Event as Document>::read_unverified(envelope)?;
        self.check_place(&claimed)?;
        // The payload decides which keys must have signed it, and they signed that very payload.
        let active: Vec<PublicKey> = match &claimed.action {
            Action::Init { key } => vec![key.clone()],
            _ => self.active.iter().cloned().collect(),
        };
        let event = Event::open(envelope, &active, 1)?;
        match &event.action {
            Action::Init { key } => {
                self.active.insert(key.clone());
            }
            Action::Grant { key } => {
                self.check_grant(key)?;
                // Who adds a key also shows that it is held.
                Event::open(envelope, std::slice::from_ref(key), 1)?;
                self.active.insert(key.clone());
            }
            Action::Revoke { key, .. } => {
                self.check_active(key)?;
                if self.active.len() == 1 {
                    return Err(HistoryError::LastKey(key.clone()));
                }
                self.active.remove(key);
                self.revoked.insert(key.clone());
            }
            Action::Release(release) => {
                check_version(&release.version)?;
                self.check_active(&release.signer)?;
            }
            Action::Yank { version, .. } | Action::Unyank { version, .. } => check_version(version)?,
        }
        self.length = self.length.saturating_add(1);
        self.head = Some(Digest::of(envelope.payload_unverified()));
        Ok(event)
    }

    fn check_place(&self, event: &Event) -> Result<(), HistoryError> {
        if event.origin != self.origin {
            let (found, expected) = (event.origin.to_string(), self.origin.to_string());
            return Err(DocumentError::Origin { what: Event::WHAT, found, expected }.into());
        }
        if event.publisher != self.publisher {
            let (found, expected) = (event.publisher.clone(), self.publisher.clone());
            return Err(HistoryError::Publisher { found, expected });
        }
        if event.sequence != self.length {
            return Err(HistoryError::Sequence { found: event.sequence, length: self.length });
        }
        if event.previous != self.head {
            return Err(HistoryError::Fork);
        }
        if matches!(event.action, Action::Init { .. }) != (self.length == 0) {
            return Err(HistoryError::Init);
        }
        Ok(())
    }

    fn check_grant(&self, key: &PublicKey) -> Result<(), HistoryError> {
        if self.active.contains(key) || self.revoked.contains(key) {
            return Err(HistoryError::KnownKey(key.clone()));
        }
        if self.active.len() >= MAX_ACTIVE_KEYS {
            return Err(HistoryError::TooManyKeys);
        }
        Ok(())
    }

    fn check_active(&self, key: &PublicKey) -> Result<(), HistoryError> {
        if self.active.contains(key) { Ok(()) } else { Err(HistoryError::InactiveKey(key.clone())) }
    }

    /// The event that would come next.
    pub fn next(&self, time: Timestamp, action: Action) -> Event {
        Event {
            origin: self.origin.clone(),
            publisher: self.publisher.clone(),
            sequence: self.length,
            previous: self.head,
            time,
            action,
        }
    }

    /// The registry that it stands in.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whose it is.
    pub fn publisher(&self) -> &PublisherName {
        &self.publisher
    }

    /// How many events it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digest of its newest event.
    pub fn head(&self) -> Option<Digest> {
        self.head
    }

    /// The keys that speak for the publisher now.
    pub fn active_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.active.iter()
    }

    /// The keys that were withdrawn.
    pub fn revoked_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.revoked.iter()
    }

    /// Whether a key speaks for the publisher now.
    pub fn is_active(&self, key: &PublicKey) -> bool {
        self.active.contains(key)
    }
}

fn check_version(version: &Version) -> Result<(), HistoryError> {
    if version.build.is_empty() { Ok(()) } else { Err(HistoryError::BuildMetadata(version.clone())) }
}
