//! The log's tree and its proofs, against known roots and against a tree that is computed as RFC 6962 defines it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use openclaw_package::Digest;
use openclaw_package::log::{
    Appender, TileId, consistency_proof, consistency_tiles, empty_root, inclusion_proof, inclusion_tiles,
    leaf_hash, node_hash, verify_consistency, verify_inclusion,
};

type Tiles = BTreeMap<TileId, Vec<Digest>>;

/// A log of 70,000 entries: two full levels, and one hash at the third.
pub static LOG: LazyLock<Log> = LazyLock::new(|| Log::of((0..70_000_u32).map(|number| number.to_be_bytes())));

/// A log with all its tiles, and all hashes of complete subtrees by height.
#[derive(Default)]
pub struct Log {
    appender: Appender,
    tiles: Tiles,
    heights: Vec<Vec<Digest>>,
}

impl Log {
    fn of(entries: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut log = Self::default();
        let mut hashes = Vec::new();
        for entry in entries {
            let leaf = leaf_hash(entry.as_ref());
            hashes.push(leaf);
            for (id, hash) in log.appender.push(leaf) {
                let tile = log.tiles.entry(id).or_default();
                tile.push(hash);
                assert_eq!(tile.len(), usize::from(id.width(log.appender.size())), "{id}");
            }
        }
        while !hashes.is_empty() {
            let above = hashes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            log.heights.push(std::mem::replace(&mut hashes, above));
        }
        log
    }

    /// Those tiles, as they are served in a log of that size.
    fn tiles_at(&self, size: u64, ids: Vec<TileId>) -> Tiles {
        ids.into_iter().map(|id| (id, self.tiles[&id][..usize::from(id.width(size))].to_vec())).collect()
    }

    /// The root of the first entries.
    pub fn root(&self, size: u64) -> Digest {
        let (mut root, mut end) = (None, usize::try_from(size).unwrap());
        // The complete subtrees, from the last and smallest.
        for hashes in &self.heights {
            if end % 2 == 1 {
                let hash = hashes[end - 1];
                root = Some(root.map_or(hash, |right| node_hash(&hash, &right)));
            }
            end /= 2;
        }
        root.unwrap_or_else(empty_root)
    }

    pub fn leaf(&self, index: u64) -> &Digest {
        &self.heights[0][usize::try_from(index).unwrap()]
    }

    pub fn inclusion(&self, index: u64, size: u64) -> Vec<Digest> {
        inclusion_proof(index, size, &self.tiles_at(size, inclusion_tiles(index, size))).unwrap()
    }

    pub fn consistency(&self, from: u64, to: u64) -> Vec<Digest> {
        consistency_proof(from, to, &self.tiles_at(to, consistency_tiles(from, to))).unwrap()
    }

    fn entries(&self, size: u64) -> &[Digest] {
        &self.heights[0][..usize::try_from(size).unwrap()]
    }
}

/// `k` of RFC 6962: the largest power of two smaller than the length.
fn split(entries: &[Digest]) -> (&[Digest], &[Digest]) {
    entries.split_at(entries.len().next_power_of_two() / 2)
}

/// `MTH` of RFC 6962.
fn tree_hash(entries: &[Digest]) -> Digest {
    match entries {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = split(entries);
            node_hash(&tree_hash(left), &tree_hash(right))
        }
    }
}

/// `PATH` of RFC 6962.
fn path(index: usize, entries: &[Digest]) -> Vec<Digest> {
    if entries.len() == 1 {
        return Vec::new();
    }
    let (left, right) = split(entries);
    let (mut rest, hash) = match index.checked_sub(left.len()) {
        None => (path(index, left), tree_hash(right)),
        Some(index) => (path(index, right), tree_hash(left)),
    };
    rest.push(hash);
    rest
}

/// `SUBPROOF` of RFC 6962.
fn subproof(from: usize, entries: &[Digest], known: bool) -> Vec<Digest> {
    if from == entries.len() {
        return if known { Vec::new() } else { vec![tree_hash(entries)] };
    }
    let (left, right) = split(entries);
    let (mut rest, hash) = if from <= left.len() {
        (subproof(from, left, known), tree_hash(right))
    } else {
        (subproof(from - left.len(), right, false), tree_hash(left))
    };
    rest.push(hash);
    rest
}

fn digests(hex: &[&str]) -> Vec<Digest> {
    hex.iter().map(|hex| Digest::from_hex(hex).unwrap()).collect()
}

#[test]
fn the_roots_are_those_of_certificate_transparency() {
    let entries = [
        &b""[..],
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = digests(&[
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]);
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(Log::of(&entries[..size]).appender.root(), *root);
    }
    let log = Log::of(entries);
    let first = digests(&[
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]);
    assert_eq!(log.inclusion(0, 8), first);
    assert_eq!(log.consistency(1, 8), first);
    let sixth = digests(&[
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    assert_eq!(log.inclusion(5, 8), sixth);
}

#[test]
fn the_appender_grows_the_tree_of_the_definition_and_can_be_resumed() {
    assert_eq!(LOG.appender.root(), tree_hash(LOG.entries(70_000)));
    for size in (0..=600).chain([65_535, 65_536, 65_537, 70_000]) {
        let root = tree_hash(LOG.entries(size));
        assert_eq!(LOG.root(size), root, "{size}");
        let partial = TileId::partial_tiles(size);
        let levels = partial.last().map_or(0, |tile| tile.level + 1);
        let edge: Vec<Vec<Digest>> = (0..levels)
            .map(|level| {
                let tile = partial.iter().find(|tile| tile.level == level);
                let tile = tile.map(|tile| LOG.tiles[tile][..usize::from(tile.width(size))].to_vec());
                tile.unwrap_or_default()
            })
            .collect();
        let mut appender = Appender::new(size, edge.clone()).unwrap();
        assert_eq!((appender.size(), appender.root()), (size, root));
        if size < 70_000 {
            appender.push(*LOG.leaf(size));
            assert_eq!((appender.size(), appender.root()), (size + 1, LOG.root(size + 1)));
        }
        for (size, edge) in [(size + 1, edge.clone()), (size, [edge, vec![vec![root]]].concat())] {
            assert_eq!(Appender::new(size, edge).unwrap_err().code(), "invalid-right-edge");
        }
    }
    assert_eq!(
        Appender::new(u64::MAX, vec![vec![empty_root(); 255]; 8]).unwrap_err().code(),
        "invalid-right-edge"
    );
}

/// The proof is verified, and, where that is looked at, nothing beside it is.
fn check_inclusion(index: u64, size: u64, thorough: bool) {
    let (leaf, root) = (LOG.leaf(index), &LOG.root(size));
    let proof = LOG.inclusion(index, size);
    let verify =
        |index, proof: &[Digest], root: &Digest| verify_inclusion(leaf, index, size, proof, root).is_ok();
    assert!(verify(index, &proof, root), "{index} of {size}");
    if !thorough {
        return;
    }
    assert!(!verify(index, &[&proof[..], &[*root]].concat(), root));
    assert!(!verify(index + 1, &proof, root) && !verify(index ^ 1, &proof, root));
    assert!(!verify(index, &proof, &LOG.root(size - 1)));
    if let Some((_, rest)) = proof.split_first() {
        assert!(!verify(index, rest, root) && !verify(index, &proof[..rest.len()], root));
    }
}

#[test]
fn each_entry_is_proved_to_be_in_each_log() {
    for size in 1..=300 {
        for index in 0..size {
            let thorough = size <= 64 || (255..=257).contains(&size);
            check_inclusion(index, size, thorough);
            if thorough {
                let expected = path(usize::try_from(index).unwrap(), LOG.entries(size));
                assert_eq!(LOG.inclusion(index, size), expected, "{index} of {size}");
            }
        }
    }
}

#[test]
fn entries_of_large_logs_are_proved() {
    for size in [511, 4_097, 65_535, 65_536, 65_537, 70_000] {
        for index in [0, 1, 255, 256, size / 3, size / 2, 65_279, 65_535, 65_536, size - 2, size - 1] {
            if index < size {
                check_inclusion(index, size, true);
                let expected = path(usize::try_from(index).unwrap(), LOG.entries(size));
                assert_eq!(LOG.inclusion(index, size), expected, "{index} of {size}");
            }
        }
    }
}

/// The proof is that of the definition and verified, and nothing beside it is.
fn check_consistency(from: u64, to: u64) {
    let (from_root, to_root) = (&LOG.root(from), &LOG.root(to));
    let proof = LOG.consistency(from, to);
    if from > 0 {
        assert_eq!(proof, subproof(usize::try_from(from).unwrap(), LOG.entries(to), true), "{from} to {to}");
    }
    let verify = |from, from_root: &Digest, to_root: &Digest, proof: &[Digest]| {
        verify_consistency(from, from_root, to, to_root, proof).is_ok()
    };
    assert!(verify(from, from_root, to_root, &proof), "{from} to {to}");
    assert!(!verify(from, from_root, to_root, &[&proof[..], &[*to_root]].concat()));
    assert!(!verify(from, from_root, to_root, &[&[*from_root], &proof[..]].concat()));
    assert!(!verify(from + 1, from_root, to_root, &proof));
    assert!(!verify(from, &LOG.root(from + 1), to_root, &proof));
    // From nothing, every root follows.
    assert!(from == 0 || !verify(from, from_root, &LOG.root(to + 1), &proof));
    if let Some((_, rest)) = proof.split_first() {
        assert!(!verify(from, from_root, to_root, rest));
        assert!(!verify(from, from_root, to_root, &proof[..rest.len()]));
    }
}

#[test]
fn each_log_is_proved_to_begin_with_each_smaller_one() {
    for to in 0..=130 {
        for from in 0..=to {
            check_consistency(from, to);
        }
    }
}

#[test]
fn large_logs_are_proved_to_begin_with_smaller_ones() {
    for to in [257, 65_535, 65_536, 65_537, 69_999] {
        for from in [0, 1, 3, 128, 255, 256, 257, 511, 32_768, 65_535, 65_536, 65_537, to - 1, to] {
            if from <= to {
                check_consistency(from, to);
            }
        }
    }
}

#[test]
fn sizes_and_indices_that_cannot_be_are_refused() {
    let hash = empty_root();
    for (index, size) in [(0, 0), (8, 8), (u64::MAX, u64::MAX), (u64::MAX, 1)] {
        assert_eq!(verify_inclusion(&hash, index, size, &[], &hash).unwrap_err().code(), "no-such-entry");
        assert_eq!(inclusion_proof(index, size, &LOG.tiles).unwrap_err().code(), "no-such-entry");
        assert_eq!(inclusion_tiles(index, size), []);
    }
    for (from, to) in [(1, 0), (u64::MAX, 8)] {
        assert_eq!(verify_consistency(from, &hash, to, &hash, &[]).unwrap_err().code(), "log-shrunk");
        assert_eq!(consistency_proof(from, to, &LOG.tiles).unwrap_err().code(), "log-shrunk");
        assert_eq!(consistency_tiles(from, to), []);
    }
    let proof = [hash; 65];
    assert_eq!(verify_inclusion(&hash, 0, 1, &proof, &hash).unwrap_err().code(), "log-data-too-large");
    assert_eq!(verify_consistency(1, &hash, 2, &hash, &proof).unwrap_err().code(), "log-data-too-large");
    for (one, other) in
        [(0, u64::MAX), (u64::MAX - 1, u64::MAX), (1 << 63, u64::MAX), (1 << 63, (1 << 63) + 1)]
    {
        assert!(!inclusion_tiles(one, other).is_empty());
        assert_eq!(inclusion_proof(one, other, &LOG.tiles).unwrap_err().code(), "missing-tile");
        for length in 0..=64 {
            let proof = &proof[..length];
            assert_eq!(verify_inclusion(&hash, one, other, proof, &hash).unwrap_err().code(), "not-in-log");
            let consistent = verify_consistency(one, &hash, other, &leaf_hash(b""), proof);
            assert!(consistent.is_err() || (one, length) == (0, 0));
        }
    }
}

#[test]
fn a_log_is_consistent_with_itself_and_with_nothing_only_by_an_empty_proof() {
    let (nothing, one) = (empty_root(), LOG.root(1));
    assert!(verify_consistency(0, &nothing, 0, &nothing, &[]).is_ok());
    assert!(verify_consistency(0, &nothing, 1, &one, &[]).is_ok());
    assert!(verify_consistency(1, &one, 1, &one, &[]).is_ok());
    for (from, from_root, to, to_root, proof) in [
        (0, one, 1, one, &[][..]),
        (0, one, 0, one, &[]),
        (0, nothing, 0, one, &[]),
        (0, nothing, 1, one, &[one]),
        (1, one, 1, one, &[one]),
        (1, one, 1, nothing, &[]),
        (2, LOG.root(2), 2, one, &[]),
    ] {
        let refused = verify_consistency(from, &from_root, to, &to_root, proof).unwrap_err();
        assert_eq!(refused.code(), "log-inconsistent");
    }
}

#[test]
fn a_proof_is_not_made_from_tiles_that_lack_a_hash() {
    for (index, size) in [(0, 300), (299, 300), (65_536, 65_793)] {
        let tiles = LOG.tiles_at(size, inclusion_tiles(index, size));
        assert!(inclusion_proof(index, size, &tiles).is_ok());
        for id in tiles.keys() {
            let mut fewer = tiles.clone();
            fewer.remove(id);
            assert_eq!(inclusion_proof(index, size, &fewer).unwrap_err().code(), "missing-tile");
            fewer.insert(*id, Vec::new());
            assert_eq!(inclusion_proof(index, size, &fewer).unwrap_err().code(), "missing-tile");
        }
    }
}
