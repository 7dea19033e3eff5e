//! Whole packages: what can be packed is verified on the other side, and nothing else is.

use std::collections::BTreeMap;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use openclaw_package::archive::Limits;
use openclaw_package::{
    Depth, Envelope, PackagePath, PackageSource, Packed, VerifiedPackage, read_unsigned_unverified,
    verify_archive, verify_dir,
};

use super::signed::test_key;
use super::{text, told};

/// Begins a file in the text of a package; its path follows.
const FILE: &str = "==> ";

/// Files from one text: packed, signed, verified and unpacked they are the same.
///
/// A line `==> path` begins a file. What begins with `(component` is compiled, so that mutations reach it.
pub fn package(data: &[u8]) {
    let Some(files) = text(data).and_then(files) else { return };
    let source = match PackageSource::from_files(files.clone()) {
        Ok(source) => source,
        Err(error) => return told(&error, error.code(), error.hint()),
    };
    let packed = source.pack().expect("a small package");
    let envelope = packed.sign(&test_key());
    let envelope = Envelope::parse(&envelope.to_json()).expect("what was signed can be read");
    let staging = tempfile::tempdir().expect("a directory");
    let dir = Dir::open_ambient_dir(staging.path(), ambient_authority()).expect("a directory");
    let verified = verify(&packed, &envelope, &dir);
    assert_eq!(verified.manifest(), source.manifest());
    assert_eq!(verified.skill_md(), source.skill_md());
    assert_eq!(verified.tools(), source.tools());
    assert_eq!(verified.statement(), &packed.statement);
    for (path, content) in &files {
        assert_eq!(dir.read(path).ok().as_ref(), Some(content), "{path}");
    }
    assert!(verify_dir(&dir, &envelope, |_| vec![test_key().public_key()], Depth::Full).is_ok());
    dir.write("SKILL.md", "other").expect("a file");
    assert!(verify_dir(&dir, &envelope, |_| vec![test_key().public_key()], Depth::Full).is_err());
}

fn verify(packed: &Packed, envelope: &Envelope, dir: &Dir) -> VerifiedPackage {
    let keys = |_: &_| vec![test_key().public_key()];
    let archive = packed.archive.as_slice();
    dir.create_dir("unsigned").expect("a directory");
    let other = dir.open_dir("unsigned").expect("a directory");
    let unsigned = read_unsigned_unverified(archive, &other, Limits::DEFAULT).expect("it was packed");
    assert_eq!(unsigned.files(), packed.statement.files());
    dir.remove_dir_all("unsigned").expect("a directory");
    let mut changed = packed.archive.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    let refused = verify_archive(changed.as_slice(), envelope, keys, dir, Limits::DEFAULT);
    assert_eq!(refused.map_err(|error| error.code()).err(), Some("digest-mismatch"));
    verify_archive(archive, envelope, keys, dir, Limits::DEFAULT).expect("it was packed and signed")
}

fn files(text: &str) -> Option<BTreeMap<PackagePath, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut rest = text.strip_prefix(FILE)?;
    loop {
        let (file, after) = match rest.split_once(&format!("\n{FILE}")) {
            Some((file, after)) => (file, Some(after)),
            None => (rest, None),
        };
        let (path, content) = file.split_once('\n')?;
        let content = match content.starts_with("(component") {
            true => wat::parse_str(content).ok()?,
            false => content.as_bytes().to_vec(),
        };
        files.insert(path.parse().ok()?, content);
        match after {
            Some(after) => rest = after,
            None => return Some(files),
        }
    }
}
