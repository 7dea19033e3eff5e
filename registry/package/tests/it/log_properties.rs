//! Properties of the log: no proof, checkpoint or tile can be changed in a single bit, and all is read as written.

use openclaw_package::log::{
    Checkpoint, LogProof, TileId, TilePath, decode_entries, encode_entries, leaf_hash, verify_consistency,
    verify_inclusion,
};
use openclaw_package::{Digest, Origin};
use proptest::prelude::*;

use crate::common::key;
use crate::log_trees::LOG;

fn config() -> ProptestConfig {
    ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() }
}

/// An index and a size: small ones, those around full tiles, and any.
fn index_and_size() -> impl Strategy<Value = (u64, u64)> {
    let size = prop_oneof![1..600_u64, 65_500..65_600_u64, 1..=70_000_u64];
    size.prop_flat_map(|size| (0..size, Just(size)))
}

fn flipped(hash: &Digest, bit: usize) -> Digest {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1_u8 << (bit % 8);
    bytes.into()
}

fn origin() -> Origin {
    "example.com/log".parse().unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_inclusion_proof_holds_for_nothing_else(
        (index, size) in index_and_size(),
        bit in 0..256_usize,
        any: usize,
    ) {
        let (leaf, root) = (LOG.leaf(index), &LOG.root(size));
        let proof = LOG.inclusion(index, size);
        prop_assert!(verify_inclusion(leaf, index, size, &proof, root).is_ok());
        prop_assert!(verify_inclusion(&flipped(leaf, bit), index, size, &proof, root).is_err());
        prop_assert!(verify_inclusion(leaf, index, size, &proof, &flipped(root, bit)).is_err());
        prop_assert!(verify_inclusion(leaf, index ^ 1 << (bit % 64), size, &proof, root).is_err());
        if !proof.is_empty() {
            let place = any % proof.len();
            let mut changed = proof.clone();
            changed[place] = flipped(&proof[place], bit);
            prop_assert!(verify_inclusion(leaf, index, size, &changed, root).is_err());
            changed.remove(place);
            prop_assert!(verify_inclusion(leaf, index, size, &changed, root).is_err());
            changed.insert(place, proof[place]);
            changed.insert(place, proof[place]);
            prop_assert!(verify_inclusion(leaf, index, size, &changed, root).is_err());
        }
    }

    #[test]
    fn a_consistency_proof_holds_for_nothing_else(
        (from, to) in index_and_size(),
        bit in 0..256_usize,
        any: usize,
    ) {
        let from = from.max(1);
        let (from_root, to_root) = (&LOG.root(from), &LOG.root(to));
        let proof = LOG.consistency(from, to);
        prop_assert!(verify_consistency(from, from_root, to, to_root, &proof).is_ok());
        prop_assert!(verify_consistency(from, &flipped(from_root, bit), to, to_root, &proof).is_err());
        prop_assert!(verify_consistency(from, from_root, to, &flipped(to_root, bit), &proof).is_err());
        prop_assert!(verify_consistency(from ^ 1 << (bit % 64), from_root, to, to_root, &proof).is_err());
        if !proof.is_empty() {
            let place = any % proof.len();
            let mut changed = proof.clone();
            changed[place] = flipped(&proof[place], bit);
            prop_assert!(verify_consistency(from, from_root, to, to_root, &changed).is_err());
            changed.remove(place);
            prop_assert!(verify_consistency(from, from_root, to, to_root, &changed).is_err());
        }
    }

    /// The size is bound by the log's signature, not by the proof: trees of several sizes share paths.
    #[test]
    fn a_log_proof_holds_for_nothing_else((index, size) in index_and_size(), bit in 0..64_u32, place: usize) {
        let entry = u32::try_from(index).unwrap().to_be_bytes();
        let root = LOG.root(size);
        let checkpoint = Checkpoint::new(origin(), size, root).sign(&key(1));
        let proof = LogProof { index, hashes: LOG.inclusion(index, size), checkpoint: checkpoint.clone() };
        let public = key(1).public_key();
        let verified = proof.verify(&entry, &origin(), &public).unwrap();
        prop_assert_eq!((verified.size(), verified.root()), (size, &root));
        prop_assert_eq!(leaf_hash(&entry), *LOG.leaf(index));
        let other_size = checkpoint.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size ^ 1_u64 << bit), 1);
        let resized = LogProof { checkpoint: other_size, ..proof.clone() };
        prop_assert!(resized.verify(&entry, &origin(), &public).is_err());

        let text = proof.to_string();
        prop_assert_eq!(&LogProof::parse(&text).unwrap(), &proof);
        let mut bytes = text.into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1_u8 << (bit % 8);
        // Every byte matters.
        if let Ok(text) = String::from_utf8(bytes) && let Ok(changed) = LogProof::parse(&text) {
            prop_assert!(changed.verify(&entry, &origin(), &public).is_err(), "{}", text);
        }
    }

    #[test]
    fn a_checkpoint_is_written_as_it_is_read(size: u64, root: [u8; 32], name in "[!-*,-~]{1,128}", cut: usize) {
        let (name, other): (Origin, Origin) = (name.parse().unwrap(), format!("{name:.127}x").parse().unwrap());
        let checkpoint = Checkpoint::new(name.clone(), size, root.into());
        let note = checkpoint.sign(&key(1));
        prop_assert_eq!(Checkpoint::verify(&note, &name, &key(1).public_key()), Ok(checkpoint));
        prop_assert!(Checkpoint::verify(&note, &name, &key(2).public_key()).is_err());
        prop_assert!(other == name || Checkpoint::verify(&note, &other, &key(1).public_key()).is_err());
        if let Some(start) = note.get(..cut % note.len()) {
            prop_assert!(Checkpoint::verify(start, &name, &key(1).public_key()).is_err());
        }
    }

    #[test]
    fn a_path_is_written_as_it_is_read(level in 0..64_u8, index: u64, shift in 0..64, width in 1..=256_u16) {
        let id = TileId { level, index: index >> shift };
        for path in [TilePath::Hashes { id, width }, TilePath::Entries { index: id.index, width }] {
            prop_assert_eq!(TilePath::parse(&path.to_string()), Ok(path));
        }
    }

    #[test]
    fn a_path_that_is_read_is_the_one_that_is_written(
        text in "tile/(entries|[0-9]{1,2})(/x?[0-9]{3}){1,8}(\\.p/[0-9]{1,3})?",
    ) {
        if let Ok(path) = TilePath::parse(&text) {
            prop_assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn a_bundle_is_written_as_it_is_read(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..=256),
    ) {
        let bytes = encode_entries(entries.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(decode_entries(&bytes).unwrap(), entries);
    }

    #[test]
    fn bytes_are_a_bundle_in_one_way(
        bytes in prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..200),
    ) {
        if let Ok(entries) = decode_entries(&bytes) {
            prop_assert_eq!(encode_entries(entries.iter().map(Vec::as_slice)).unwrap(), bytes);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,20}(\n|\n\n|— | |[0-9]|[A-Za-z0-9+/=]{0,44}){0,20}") {
        let _ = Checkpoint::verify(&text, &origin(), &key(1).public_key());
        let _ = LogProof::parse(&text);
        let _ = TilePath::parse(&text);
    }
}
