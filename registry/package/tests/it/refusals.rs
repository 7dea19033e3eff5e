//! The table of refusals in the order of its rows; rows that need a registry are tested where that is.

use std::collections::BTreeMap;

use openclaw_package::{Envelope, Limits, PackagePath, Packed, RefusalError, SigningKey, verify_archive};

use crate::common::{
    END, GZIP_HEADER, RawEntry, gzip, gzip_with, hello, hello_component, hello_files, hello_with, key, path,
    read_archive, refusal_of, repacked, staging, tar, trust,
};

fn verify(archive: &[u8], envelope: &Envelope, trusted: &SigningKey) -> Result<(), RefusalError> {
    let staging = staging();
    verify_archive(archive, envelope, |_| trust(trusted), &staging.dir, Limits::DEFAULT).map(|_| ())
}

fn code(archive: &[u8], envelope: &Envelope) -> &'static str {
    verify(archive, envelope, &key(1)).unwrap_err().code()
}

/// The refusal of files that are not those of the statement, in an archive that is.
fn code_of_files(packed: &Packed, files: &BTreeMap<PackagePath, Vec<u8>>) -> String {
    let packed = repacked(packed, files);
    let error = verify(&packed.archive, &packed.sign(&key(1)), &key(1)).unwrap_err();
    format!("{} {error}", error.code())
}

#[test]
fn row_1_names_that_lead_elsewhere() {
    let names: [&[u8]; 20] = [
        b"../x",
        b"a/../../x",
        b"a/..",
        b"..",
        b".",
        b"/etc/passwd",
        b"//x",
        b"C:/x",
        b"C:x",
        b"a\\b",
        b"..\\x",
        b"a\x01b",
        b"a\x7fb",
        b"a\nb",
        b"\xc3\xa4",
        b"\xff",
        b"a//b",
        b"a/",
        b"",
        b"a:stream",
    ];
    for name in names {
        assert_eq!(refusal_of(&[RawEntry::file(name, "x")]), "unsafe-path", "{name:?}");
    }
    assert_eq!(refusal_of(&[RawEntry::file(b"a\0b", "x")]), "unsafe-path");
    assert_eq!(refusal_of(&[RawEntry::file(["a"; 17].join("/"), "x")]), "unsafe-path");
}

#[test]
fn row_2_everything_but_regular_files() {
    for (kind, code) in [
        (b'1', "not-a-regular-file"),
        (b'2', "not-a-regular-file"),
        (b'3', "not-a-regular-file"),
        (b'4', "not-a-regular-file"),
        (b'5', "not-a-regular-file"),
        (b'6', "not-a-regular-file"),
        (b'7', "not-a-regular-file"),
        (b'S', "not-a-regular-file"),
        (b'Z', "not-a-regular-file"),
        (0, "invalid-header"),
        (b'x', "extension-header"),
        (b'g', "extension-header"),
        (b'L', "extension-header"),
        (b'K', "extension-header"),
        (b'V', "extension-header"),
    ] {
        let entry = RawEntry { kind, link: b"target", ..RawEntry::file("assets/a", "") };
        assert_eq!(refusal_of(&[entry]), code, "{kind}");
    }
    let entry = || RawEntry::file("assets/a", "x");
    for changed in [
        RawEntry { mode: b"0004644\0", ..entry() },
        RawEntry { mode: b"0000755\0", ..entry() },
        RawEntry { mode: b"0000777\0", ..entry() },
        RawEntry { mtime: b"00000000001\0", ..entry() },
        RawEntry { magic: b"ustar  \0", ..entry() },
        RawEntry { magic: b"\0\0\0\0\0\0\0\0", ..entry() },
        RawEntry { link: b"x", ..entry() },
        RawEntry { size: b"\x80\0\0\0\0\0\0\0\0\0\0\x01".to_vec(), ..entry() },
        RawEntry { size: b"0000000001 ".to_vec(), ..entry() },
        RawEntry { size: b"         1\0".to_vec(), ..entry() },
        RawEntry { size: b"-0000000001\0".to_vec(), ..entry() },
        RawEntry { padding: 1, ..entry() },
    ] {
        assert_eq!(refusal_of(&[changed]), "invalid-header");
    }
    let mut checksum = tar(&[entry()]);
    checksum[148] ^= 1;
    assert_eq!(read_archive(&gzip(&checksum)).unwrap_err().code(), "invalid-header");
}

#[test]
fn row_3_names_that_are_one_on_some_system() {
    for (first, second) in [("a", "a"), ("A/x", "a/y"), ("README", "readme"), ("a", "a/b")] {
        let entries = [RawEntry::file(first, ""), RawEntry::file(second, "")];
        assert_eq!(refusal_of(&entries), "duplicate-path", "{first} {second}");
    }
    for name in
        ["./SKILL.md", "CON", "con.txt", "a/NUL", "aux.tar.gz", "COM1", "lpt9.x", "a.", "a ", "a./b", " a"]
    {
        assert_eq!(refusal_of(&[RawEntry::file(name, "")]), "unsafe-path", "{name}");
    }
    assert_eq!(refusal_of(&[RawEntry::file("b", ""), RawEntry::file("a", "")]), "wrong-order");
}

#[test]
fn row_4_bombs_stop_at_the_limit() {
    let zeros = RawEntry::file("assets/a", vec![0; 65 << 20]);
    let bomb = gzip(&tar(&[zeros]));
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read_archive(&bomb).unwrap_err().code(), "unpacked-too-large");
    let many: Vec<RawEntry> = (0..513).map(|n| RawEntry::file(format!("assets/{n:04}"), "")).collect();
    assert_eq!(refusal_of(&many), "too-many-files");
    let liar = |size: &str| RawEntry { size: size.as_bytes().to_vec(), ..RawEntry::file("assets/a", "xyz") };
    assert_eq!(refusal_of(&[liar("00000004000\0")]), "truncated-archive");
    assert_eq!(refusal_of(&[liar("77777777777\0")]), "unpacked-too-large");
    assert_eq!(refusal_of(&[liar("00000000000\0")]), "invalid-header");
    assert_eq!(refusal_of(&[liar("00000000002\0")]), "invalid-header");
}

#[test]
fn row_5_anything_before_or_after_the_one_member() {
    let good = gzip(&tar(&[RawEntry::file("SKILL.md", "x")]));
    let code = |bytes: &[u8]| read_archive(bytes).unwrap_err().code();
    assert!(read_archive(&good).is_ok());
    assert_eq!(code(&[good.clone(), good.clone()].concat()), "trailing-data");
    assert_eq!(code(&[good.as_slice(), b"x"].concat()), "trailing-data");
    assert_eq!(code(&[good.as_slice(), &[0; 512]].concat()), "trailing-data");
    let entry = RawEntry::file("SKILL.md", "x").bytes();
    assert_eq!(code(&gzip(&[entry.as_slice(), &END, b"x"].concat())), "trailing-data");
    assert_eq!(code(&gzip(&[entry.as_slice(), &END, &END].concat())), "trailing-data");
    assert_eq!(code(&gzip(&entry)), "no-end-marker");
    assert_eq!(code(&gzip(&[entry.as_slice(), &END[..512]].concat())), "no-end-marker");
    assert_eq!(code(&gzip(&[entry.as_slice(), &END[..512], &entry].concat())), "no-end-marker");
    assert_eq!(code(&gzip(&END)), "empty-archive");
    assert_eq!(code(&gzip(b"")), "no-end-marker");
    assert_eq!(code(&good[..good.len() - 1]), "truncated-archive");
    assert_eq!(code(b""), "truncated-archive");
    assert_eq!(code(&tar(&[RawEntry::file("SKILL.md", "x")])), "invalid-gzip");
    for (place, value) in [(3, 0x08), (3, 0x04), (3, 0x10), (3, 0x02), (4, 1), (8, 0), (9, 3), (2, 7), (0, 0)]
    {
        let mut header = GZIP_HEADER;
        header[place] = value;
        assert_eq!(code(&gzip_with(&header, &END)), "invalid-gzip", "{place} {value}");
    }
    for from_end in 1..=8 {
        let mut trailer = good.clone();
        let place = trailer.len() - from_end;
        trailer[place] ^= 1;
        assert_eq!(code(&trailer), "invalid-gzip");
    }
}

#[test]
fn row_7_one_bit_flipped_is_a_digest_error_before_any_parser() {
    let packed = hello().pack().unwrap();
    let envelope = packed.sign(&key(1));
    for place in (0..packed.archive.len()).step_by(97) {
        let mut flipped = packed.archive.clone();
        flipped[place] ^= 0x10;
        assert_eq!(code(&flipped, &envelope), "digest-mismatch");
    }
    assert_eq!(code(b"not an archive at all", &envelope), "digest-mismatch");
}

#[test]
fn row_7_nothing_is_written_when_the_digest_is_wrong() {
    let packed = hello().pack().unwrap();
    let staging = staging();
    let mut longer = packed.archive.clone();
    longer.push(0);
    let keys = |_: &_| trust(&key(1));
    let result =
        verify_archive(longer.as_slice(), &packed.sign(&key(1)), keys, &staging.dir, Limits::DEFAULT);
    assert_eq!(result.unwrap_err().code(), "digest-mismatch");
    assert_eq!(staging.dir.entries().unwrap().count(), 0);
}

#[test]
fn row_8_extra_missing_and_edited_files() {
    let packed = hello().pack().unwrap();
    let mut files = hello_files();
    files.insert(path("references/extra.md"), vec![]);
    insta::assert_snapshot!(code_of_files(&packed, &files), @"extra-file references/extra.md has no place in the package");
    let mut files = hello_files();
    files.remove(&path("references/guide.md"));
    insta::assert_snapshot!(code_of_files(&packed, &files), @"missing-file references/guide.md is missing");
    for name in ["SKILL.md", "openclaw/skill.toml", "openclaw/skill.wasm", "openclaw/tools.json"] {
        let mut files = hello_files();
        *files.get_mut(&path(name)).unwrap().last_mut().unwrap() ^= 1;
        assert_eq!(code_of_files(&packed, &files), format!("changed-file {name} is not as it was signed"));
    }
}

#[test]
fn row_9_parts_of_two_versions() {
    let (v1, v2) = (hello().pack().unwrap(), hello_with("1.0.0", "2.0.0").pack().unwrap());
    assert_eq!(code(&v2.archive, &v1.sign(&key(1))), "digest-mismatch");
    assert_eq!(code(&v1.archive, &v2.sign(&key(1))), "digest-mismatch");
    let mut mixed = hello_with("1.0.0", "2.0.0").files().clone();
    mixed.insert(path("openclaw/skill.wasm"), [hello_component(), vec![0, 3, 1, b'x', 0]].concat());
    assert!(code_of_files(&v2, &mixed).starts_with("changed-file openclaw/skill.wasm"));
}

#[test]
fn row_10_signatures_that_are_not_what_they_seem() {
    let packed = hello().pack().unwrap();
    let payload = packed.statement.to_json();
    let other_type = Envelope::sign("application/json", &payload, &[&key(1)]);
    assert_eq!(code(&packed.archive, &other_type), "wrong-payload-type");
    let other_bytes = hello_with("1.0.0", "2.0.0").pack().unwrap().sign(&key(1)).to_json();
    let mut moved: serde_json::Value = serde_json::from_slice(&packed.sign(&key(1)).to_json()).unwrap();
    let other: serde_json::Value = serde_json::from_slice(&other_bytes).unwrap();
    moved["signatures"] = other["signatures"].clone();
    let moved = Envelope::parse(moved.to_string().as_bytes()).unwrap();
    assert_eq!(code(&packed.archive, &moved), "bad-signature");
    let unsigned = Envelope::sign("application/vnd.in-toto+json", &payload, &[]);
    assert_eq!(code(&packed.archive, &unsigned), "no-signatures");
    assert_eq!(code(&packed.archive, &packed.sign(&key(2))), "bad-signature");
    let staging = staging();
    let nobody = verify_archive(
        packed.archive.as_slice(),
        &packed.sign(&key(1)),
        |_| vec![],
        &staging.dir,
        Limits::DEFAULT,
    );
    assert_eq!(nobody.unwrap_err().code(), "untrusted-publisher");
}

#[test]
fn row_11_json_with_two_meanings() {
    let packed = hello().pack().unwrap();
    let text = String::from_utf8(packed.statement.to_json()).unwrap();
    let doubled = text.replacen("\"publisher\":\"acme\"", "\"publisher\":\"evil\",\"publisher\":\"acme\"", 1);
    assert_ne!(text, doubled);
    let envelope = Envelope::sign("application/vnd.in-toto+json", doubled.as_bytes(), &[&key(1)]);
    assert_eq!(code(&packed.archive, &envelope), "invalid-statement");
}

#[test]
fn row_12_names_and_versions_that_differ() {
    let packed = hello().pack().unwrap();
    let text = String::from_utf8(packed.statement.to_json()).unwrap();
    for (from, to) in [("\"acme\"", "\"evil\""), ("\"hello\"", "\"hell\""), ("\"1.0.0\"", "\"1.0.1\"")] {
        let renamed = text.replacen(from, to, 1);
        let envelope = Envelope::sign("application/vnd.in-toto+json", renamed.as_bytes(), &[&key(1)]);
        assert_eq!(code(&packed.archive, &envelope), "identity-mismatch", "{to}");
    }
    for name in ["manifestDigest", "componentDigest"] {
        let digest = |text: &str| text.split(&format!("\"{name}\":\"")).nth(1).unwrap()[..71].to_owned();
        let changed = text.replacen(&digest(&text), &packed.digest.to_string(), 1);
        let envelope = Envelope::sign("application/vnd.in-toto+json", changed.as_bytes(), &[&key(1)]);
        assert_eq!(code(&packed.archive, &envelope), "identity-mismatch", "{name}");
    }
}

#[test]
fn row_18_more_than_the_manifest_asks() {
    // A publisher who signs it all the same: every side that reads it proves it anew.
    let honest = hello().pack().unwrap();
    let mut files = hello_files();
    let silent = crate::common::MANIFEST.split("[[").next().unwrap();
    files.insert(path("openclaw/skill.toml"), silent.as_bytes().to_vec());
    let mut text = String::from_utf8(repacked(&honest, &files).statement.to_json()).unwrap();
    let (old, new) = (crate::common::MANIFEST.as_bytes(), silent.as_bytes());
    let digest = |bytes| openclaw_package::Digest::of(bytes).hex();
    text = text.replace(&digest(old), &digest(new));
    text = text.replace(&format!("\"size\":{}", old.len()), &format!("\"size\":{}", new.len()));
    let envelope = Envelope::sign("application/vnd.in-toto+json", text.as_bytes(), &[&key(1)]);
    let archive = repacked(&honest, &files).archive;
    assert_eq!(code(&archive, &envelope), "undeclared-import");
}
