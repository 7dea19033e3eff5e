//! The log's tiles: their widths, paths and bytes, and the bundles of entries.

use openclaw_package::Digest;
use openclaw_package::log::{TileId, TilePath, decode_entries, decode_hashes, encode_entries, encode_hashes};

#[test]
fn partial_tiles_are_as_wide_as_the_specification_says() {
    let widths = |size| -> Vec<(u8, u64, u16)> {
        TileId::partial_tiles(size).iter().map(|id| (id.level, id.index, id.width(size))).collect()
    };
    assert_eq!(widths(70_000), [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
    assert_eq!(widths(256), [(1, 0, 1)]);
    assert_eq!(widths(0), []);
    assert_eq!(widths(u64::MAX).len(), 8);
    let width = |level, index, size| TileId { level, index }.width(size);
    assert_eq!((width(0, 272, 70_000), width(0, 274, 70_000), width(1, 0, 70_000)), (256, 0, 256));
    assert_eq!((width(8, 0, u64::MAX), width(255, u64::MAX, u64::MAX), width(0, u64::MAX, 1)), (0, 0, 0));
}

#[test]
fn each_tile_has_one_path() {
    let hashes = |level, index, width| TilePath::Hashes { id: TileId { level, index }, width };
    for (path, parsed) in [
        ("tile/0/000", hashes(0, 0, 256)),
        ("tile/0/x001/x234/067", hashes(0, 1_234_067, 256)),
        ("tile/1/000.p/5", hashes(1, 0, 5)),
        ("tile/63/x001/000.p/255", hashes(63, 1000, 255)),
        ("tile/entries/000", TilePath::Entries { index: 0, width: 256 }),
        ("tile/entries/x273/999.p/112", TilePath::Entries { index: 273_999, width: 112 }),
        ("tile/7/x018/x446/x744/x073/x709/x551/615.p/1", hashes(7, u64::MAX, 1)),
    ] {
        assert_eq!(TilePath::parse(path), Ok(parsed), "{path}");
        assert_eq!(parsed.to_string(), path);
    }
    for path in [
        "",
        "/",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/1",
        "tile/0/01",
        "tile/0/0000",
        "tile/0/x001",
        "tile/0/001/",
        "/tile/0/000",
        "tile//000",
        "tile/0//000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/ 1/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/0/../000",
        "../tile/0/000",
        "tile/../0/000",
        "tile/0/..",
        "tile/0/.../000",
        "tile/0/%30%30%30",
        "tile/0/000?",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/05",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/000.p/65537",
        "tile/0/000.p/-1",
        "tile/0/000.p/5/",
        "tile/0/000.p/5.p/5",
        "tile/0/x001.p/5/000",
        "tile/0/000.p/99999999999999999999",
        "tile/99999999999999999999/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/+01",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "tile/0/000\0",
        "tile\\0\\000",
        "tile/entries/entries/000",
    ] {
        assert_eq!(TilePath::parse(path).map_err(|error| error.code()), Err("invalid-tile-path"), "{path:?}");
    }
    assert!(TilePath::parse(&"tile/".repeat(1 << 16)).is_err());
}

#[test]
fn tiles_and_bundles_have_one_to_256_whole_parts() {
    let hashes: Vec<Digest> = (0..=255).map(|byte| Digest::of(&[byte])).collect();
    let bytes = encode_hashes(&hashes);
    assert_eq!(bytes.len(), 8192);
    assert_eq!(decode_hashes(&bytes), Ok(hashes));
    for length in [0, 1, 31, 33, 8193, 8224] {
        assert_eq!(decode_hashes(&vec![0; length]).unwrap_err().code(), "invalid-tile", "{length}");
    }

    let entries = [b"one".to_vec(), vec![], vec![7; 16 << 10]];
    let bytes = encode_entries(entries.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(&bytes[..9], b"\0\x03one\0\0\x40\0");
    assert_eq!(decode_entries(&bytes).unwrap(), entries);
    assert_eq!(decode_entries(&[0; 512]).unwrap().len(), 256);
    let long = [[0x40, 1].as_slice(), &[0; 0x4001]].concat();
    for hostile in
        [&[][..], &[0], &[0, 1], &[0, 0, 0], &[0, 2, 1], &bytes[..bytes.len() - 1], &[0; 514], &long]
    {
        assert_eq!(decode_entries(hostile).unwrap_err().code(), "invalid-entries", "{hostile:.9?}");
    }
    assert_eq!(encode_entries([]).unwrap_err().code(), "invalid-entries");
    assert_eq!(encode_entries(vec![&b""[..]; 257]).unwrap_err().code(), "invalid-entries");
    for length in [(16 << 10) + 1, 1 << 16, (1 << 16) + 3] {
        assert_eq!(encode_entries([&vec![0; length][..]]).unwrap_err().code(), "invalid-entries");
    }
}
