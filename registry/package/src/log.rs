//! The log of a registry: a Merkle tree (RFC 6962) in tiles, its signed checkpoints, and proofs of what it holds.
//!
//! The formats are those of [tlog-tiles](https://c2sp.org/tlog-tiles),
//! [tlog-checkpoint](https://c2sp.org/tlog-checkpoint), [signed-note](https://c2sp.org/signed-note) and
//! [tlog-proof](https://c2sp.org/tlog-proof). Nothing here reads or stores anything: whoever makes a proof first
//! asks which tiles it needs ([`inclusion_tiles`], [`consistency_tiles`]) and brings them.

mod append;
mod checkpoint;
mod error;
mod note;
mod proof;
mod tile;
mod tlog_proof;
mod tree;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

pub use append::{Appended, Appender, MAX_APPENDER_SIZE};
pub use checkpoint::Checkpoint;
pub use error::LogError;
pub use note::{MAX_NOTE_SIGNATURES, MAX_NOTE_SIZE, hash_text, parse_decimal, parse_hash};
pub use proof::{MAX_PROOF_HASHES, verify_consistency, verify_inclusion};
pub use tile::{
    MAX_ENTRY_SIZE, TILE_WIDTH, TileId, TilePath, decode_entries, decode_hashes, encode_entries,
    encode_hashes,
};
pub use tlog_proof::{LogProof, MAX_LOG_PROOF_SIZE};
pub use tree::{consistency_proof, consistency_tiles, inclusion_proof, inclusion_tiles};

/// The hash of an entry as a leaf: SHA-256 of `0x00` and the entry (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let state = Sha256::new_with_prefix([0]).chain_update(entry);
    <[u8; 32]>::from(state.finalize()).into()
}

/// The hash of a node: SHA-256 of `0x01` and the hashes below it (RFC 6962, section 2.1).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let state = Sha256::new_with_prefix([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    <[u8; 32]>::from(state.finalize()).into()
}

/// The root of a log without entries: SHA-256 of nothing (RFC 6962, section 2.1).
pub fn empty_root() -> Digest {
    Digest::of(&[])
}
