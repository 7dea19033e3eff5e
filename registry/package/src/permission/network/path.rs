//! Path prefixes of a URL pattern, matched by whole segments.

use std::fmt;

use super::host::Refusal;

/// A path prefix without a trailing slash; the root is `/` and matches everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PathPrefix(String);

impl PathPrefix {
    /// Reads the path of a pattern: empty, or beginning with a slash.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        const PLAIN: &str = "write the plain path, such as /repos/example";
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        if trimmed.is_empty() {
            return Ok(Self("/".to_owned()));
        }
        if text.contains('*') {
            return Err((
                "a * stands where it has no meaning",
                "a path matches everything below it; leave out the *",
            ));
        }
        let segments = || trimmed.split('/').skip(1);
        if segments().any(|segment| matches!(segment, "." | "..")) {
            return Err(("the path has a dot segment", PLAIN));
        }
        if segments().any(str::is_empty) {
            return Err(("the path has a doubled slash", PLAIN));
        }
        if is_ambiguous(trimmed) {
            return Err(("the path has an encoded dot, slash or backslash", PLAIN));
        }
        if !has_well_formed_escapes(trimmed) || !is_canonical(trimmed) {
            return Err(("the path is not in its canonical form", PLAIN));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The prefix as text; `/` matches everything.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a normalised path of a URL lies at or below the prefix.
    ///
    /// A server may decode what the URL parser leaves alone, so a path that could mean another one after that
    /// matches the root only.
    pub(super) fn allows(&self, path: &str) -> bool {
        self.0 == "/" || (self.contains(path) && !is_ambiguous(path))
    }

    /// Whether everything below `other` is below this.
    pub(super) fn covers(&self, other: &PathPrefix) -> bool {
        self.0 == "/" || self.contains(&other.0)
    }

    fn contains(&self, path: &str) -> bool {
        path.strip_prefix(self.0.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a server that decodes a path, once or more times over, could find another one in it: an encoded dot,
/// slash or backslash, or a dot segment that hides behind path parameters (`..;x`).
fn is_ambiguous(path: &str) -> bool {
    let mut read = Vec::with_capacity(path.len());
    for byte in path.bytes() {
        read.push(byte);
        // What is decoded may end another escape: %252e, %25%32%65.
        while let Some(byte) = last_escape(&read) {
            if matches!(byte, b'.' | b'/' | b'\\') {
                return true;
            }
            read.truncate(read.len() - ESCAPE_LEN);
            read.push(byte);
        }
    }
    let is_dots = |segment: &[u8]| {
        let name = segment.split(|byte| *byte == b';').next();
        matches!(name, Some(b"." | b".."))
    };
    read.contains(&b'\\') || read.split(|byte| *byte == b'/').any(is_dots)
}

/// The length of an escape such as `%2e`.
const ESCAPE_LEN: usize = 3;

/// The byte that the last three stand for, where they are an escape.
fn last_escape(read: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    match read {
        [.., b'%', high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    }
}

fn has_well_formed_escapes(path: &str) -> bool {
    path.split('%')
        .skip(1)
        .all(|part| part.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())))
}

/// Whether the URL parser leaves the path as it is written.
fn is_canonical(path: &str) -> bool {
    url::Url::parse(&format!("https://host.example{path}")).is_ok_and(|url| url.path() == path)
}
