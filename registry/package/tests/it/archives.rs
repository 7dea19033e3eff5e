//! The archive: one form, bounded, and the same bytes everywhere.

use std::collections::BTreeMap;

use openclaw_package::archive::{ArchiveReader, PathSet, extract, write};
use openclaw_package::{Digest, Limits, PackagePath};

use crate::common::{RawEntry, gzip, hello_files, path, read_archive, read_archive_under, staging, tar};

fn packed(files: &BTreeMap<PackagePath, Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(files, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_written_is_read() {
    let files = hello_files();
    assert_eq!(read_archive(&packed(&files)).unwrap(), files);
    let sizes: BTreeMap<_, _> = [0, 1, 511, 512, 513, 70_000]
        .map(|size: usize| (path(&format!("assets/{size:06}")), vec![7; size]))
        .into();
    assert_eq!(read_archive(&packed(&sizes)).unwrap(), sizes);
}

#[test]
fn the_same_files_give_the_same_bytes_on_every_machine() {
    let files = [("SKILL.md", "hello\n"), ("assets/a", "")]
        .map(|(name, text)| (path(name), text.as_bytes().to_vec()))
        .into();
    assert_eq!(packed(&files), packed(&files));
    // A change of this digest is a change of the format: every published archive would pack otherwise.
    insta::assert_snapshot!(Digest::of(&packed(&files)), @"sha256:0c73f8bbf71561af69c1f5a038ef2e3513eaece4044c2da23cb9a7a8e41d2280");
}

#[test]
fn a_well_formed_archive_of_another_writer_is_read() {
    let entries = [RawEntry::file("SKILL.md", "x"), RawEntry::file("assets/a", vec![1; 600])];
    assert_eq!(read_archive(&gzip(&tar(&entries))).unwrap().len(), 2);
}

#[test]
fn extracting_makes_new_files_only() {
    let staging = staging();
    let records = extract(packed(&hello_files()).as_slice(), &staging.dir, Limits::DEFAULT).unwrap();
    let names: Vec<&str> = records.iter().map(|record| record.path.as_str()).collect();
    assert!(names.is_sorted());
    for (name, content) in hello_files() {
        let record = records.iter().find(|record| record.path == name).unwrap();
        assert_eq!((record.size, record.sha256), (content.len() as u64, Digest::of(&content)));
        assert_eq!(std::fs::read(staging.place.path().join(name.as_str())).unwrap(), content);
    }
    let again = extract(packed(&hello_files()).as_slice(), &staging.dir, Limits::DEFAULT).unwrap_err();
    assert_eq!(again.code(), "io");
}

#[cfg(unix)]
#[test]
fn extracting_does_not_follow_a_planted_link() {
    let (staging, outside) = (staging(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), staging.place.path().join("assets")).unwrap();
    let error = extract(packed(&hello_files()).as_slice(), &staging.dir, Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "io");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn an_entry_that_is_not_copied_is_read_over() {
    let bytes = packed(&hello_files());
    let mut reader = ArchiveReader::new(bytes.as_slice(), Limits::DEFAULT).unwrap();
    let mut count = 0;
    while reader.next_entry().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, hello_files().len());
    assert!(reader.next_entry().unwrap().is_none());
    assert!(reader.copy_to(&mut Vec::new()).is_err());
}

#[test]
fn limits_are_the_readers_argument() {
    let bytes = packed(&hello_files());
    let total: u64 = hello_files().values().map(|content| content.len() as u64).sum();
    let exact = Limits { packed: bytes.len() as u64, unpacked: total, files: 6 };
    assert!(read_archive_under(&bytes, exact).is_ok());
    for (limits, code) in [
        (Limits { packed: exact.packed - 1, ..exact }, "archive-too-large"),
        (Limits { packed: exact.packed / 2, ..exact }, "archive-too-large"),
        (Limits { unpacked: total - 1, ..exact }, "unpacked-too-large"),
        (Limits { files: 5, ..exact }, "too-many-files"),
    ] {
        assert_eq!(read_archive_under(&bytes, limits).unwrap_err().code(), code, "{limits:?}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let bytes = packed(&hello_files());
    for end in 0..bytes.len() {
        assert!(read_archive(&bytes[..end]).is_err(), "{end} of {}", bytes.len());
    }
}

#[test]
fn writing_has_the_same_limits() {
    let code = |files: &BTreeMap<PackagePath, Vec<u8>>| write(files, Vec::new()).unwrap_err().code();
    assert_eq!(code(&BTreeMap::new()), "empty-archive");
    let many = (0..513).map(|n| (path(&format!("assets/{n}")), vec![])).collect();
    assert_eq!(code(&many), "too-many-files");
    let large = [(path("assets/a"), vec![0; (64 << 20) + 1])].into();
    assert_eq!(code(&large), "unpacked-too-large");
    let cases = [(path("assets/a"), vec![]), (path("assets/A"), vec![])].into();
    assert_eq!(code(&cases), "duplicate-path");
}

#[test]
fn paths_that_cannot_live_together() {
    for (first, second) in [
        ("assets/a", "assets/a"),
        ("assets/a", "assets/A"),
        ("assets/a", "Assets/b"),
        ("assets/a", "assets/a/b"),
        ("assets/a/b", "assets/a"),
    ] {
        let mut set = PathSet::default();
        set.insert(&path(first)).unwrap();
        assert_eq!(set.insert(&path(second)).unwrap_err().code(), "duplicate-path", "{first} {second}");
    }
}
