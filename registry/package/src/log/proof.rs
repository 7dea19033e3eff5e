//! Verification of proofs: that a log has an entry, and that it has all that it had (RFC 9162, section 2.1).

use super::error::{LogError, check_size};
use super::{empty_root, node_hash};
use crate::digest::Digest;

/// The most hashes of a proof: the height of the tallest tree of which a `u64` counts the leaves.
pub const MAX_PROOF_HASHES: usize = 64;

/// Checks that the entry with this hash and index is in the log with this size and root (RFC 9162, section
/// 2.1.3.2).
///
/// Size and root must come from one signed checkpoint: a proof alone does not bind the size, since trees of
/// several sizes can have the path in common.
///
/// # Errors
///
/// [`LogError::Index`] when the index is not below the size, [`LogError::TooLarge`] for more than
/// [`MAX_PROOF_HASHES`], [`LogError::NotIncluded`] when the proof has another length or leads to another root.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), LogError> {
    if index >= size {
        return Err(LogError::Index { index, size });
    }
    check_length(proof)?;
    let mut path = Path { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match path.up().ok_or(LogError::NotIncluded)? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    if path.is_at_root() && hash == *root { Ok(()) } else { Err(LogError::NotIncluded) }
}

/// Checks that the log with the later size and root begins with the entries of the one with the earlier size and
/// root (RFC 9162, section 2.1.4.2).
///
/// Each size must come from one signed checkpoint with its root. From an empty log, or from a log to itself, the
/// proof is empty.
///
/// # Errors
///
/// [`LogError::Shrunk`] when the later log is smaller, [`LogError::TooLarge`] for more than
/// [`MAX_PROOF_HASHES`], [`LogError::Inconsistent`] when the proof has another length or leads to other roots.
pub fn verify_consistency(
    from: u64,
    from_root: &Digest,
    to: u64,
    to_root: &Digest,
    proof: &[Digest],
) -> Result<(), LogError> {
    if from > to {
        return Err(LogError::Shrunk { from, to });
    }
    check_length(proof)?;
    let holds = if from == 0 {
        // All logs begin with nothing; but nothing has only one root.
        proof.is_empty() && *from_root == empty_root() && (to > 0 || from_root == to_root)
    } else if from == to {
        proof.is_empty() && from_root == to_root
    } else {
        roots(from, from_root, to, proof) == Some((*from_root, *to_root))
    };
    if holds { Ok(()) } else { Err(LogError::Inconsistent) }
}

/// The earlier and the later root to which a proof leads; `None` when it has the wrong length. It takes
/// `0 < from < to`.
fn roots(from: u64, from_root: &Digest, to: u64, proof: &[Digest]) -> Option<(Digest, Digest)> {
    // The proof leaves out the first node where that is the whole earlier tree.
    let (start, rest) = if from.is_power_of_two() { (from_root, proof) } else { proof.split_first()? };
    // The walk begins at the largest complete subtree that ends where the earlier log does.
    let level = from.trailing_zeros();
    let mut path = Path { node: (from - 1) >> level, last: (to - 1) >> level };
    let (mut earlier, mut later) = (*start, *start);
    for hash in rest {
        match path.up()? {
            Side::Left => {
                earlier = node_hash(hash, &earlier);
                later = node_hash(hash, &later);
            }
            Side::Right => later = node_hash(&later, hash),
        }
    }
    path.is_at_root().then_some((earlier, later))
}

fn check_length(proof: &[Digest]) -> Result<(), LogError> {
    check_size("proof", proof.len(), "hashes", MAX_PROOF_HASHES)
}

/// On which side of a node its sibling stands.
enum Side {
    Left,
    Right,
}

/// A node on the way from a leaf to the root: its number in its level, and that of the level's last node (`fn` and
/// `sn` of RFC 9162).
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Goes to the parent, and says where the sibling is that is hashed with the node; `None` at the root.
    fn up(&mut self) -> Option<Side> {
        if self.is_at_root() {
            return None;
        }
        let side = if self.node & 1 == 1 {
            Side::Left
        } else if self.node == self.last {
            // The last node of a level with an odd number of nodes has no sibling there: it rises until it has.
            let level = self.node.trailing_zeros();
            self.node >>= level;
            self.last >>= level;
            Side::Left
        } else {
            Side::Right
        };
        self.node >>= 1;
        self.last >>= 1;
        Some(side)
    }

    fn is_at_root(&self) -> bool {
        self.last == 0
    }
}
