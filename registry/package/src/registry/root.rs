//! A registry's root: which keys speak for it, until when, and how they change.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Origin;
use super::document::{Document, DocumentError};
use crate::digest::Digest;
use crate::envelope::{Envelope, MAX_SIGNATURES};
use crate::key::{PublicKey, SigningKey};

/// The payload type of a root.
pub const ROOT_PAYLOAD_TYPE: &str = "application/vnd.openclaw.registry-root.v1+json";

/// The longest chain of roots that is followed: all of them are checked at each load.
pub const MAX_ROOTS: usize = 256;

/// Why a root, or a chain of them, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// It cannot be read, or too few of the keys that must have signed it.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Keys or threshold cannot be.
    #[error("the root {0}")]
    Keys(&'static str),
    /// No root of the chain has the fingerprint that is pinned.
    #[error("no root of the registry has the fingerprint {0}")]
    NotPinned(Digest),
    /// It is not the version after the one before.
    #[error("root version {found} follows version {before}")]
    Sequence {
        /// The version before.
        before: u64,
        /// The version that was offered.
        found: u64,
    },
    /// More than [`MAX_ROOTS`].
    #[error("the chain of roots is longer than {MAX_ROOTS}")]
    TooMany,
    /// It has expired.
    #[error("the registry's root has expired at {0}")]
    Expired(Timestamp),
}

impl RootError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document(error) => error.code(),
            Self::Keys(_) | Self::Sequence { .. } | Self::TooMany => "invalid-root",
            Self::NotPinned(_) => "root-not-pinned",
            Self::Expired(_) => "root-expired",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotPinned(_) => {
                "compare the fingerprint with the one that the registry's operator gave you, over another channel"
                    .to_owned()
            }
            Self::Expired(_) => {
                "the registry's operator renews it with: openclaw registry admin root rotate --renew".to_owned()
            }
            _ => "do not use this registry before its operator has explained it".to_owned(),
        })
    }
}

/// Which keys speak for a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    version: u64,
    origin: Origin,
    keys: Vec<PublicKey>,
    threshold: usize,
    log_key: PublicKey,
    takedown_key: PublicKey,
    expires: Timestamp,
}

impl Document for Root {
    const PAYLOAD_TYPE: &'static str = ROOT_PAYLOAD_TYPE;
    const WHAT: &'static str = "root";
}

/// What a new root is made of.
#[derive(Debug, Clone)]
pub struct RootParts {
    /// The version; the first is 1.
    pub version: u64,
    /// The name of the registry.
    pub origin: Origin,
    /// The root keys, each once.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign the root, and the next one.
    pub threshold: usize,
    /// The key that signs checkpoints of the log.
    pub log_key: PublicKey,
    /// The key that signs takedowns.
    pub takedown_key: PublicKey,
    /// When it ends.
    pub expires: Timestamp,
}

impl Root {
    /// A new root.
    ///
    /// # Errors
    ///
    /// [`RootError::Keys`].
    pub fn new(parts: RootParts) -> Result<Self, RootError> {
        let RootParts { version, origin, keys, threshold, log_key, takedown_key, expires } = parts;
        let root = Self { version, origin, keys, threshold, log_key, takedown_key, expires };
        root.check()?;
        Ok(root)
    }

    /// Signs the root with each of the keys.
    pub fn sign(&self, keys: &[&SigningKey]) -> Envelope {
        self.sealed(keys)
    }

    /// The version; the first is 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The name of the registry.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The root keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// How many of the root keys must sign.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The key that signs checkpoints of the log.
    pub fn log_key(&self) -> &PublicKey {
        &self.log_key
    }

    /// The key that signs takedowns.
    pub fn takedown_key(&self) -> &PublicKey {
        &self.takedown_key
    }

    /// When it ends.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What it is made of, to make the next one.
    pub fn to_parts(&self) -> RootParts {
        RootParts {
            version: self.version,
            origin: self.origin.clone(),
            keys: self.keys.clone(),
            threshold: self.threshold,
            log_key: self.log_key.clone(),
            takedown_key: self.takedown_key.clone(),
            expires: self.expires,
        }
    }

    fn check(&self) -> Result<(), RootError> {
        let distinct: BTreeSet<_> = self.keys.iter().collect();
        if self.version == 0 {
            return Err(RootError::Keys("has version 0"));
        }
        if self.keys.is_empty() || distinct.len() != self.keys.len() {
            return Err(RootError::Keys("has no keys, or one twice"));
        }
        // The next root carries the signatures of two thresholds.
        if self.keys.len() > MAX_SIGNATURES / 2 {
            return Err(RootError::Keys("has more keys than can sign a root together"));
        }
        if self.threshold == 0 || self.threshold > self.keys.len() {
            return Err(RootError::Keys("has a threshold that its keys cannot reach"));
        }
        Ok(())
    }

    /// Reads a root that its own threshold signed.
    fn self_signed(envelope: &Envelope) -> Result<Self, RootError> {
        let claimed = Self::read_unverified(envelope)?;
        claimed.check()?;
        Ok(Self::open(envelope, &claimed.keys, claimed.threshold)?)
    }
}

/// The fingerprint of a root: the digest of its payload. It tells which root is meant, not that it is good.
pub fn fingerprint(envelope: &Envelope) -> Digest {
    Digest::of(envelope.payload_unverified())
}

/// A root that follows from a fingerprint which somebody pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRoot {
    root: Root,
    fingerprint: Digest,
}

impl TrustedRoot {
    /// Finds the root with the pinned fingerprint in a chain, oldest first, and follows the chain from there.
    ///
    /// # Errors
    ///
    /// [`RootError`]: a chain that does not hold to its end is refused whole.
    pub fn pin(chain: &[Envelope], pinned: &Digest) -> Result<Self, RootError> {
        if chain.len() > MAX_ROOTS {
            return Err(RootError::TooMany);
        }
        let mut rest = chain.iter().skip_while(|envelope| fingerprint(envelope) != *pinned);
        let first = rest.next().ok_or(RootError::NotPinned(*pinned))?;
        let pinned = Self { root: Root::self_signed(first)?, fingerprint: *pinned };
        rest.try_fold(pinned, |trusted, next| trusted.follow(next))
    }

    /// The next root, signed by the thresholds of this one and of its own.
    ///
    /// # Errors
    ///
    /// [`RootError`].
    pub fn follow(&self, next: &Envelope) -> Result<Self, RootError> {
        Root::open(next, &self.root.keys, self.root.threshold)?;
        let root = Root::self_signed(next)?;
        if root.origin != self.root.origin {
            let (found, expected) = (root.origin.to_string(), self.root.origin.to_string());
            return Err(DocumentError::Origin { what: Root::WHAT, found, expected }.into());
        }
        if Some(root.version) != self.root.version.checked_add(1) {
            return Err(RootError::Sequence { before: self.root.version, found: root.version });
        }
        Ok(Self { root, fingerprint: fingerprint(next) })
    }

    /// Refuses a root that has ended.
    ///
    /// # Errors
    ///
    /// [`RootError::Expired`].
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), RootError> {
        if now < self.root.expires { Ok(()) } else { Err(RootError::Expired(self.root.expires)) }
    }

    /// The root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The fingerprint of this version.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }
}
