//! Ed25519 keys (RFC 8032) in the form in which they are stored and shown.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::digest::{Digest, hex};
use crate::text::quoted;

const SECRET_PREFIX: &str = "openclaw-secret-key:ed25519:";
const PUBLIC_PREFIX: &str = "ed25519:";
const KEY_ID_LEN: usize = 16;

/// The length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// Why a text is not a key, or none could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It does not begin as a public key does.
    #[error("{0:?} is not a public key")]
    NotPublic(String),
    /// It does not begin as a secret key does. The text is not shown.
    #[error("the text is not a secret key")]
    NotSecret,
    /// What follows the prefix is not 32 bytes in base64.
    #[error("the key is not 32 bytes in base64")]
    Encoding,
    /// The bytes are no point of the curve, or not its canonical form.
    #[error("the key is not a point of the curve")]
    Point,
    /// A key of small order: it would verify signatures that nobody made.
    #[error("the key is of small order and proves nothing")]
    Weak,
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

impl KeyError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Weak => "weak-key",
            Self::Random(_) => "no-randomness",
            _ => "invalid-key",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotPublic(_) | Self::Encoding => {
                Some("copy the whole line that `openclaw key show <publisher>` prints".to_owned())
            }
            Self::NotSecret => Some(format!("a secret key file holds one line, {SECRET_PREFIX}…")),
            Self::Point | Self::Weak => {
                Some("ask the publisher for the key again, over a channel you trust".to_owned())
            }
            Self::Random(_) => None,
        }
    }
}

/// A secret key. It is wiped from memory when dropped and never shown by `Debug`.
///
/// It is stored as one line of text: `openclaw-secret-key:ed25519:` and the 32 bytes of the seed in standard
/// base64.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`] when there is none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// The key from the text in which it is stored; a line feed at the end is ignored.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotSecret`] or [`KeyError::Encoding`].
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let encoded = text.trim_end().strip_prefix(SECRET_PREFIX).ok_or(KeyError::NotSecret)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyError::Encoding)?);
        let mut seed: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyError::Encoding)?;
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        seed.zeroize();
        Ok(Self(key))
    }

    /// The text in which the key is stored, without a line feed.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        let encoded = Zeroizing::new(STANDARD.encode(seed.as_slice()));
        Zeroizing::new(format!("{SECRET_PREFIX}{}", encoded.as_str()))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes as they are (Ed25519, not prehashed).
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_secret_text(text)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(secret of {})", self.public_key())
    }
}

/// A public key, written `ed25519:<base64>`. It is canonical and not of small order.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key from its 32 bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Point`] when they are not the canonical form of a point, [`KeyError::Weak`] when that point
    /// is of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::Point);
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The first 16 bytes of the key's SHA-256, in hex: a hint for finding a key, never a proof of one.
    pub fn key_id(&self) -> String {
        let digest = Digest::of(self.as_bytes());
        hex(digest.as_bytes().first_chunk::<KEY_ID_LEN>().map_or(&[], |start| start))
    }

    /// Whether the key made a signature over a message, with the strict rules (`verify_strict`: canonical `s`,
    /// no component of small order).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let encoded = text.strip_prefix(PUBLIC_PREFIX).ok_or_else(|| KeyError::NotPublic(quoted(text)))?;
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Encoding)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Encoding)?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", STANDARD.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}
