//! Texts of one word: names, paths, sizes, digests, keys and interfaces.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::path::{Component, Path};
use std::str::FromStr;

use openclaw_package::archive::PathSet;
use openclaw_package::{
    ByteSize, Digest, Interface, PackagePath, PublicKey, PublisherName, SkillId, SkillName, ToolId, ToolName,
};

use super::{text, told};

/// A name is what the words in its documentation say, and is written as it is read.
pub fn name(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let parts: Vec<bool> = text.split('/').map(is_label).collect();
    let labels = parts.iter().all(|label| *label);
    verbatim::<PublisherName>(text, Some(is_label(text)));
    verbatim::<SkillName>(text, Some(is_label(text)));
    verbatim::<ToolName>(text, Some(is_label(text)));
    verbatim::<ToolId>(text, Some(labels && parts.len() == 3));
    if let Some(id) = verbatim::<SkillId>(text, Some(labels && parts.len() == 2)) {
        assert_eq!(SkillId::new(id.publisher().clone(), id.name().clone()), id);
        assert!(!id.collision_key().contains('-'));
    }
    if let Err(error) = text.parse::<SkillId>() {
        told(&error, error.code(), error.hint());
    }
    if let Err(error) = text.parse::<SkillName>() {
        told(&error, error.code(), error.hint());
    }
}

/// A path is a plain relative one on every system, and paths that are accepted together can live together.
pub fn path(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut set = PathSet::default();
    let mut accepted: Vec<PackagePath> = Vec::new();
    for line in text.split('\n') {
        match line.parse::<PackagePath>() {
            Ok(path) => {
                assert_eq!(path.as_str(), line);
                assert!(is_portable(line), "{line:?}");
                match set.insert(&path) {
                    Ok(()) => accepted.push(path),
                    // After a refusal the set is not used again.
                    Err(error) => return told(&error, error.code(), error.hint()),
                }
            }
            Err(error) => told(&error, error.code(), error.hint()),
        }
    }
    let mut spellings = BTreeMap::new();
    for path in &accepted {
        let files = accepted.iter().filter(|other| same_file(path, other)).count();
        assert_eq!(files, 1, "{path}");
        for directory in Path::new(path.as_str()).ancestors().skip(1) {
            let spelling = spellings.entry(directory.as_os_str().to_ascii_lowercase()).or_insert(directory);
            assert_eq!(*spelling, directory);
        }
    }
}

/// A size is digits and a binary unit, and is never more than 64 bits.
pub fn size(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match text.parse::<ByteSize>() {
        Ok(size) => {
            assert_eq!(Some(u128::from(size.as_u64())), bytes_of(text));
            assert_eq!(size.to_string().parse::<ByteSize>().as_ref(), Ok(&size));
        }
        Err(error) => {
            assert!(bytes_of(text).is_none_or(|bytes| bytes > u128::from(u64::MAX)), "{text:?}");
            told(&error, error.code(), error.hint());
        }
    }
}

/// A digest has one form.
pub fn digest(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    let expected = digits.len() == 64 && !digits.contains(|c: char| !matches!(c, '0'..='9' | 'a'..='f'));
    verbatim::<Digest>(text, Some(expected));
    if let Err(error) = text.parse::<Digest>() {
        told(&error, error.code(), error.hint());
    }
}

/// A public key has one form, and verifies nothing that its owner did not sign.
pub fn key(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match text.parse::<PublicKey>() {
        Ok(key) => {
            assert_eq!(key.to_string(), text);
            assert_eq!(PublicKey::from_bytes(key.as_bytes()).as_ref(), Ok(&key));
            // What a key of small order would let through: R the identity or the key, s zero.
            let identity: Vec<u8> = (0..64).map(|place| u8::from(place == 0)).collect();
            let own: Vec<u8> = key.as_bytes().iter().copied().chain([0; 32]).collect();
            for signature in [identity, own, vec![0; 64]] {
                assert!(!key.verifies(b"message", &signature));
            }
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

/// The name of an interface, with its version, is written as it is read.
pub fn interface(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match text.parse::<Interface>() {
        Ok(interface) => {
            assert_eq!(interface.to_string(), text);
            let (name, version) = text.split_once('@').map_or((text, None), |(n, v)| (n, Some(v)));
            assert_eq!(interface.unversioned(), name);
            assert_eq!(interface.version.map(|version| version.to_string()).as_deref(), version);
            let words: Vec<&str> = name.split([':', '/']).collect();
            assert_eq!(words, [interface.namespace, interface.package, interface.name]);
        }
        Err(error) => told(&error, error.code(), None),
    }
}

/// What is read is written with the same characters; what is accepted is what should be.
fn verbatim<T: FromStr + Display + Debug>(text: &str, expected: Option<bool>) -> Option<T> {
    let read = text.parse::<T>().ok();
    if let Some(value) = &read {
        assert_eq!(value.to_string(), text);
    }
    if let Some(expected) = expected {
        assert_eq!(read.is_some(), expected, "{text:?}");
    }
    read
}

fn is_label(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= 64 && text.split('-').all(word)
}

/// Whether a path names one file below a directory, and the same one on Windows.
fn is_portable(text: &str) -> bool {
    let devices = ["CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "LPT9"];
    let plain = |segment: &str| {
        let stem = segment.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
        !devices.contains(&stem.as_str()) && !segment.ends_with(['.', ' '])
    };
    let normal: Vec<&str> = Path::new(text)
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    normal.join("/") == text
        && (1..=100).contains(&text.len())
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && !text.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
        && text.split('/').all(plain)
}

/// Whether two paths are one file, or one lies below the other, where case does not count.
fn same_file(one: &PackagePath, other: &PackagePath) -> bool {
    let (one, other) = (one.as_str().to_ascii_lowercase(), other.as_str().to_ascii_lowercase());
    Path::new(&one).starts_with(&other) || Path::new(&other).starts_with(&one)
}

/// The value of digits and a unit, without a limit that a text of this length could pass.
fn bytes_of(text: &str) -> Option<u128> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match text.get(digits.len()..)? {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    if digits.is_empty() || digits.contains(|c: char| !c.is_ascii_digit()) {
        return None;
    }
    // More than 128 bits is more than 64.
    Some(digits.parse::<u128>().ok().and_then(|count| count.checked_mul(factor)).unwrap_or(u128::MAX))
}
