//! Proofs that need nothing else (<https://c2sp.org/tlog-proof>): an index, an inclusion proof and a checkpoint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::Checkpoint;
use super::error::{LogError, check_size};
use super::leaf_hash;
use super::note::{MAX_NOTE_SIZE, hash_text, parse_decimal, parse_hash};
use super::proof::{MAX_PROOF_HASHES, verify_inclusion};
use crate::digest::Digest;
use crate::key::PublicKey;
use crate::registry::Origin;

/// The largest text of a proof, in bytes; half of it is for the checkpoint.
pub const MAX_LOG_PROOF_SIZE: usize = 2 * MAX_NOTE_SIZE;

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof that a log has an entry; nothing in it is to be believed before [`LogProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The index of the entry, from 0.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling up.
    pub hashes: Vec<Digest>,
    /// The checkpoint as the log signed it.
    pub checkpoint: String,
}

impl LogProof {
    /// Reads a proof, but not yet the checkpoint in it. Extra data is read over and dropped, since nobody signed
    /// it.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`], or [`LogError::Proof`] when it does not have the form of one.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        check_size("log proof", text.len(), "bytes", MAX_LOG_PROOF_SIZE)?;
        let (lines, checkpoint) = text.split_once("\n\n").ok_or(LogError::Proof("it has no checkpoint"))?;
        let mut lines = lines.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(LogError::Proof("its first line is another one"));
        }
        if let Some(extra) = lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            STANDARD.decode(extra).map_err(|_| LogError::Proof("its extra data is not base64"))?;
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.ok_or(LogError::Proof("it has no index"))?;
        check_size("log proof", lines.clone().count(), "hashes", MAX_PROOF_HASHES)?;
        let hashes = lines
            .map(|line| parse_hash(line).ok_or(LogError::Proof("a line is not a hash in base64")))
            .collect::<Result<_, _>>()?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that the log has this entry at the index, and gives the checkpoint according to which it has.
    ///
    /// # Errors
    ///
    /// Those of [`Checkpoint::verify`] and [`verify_inclusion`].
    pub fn verify(&self, entry: &[u8], origin: &Origin, key: &PublicKey) -> Result<Checkpoint, LogError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, origin, key)?;
        let (size, root) = (checkpoint.size(), checkpoint.root());
        verify_inclusion(&leaf_hash(entry), self.index, size, &self.hashes, root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEADER}\nindex {}\n", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", hash_text(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
