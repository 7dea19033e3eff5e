//! What `git diff --raw --numstat -z` tells.

use std::collections::HashMap;

use openclaw_skill::{Error, Result};

use crate::text::parts;

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Modified,
    Deleted,
    Renamed,
    Copied,
    /// It became a link, or ceased to be one.
    Retyped,
}

impl Kind {
    /// The kind of a letter of git's.
    pub fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'A' => Self::Added,
            'M' => Self::Modified,
            'D' => Self::Deleted,
            'R' => Self::Renamed,
            'C' => Self::Copied,
            'T' => Self::Retyped,
            _ => return None,
        })
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Copied => "copied",
            Self::Retyped => "retyped",
        }
    }
}

/// A changed file.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: Kind,
    pub path: String,
    /// Where it was before, if it was renamed or copied.
    pub from: Option<String>,
    /// Lines that were added and removed; none of a binary file.
    pub lines: Option<(u64, u64)>,
}

/// The changes of a diff, in git's order: first comes a line of each file, then another with its numbers.
pub fn parse(output: &[u8]) -> Result<Vec<Change>> {
    let mut changes: Vec<Change> = Vec::new();
    let mut places = HashMap::new();
    let mut entries = parts(output, '\0').into_iter();
    while let Some(entry) = entries.next() {
        let incomplete = || Error::failed(format!("git diff printed {entry:?}, and nothing after it"));
        if let Some(raw) = entry.strip_prefix(':') {
            let letter = raw.rsplit(' ').next().and_then(|state| state.chars().next()).unwrap_or('M');
            let kind = Kind::of(letter).unwrap_or(Kind::Modified);
            let first = entries.next().ok_or_else(incomplete)?;
            let (from, path) = match kind {
                Kind::Renamed | Kind::Copied => (Some(first), entries.next().ok_or_else(incomplete)?),
                _ => (None, first),
            };
            places.insert(path.clone(), changes.len());
            changes.push(Change { kind, path, from, lines: None });
            continue;
        }
        let mut numbers = entry.splitn(3, '\t');
        let (added, removed) = (numbers.next(), numbers.next());
        let path = match numbers.next().ok_or_else(incomplete)? {
            // Where there are two paths, they follow on their own.
            "" => entries.nth(1).ok_or_else(incomplete)?,
            path => path.to_owned(),
        };
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        if let Some(change) = places.get(&path).and_then(|place| changes.get_mut(*place)) {
            change.lines = number(added).zip(number(removed));
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_read() {
        let output = b":000000 100644 0000000 aaaaaaa A\0src/new.rs\0\
                       :100644 100644 aaaaaaa aaaaaaa R100\0old\0new\0\
                       :100644 100644 aaaaaaa bbbbbbb M\0picture.png\0\
                       10\t0\tsrc/new.rs\x001\t2\t\0old\0new\0-\t-\tpicture.png\0";
        let changes = parse(output).unwrap();
        let change = |kind, path: &str, from: Option<&str>, lines| Change {
            kind,
            path: path.to_owned(),
            from: from.map(str::to_owned),
            lines,
        };
        let expected = [
            change(Kind::Added, "src/new.rs", None, Some((10, 0))),
            change(Kind::Renamed, "new", Some("old"), Some((1, 2))),
            change(Kind::Modified, "picture.png", None, None),
        ];
        assert_eq!(changes, expected);
        assert!(parse(b"").unwrap().is_empty());
    }

    #[test]
    fn half_a_diff_is_refused() {
        assert!(parse(b":000000 100644 0000000 aaaaaaa A\0").is_err());
        assert!(parse(b":100644 100644 aaaaaaa aaaaaaa R100\0old\0").is_err());
    }
}
