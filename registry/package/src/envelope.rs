//! DSSE envelopes: a payload and signatures over it, checked before the payload is parsed
//! (<https://github.com/secure-systems-lab/dsse>, version 1).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::{Deserialize, Serialize};

use crate::json::{self, JsonError};
use crate::key::{PublicKey, SigningKey};
use crate::text::quoted;

/// The payload type of an in-toto statement.
pub const IN_TOTO_PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The largest envelope, in bytes.
pub const MAX_ENVELOPE_SIZE: usize = 1 << 20;

/// The most signatures an envelope may carry, since each is tried with each key.
pub const MAX_SIGNATURES: usize = 16;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const READ_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const READ_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Why an envelope was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// More bytes than an envelope of its kind may have.
    #[error("the envelope has {size} bytes, more than {limit}")]
    TooLarge {
        /// How many it has.
        size: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Not strict JSON, or a duplicate key.
    #[error("the envelope is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// JSON, but not an envelope.
    #[error("the envelope does not have the form of one: {0}")]
    Form(String),
    /// A field is in neither base64 alphabet.
    #[error("the {0} is not base64")]
    Base64(&'static str),
    /// There are no signatures.
    #[error("the envelope has no signatures")]
    NoSignatures,
    /// More than [`MAX_SIGNATURES`].
    #[error("the envelope has {0} signatures, more than {MAX_SIGNATURES}")]
    TooManySignatures(usize),
    /// The payload is of another type than the one that is expected.
    #[error("the payload is {found:?}, not {expected:?}")]
    PayloadType {
        /// The type that it has.
        found: String,
        /// The type that it must have.
        expected: &'static str,
    },
    /// Fewer of the trusted keys signed than are needed.
    #[error("{found} of the trusted keys signed it, and {needed} must")]
    Threshold {
        /// How many distinct trusted keys signed.
        found: usize,
        /// How many must.
        needed: usize,
    },
}

impl EnvelopeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::TooManySignatures(_) => "envelope-too-large",
            Self::Json(_) | Self::Form(_) | Self::Base64(_) => "invalid-envelope",
            Self::NoSignatures => "no-signatures",
            Self::PayloadType { .. } => "wrong-payload-type",
            Self::Threshold { .. } => "bad-signature",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Threshold { .. } => Some(
                "if the publisher changed keys, add the new one with `openclaw trust add`; \
                 otherwise do not install this"
                    .to_owned(),
            ),
            Self::NoSignatures => Some("sign it with `openclaw skill sign`".to_owned()),
            _ => Some("fetch the signature file again, beside the archive it belongs to".to_owned()),
        }
    }
}

/// An envelope that was read or made; nothing in it is to be believed before [`Envelope::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

/// One signature, and who claims to have made it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EnvelopeSignature {
    key_id: Option<String>,
    bytes: Vec<u8>,
}

/// A payload whose signatures were checked. Only [`Envelope::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPayload {
    payload: Vec<u8>,
    signers: Vec<PublicKey>,
}

impl VerifiedPayload {
    /// The bytes that were signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The trusted keys that signed, each once, in the order in which they were offered.
    pub fn signers(&self) -> &[PublicKey] {
        &self.signers
    }
}

/// The envelope as it stands in JSON. Unknown fields are ignored, as the specification asks.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    payload: String,
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

/// A signature as it stands in JSON.
#[derive(Serialize, Deserialize)]
struct WrittenSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

impl Envelope {
    /// Signs a payload with each of the keys.
    pub fn sign(payload_type: &str, payload: &[u8], keys: &[&SigningKey]) -> Self {
        let message = pre_authentication_encoding(payload_type, payload);
        let signatures = keys
            .iter()
            .map(|key| EnvelopeSignature {
                key_id: Some(key.public_key().key_id()),
                bytes: key.sign(&message).to_vec(),
            })
            .collect();
        Self { payload_type: payload_type.to_owned(), payload: payload.to_vec(), signatures }
    }

    /// Reads an envelope. Both base64 alphabets are accepted, with or without padding.
    ///
    /// # Errors
    ///
    /// What is not strict JSON of that form, is too large, or has no signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::parse_up_to(bytes, MAX_ENVELOPE_SIZE)
    }

    /// The same for a document of another size.
    pub(crate) fn parse_up_to(bytes: &[u8], limit: usize) -> Result<Self, EnvelopeError> {
        if bytes.len() > limit {
            return Err(EnvelopeError::TooLarge { size: bytes.len(), limit });
        }
        let written: Written = json::read(&json::parse(bytes)?)
            .map_err(|error| EnvelopeError::Form(quoted(&error.to_string())))?;
        match written.signatures.len() {
            0 => return Err(EnvelopeError::NoSignatures),
            1..=MAX_SIGNATURES => {}
            count => return Err(EnvelopeError::TooManySignatures(count)),
        }
        let signatures = written
            .signatures
            .into_iter()
            .map(|signature| {
                let bytes = decode(&signature.sig).ok_or(EnvelopeError::Base64("signature"))?;
                Ok(EnvelopeSignature { key_id: signature.keyid, bytes })
            })
            .collect::<Result<_, EnvelopeError>>()?;
        let payload = decode(&written.payload).ok_or(EnvelopeError::Base64("payload"))?;
        Ok(Self { payload_type: written.payload_type, payload, signatures })
    }

    /// The envelope as JSON, in the standard base64 alphabet, with a line feed at the end.
    pub fn to_json(&self) -> Vec<u8> {
        let written = Written {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self
                .signatures
                .iter()
                .map(|signature| WrittenSignature {
                    keyid: signature.key_id.clone(),
                    sig: STANDARD.encode(&signature.bytes),
                })
                .collect(),
        };
        let mut bytes = serde_json::to_vec(&written).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The payload, not to be believed: for choosing keys and for showing what was refused.
    pub fn payload_unverified(&self) -> &[u8] {
        &self.payload
    }

    /// The payload type, not to be believed.
    pub fn payload_type_unverified(&self) -> &str {
        &self.payload_type
    }

    /// How many signatures it carries.
    pub(crate) fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// Adds the signatures of another envelope over the same payload; one that stands here already is left out.
    ///
    /// Returns whether that was done: not where the payloads differ, nor where the signatures would be more than
    /// [`MAX_SIGNATURES`], for nobody could read the envelope then.
    pub fn merge(&mut self, other: Envelope) -> bool {
        if self.payload != other.payload || self.payload_type != other.payload_type {
            return false;
        }
        let mut signatures = self.signatures.clone();
        for signature in other.signatures {
            if !signatures.contains(&signature) {
                signatures.push(signature);
            }
        }
        if signatures.len() > MAX_SIGNATURES {
            return false;
        }
        self.signatures = signatures;
        true
    }

    /// Checks that the payload says it is of that type.
    pub(crate) fn check_type(&self, expected: &'static str) -> Result<(), EnvelopeError> {
        if self.payload_type == expected {
            Ok(())
        } else {
            Err(EnvelopeError::PayloadType { found: quoted(&self.payload_type), expected })
        }
    }

    /// Checks that at least `threshold` of the keys signed the payload, and that it is an in-toto statement.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::verify_as`].
    pub fn verify(&self, keys: &[PublicKey], threshold: usize) -> Result<VerifiedPayload, EnvelopeError> {
        self.verify_as(IN_TOTO_PAYLOAD_TYPE, keys, threshold)
    }

    /// Checks that at least `threshold` of the keys signed the payload, and that it is of that type.
    ///
    /// Every signature is tried with every key, since the key id of a signature is only a hint. A key counts
    /// once, however often it signed or was offered. A threshold of zero is one.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::PayloadType`], [`EnvelopeError::NoSignatures`] or [`EnvelopeError::Threshold`].
    pub fn verify_as(
        &self,
        payload_type: &'static str,
        keys: &[PublicKey],
        threshold: usize,
    ) -> Result<VerifiedPayload, EnvelopeError> {
        self.check_type(payload_type)?;
        if self.signatures.is_empty() {
            return Err(EnvelopeError::NoSignatures);
        }
        let message = pre_authentication_encoding(&self.payload_type, &self.payload);
        let mut seen = BTreeSet::new();
        let signers: Vec<PublicKey> = keys
            .iter()
            .filter(|key| seen.insert(*key))
            .filter(|key| self.signatures.iter().any(|signature| key.verifies(&message, &signature.bytes)))
            .cloned()
            .collect();
        let needed = threshold.max(1);
        if signers.len() < needed {
            return Err(EnvelopeError::Threshold { found: signers.len(), needed });
        }
        Ok(VerifiedPayload { payload: self.payload.clone(), signers })
    }
}

/// What is signed: type and payload with their lengths in front (DSSE "PAE").
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

fn decode(text: &str) -> Option<Vec<u8>> {
    READ_STANDARD.decode(text).or_else(|_| READ_URL_SAFE.decode(text)).ok()
}
