//! A signed document of a registry: an envelope whose payload is strict JSON of one form.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::envelope::{Envelope, EnvelopeError};
use crate::json::{self, JsonError};
use crate::key::{PublicKey, SigningKey};
use crate::text::quoted;

/// Why a signed document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The envelope cannot be read, or its signatures do not hold.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The payload is not strict JSON.
    #[error("the {what} is not strict JSON: {error}")]
    Json {
        /// Which document.
        what: &'static str,
        /// What is wrong with it.
        error: JsonError,
    },
    /// The payload is JSON of another form.
    #[error("the {what} does not have the form of one: {reason}")]
    Form {
        /// Which document.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The document belongs to another registry.
    #[error("the {what} is of the registry {found}, not of {expected}")]
    Origin {
        /// Which document.
        what: &'static str,
        /// Whose it is.
        found: String,
        /// Whose it must be.
        expected: String,
    },
}

impl DocumentError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Envelope(error) => error.code(),
            Self::Json { .. } | Self::Form { .. } => "invalid-document",
            Self::Origin { .. } => "foreign-origin",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("do not use this registry before its operator has explained it".to_owned())
    }
}

/// What kind of document a type is.
pub(crate) trait Document: Serialize + DeserializeOwned {
    /// The payload type of its envelope.
    const PAYLOAD_TYPE: &'static str;
    /// What it is called in errors.
    const WHAT: &'static str;

    /// The payload that is signed.
    fn payload(&self) -> Vec<u8> {
        // Names, keys, digests, times and numbers are always representable.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The document in an envelope, signed with each of the keys.
    fn sealed(&self, keys: &[&SigningKey]) -> Envelope {
        Envelope::sign(Self::PAYLOAD_TYPE, &self.payload(), keys)
    }

    /// Reads a document whose signatures were not checked: to find out which keys must have signed it.
    fn read_unverified(envelope: &Envelope) -> Result<Self, DocumentError> {
        envelope.check_type(Self::PAYLOAD_TYPE)?;
        read(envelope.payload_unverified())
    }

    /// Reads a document that at least `threshold` of the keys signed.
    fn open(envelope: &Envelope, keys: &[PublicKey], threshold: usize) -> Result<Self, DocumentError> {
        let verified = envelope.verify_as(Self::PAYLOAD_TYPE, keys, threshold)?;
        read(verified.payload())
    }
}

fn read<T: Document>(payload: &[u8]) -> Result<T, DocumentError> {
    let value = json::parse(payload).map_err(|error| DocumentError::Json { what: T::WHAT, error })?;
    json::read(&value)
        .map_err(|error| DocumentError::Form { what: T::WHAT, reason: quoted(&error.to_string()) })
}
