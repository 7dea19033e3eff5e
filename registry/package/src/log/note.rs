//! Signed notes (<https://c2sp.org/signed-note>), and the numbers and hashes that stand in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::error::{LogError, check_size};
use crate::digest::Digest;
use crate::key::{PublicKey, SIGNATURE_LEN, SigningKey};

/// The largest signed note, in bytes.
pub const MAX_NOTE_SIZE: usize = 64 << 10;

/// The most signature lines of a note; the specification asks for no fewer than 16.
pub const MAX_NOTE_SIGNATURES: usize = 64;

/// How a line with a signature begins.
const SIGNATURE_START: &str = "— ";

/// The signature type of Ed25519.
const ED25519: u8 = 1;

/// The length of a key ID in bytes.
const KEY_ID_LEN: usize = 4;

/// A note that was read; nothing in it is to be believed before [`Note::verify`].
pub(super) struct Note<'a> {
    text: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

/// One line with a signature.
struct NoteSignature<'a> {
    name: &'a str,
    /// The key ID and the signature.
    bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note, also the signature lines of keys that are unknown.
    pub(super) fn parse(note: &'a str) -> Result<Self, LogError> {
        check_size("signed note", note.len(), "bytes", MAX_NOTE_SIZE)?;
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(LogError::Note("it has a control character"));
        }
        // The text has its last line feed, and the blank line after it belongs to neither part.
        let (start, lines) = note.rsplit_once("\n\n").ok_or(LogError::Note("it has no blank line"))?;
        let text = note.get(..=start.len()).ok_or(LogError::Note("it has no blank line"))?;
        let lines = lines.strip_suffix('\n').ok_or(LogError::Note("it does not end with a line feed"))?;
        check_size("signed note", lines.split('\n').count(), "signatures", MAX_NOTE_SIGNATURES)?;
        let signatures = lines
            .split('\n')
            .map(|line| parse_signature(line).ok_or(LogError::Note("a line with a signature is none")))
            .collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// The text, if the key of that name signed it. Signatures of other keys are ignored, as the specification
    /// asks; each that names this key must hold.
    pub(super) fn verify(&self, name: &str, key: &PublicKey) -> Result<&'a str, LogError> {
        let id = key_id(name, key);
        let mut signed = false;
        for signature in self.signatures.iter().filter(|signature| signature.name == name) {
            let Some(bytes) = signature.bytes.strip_prefix(&id) else { continue };
            if !key.verifies(self.text.as_bytes(), bytes) {
                return Err(LogError::BadSignature);
            }
            signed = true;
        }
        if signed { Ok(self.text) } else { Err(LogError::NotSigned) }
    }
}

fn parse_signature(line: &str) -> Option<NoteSignature<'_>> {
    let (name, encoded) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return None;
    }
    let bytes = STANDARD.decode(encoded).ok()?;
    (bytes.len() > KEY_ID_LEN).then_some(NoteSignature { name, bytes })
}

/// Signs a text that ends with a line feed.
pub(super) fn sign(text: &str, name: &str, key: &SigningKey) -> String {
    let mut bytes = Vec::with_capacity(KEY_ID_LEN + SIGNATURE_LEN);
    bytes.extend(key_id(name, &key.public_key()));
    bytes.extend(key.sign(text.as_bytes()));
    format!("{text}\n{SIGNATURE_START}{name} {}\n", STANDARD.encode(bytes))
}

/// The first four bytes of the SHA-256 of name, line feed, signature type and key.
fn key_id(name: &str, key: &PublicKey) -> [u8; KEY_ID_LEN] {
    let state = Sha256::new_with_prefix(name).chain_update([b'\n', ED25519]).chain_update(key.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(state.finalize());
    [a, b, c, d]
}

/// Reads a decimal number without sign or leading zeros.
pub fn parse_decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Reads a hash in base64, which has one form: with padding, and no bits left over.
pub fn parse_hash(text: &str) -> Option<Digest> {
    let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
    Some(bytes.into())
}

/// A hash in base64.
pub fn hash_text(hash: &Digest) -> String {
    STANDARD.encode(hash.as_bytes())
}
