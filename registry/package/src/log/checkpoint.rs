//! Checkpoints (<https://c2sp.org/tlog-checkpoint>): the size and the root of a log, signed by the log.

use super::error::LogError;
use super::note::{self, Note};
use crate::digest::Digest;
use crate::key::{PublicKey, SigningKey};
use crate::registry::Origin;
use crate::text::quoted;

/// What a log held at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: u64,
    root: Digest,
}

impl Checkpoint {
    /// A checkpoint of a log with that many entries and that root.
    pub fn new(origin: Origin, size: u64, root: Digest) -> Self {
        Self { origin, size, root }
    }

    /// The log's name.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the Merkle tree over the entries.
    pub fn root(&self) -> &Digest {
        &self.root
    }

    /// The checkpoint as a signed note, with the origin as the name of the key.
    ///
    /// A log must never sign two checkpoints of which neither is consistent with the other; nothing here sees to
    /// that.
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = format!("{}\n{}\n{}\n", self.origin, self.size, note::hash_text(&self.root));
        note::sign(&text, self.origin.as_str(), key)
    }

    /// The checkpoint in a signed note, once the log's signature was checked.
    ///
    /// Signatures of other keys and lines after the third are ignored, as the specifications ask.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`] or [`LogError::Note`] when it is no note, [`LogError::NotSigned`] when no signature
    /// names the origin and the key, [`LogError::BadSignature`] when one does and is false,
    /// [`LogError::Checkpoint`] or [`LogError::Origin`] when something else was signed.
    pub fn verify(note: &str, origin: &Origin, key: &PublicKey) -> Result<Self, LogError> {
        let text = Note::parse(note)?.verify(origin.as_str(), key)?;
        let mut lines =
            text.strip_suffix('\n').ok_or(LogError::Checkpoint("its last line has no end"))?.split('\n');
        let mut line = || lines.next().ok_or(LogError::Checkpoint("it has less than three lines"));
        let (name, size, root) = (line()?, line()?, line()?);
        if name != origin.as_str() {
            return Err(LogError::Origin { found: quoted(name), expected: origin.to_string() });
        }
        let size = note::parse_decimal(size).ok_or(LogError::Checkpoint("its size is not a number"))?;
        let root = note::parse_hash(root).ok_or(LogError::Checkpoint("its root is not a hash in base64"))?;
        if lines.any(str::is_empty) {
            return Err(LogError::Checkpoint("a line is empty"));
        }
        Ok(Self { origin: origin.clone(), size, root })
    }
}
