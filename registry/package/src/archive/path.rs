//! Paths in a package: relative, ASCII, and the same on every operating system.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::quoted;

/// The longest path, in bytes: what a ustar header holds without a prefix.
pub const MAX_PATH_LEN: usize = 100;

const MAX_DEPTH: usize = 16;

/// Why a name cannot stand in a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path {path:?} {problem}")]
pub struct PathError {
    path: String,
    problem: PathProblem,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathProblem {
    /// It has no characters.
    #[error("is empty")]
    Empty,
    /// It has more than [`MAX_PATH_LEN`] bytes.
    #[error("is longer than {MAX_PATH_LEN} bytes")]
    TooLong,
    /// It nests too deep.
    #[error("has more than {MAX_DEPTH} segments")]
    TooDeep,
    /// It begins with a slash.
    #[error("is absolute")]
    Absolute,
    /// A character that is not printable ASCII, or that some system gives another meaning.
    #[error("has the character {0:?}")]
    Character(char),
    /// Bytes that are not ASCII.
    #[error("is not ASCII")]
    NotAscii,
    /// A segment `.` or `..`, or an empty one.
    #[error("is not normalised")]
    NotNormalised,
    /// A segment that begins or ends with a space, or ends with a dot.
    #[error("has a segment with a dot or space at its edge")]
    Edge,
    /// A name that Windows gives to a device.
    #[error("has the name of a Windows device")]
    Device,
    /// It stands there already.
    #[error("stands there twice")]
    Duplicate,
    /// It differs from another path by case only.
    #[error("differs from {0} by case only")]
    Case(String),
    /// It is a file here and a directory in another path, or the other way round.
    #[error("is a file and a directory at once, with {0}")]
    FileAndDirectory(String),
}

impl PathError {
    pub(super) fn new(path: &str, problem: PathProblem) -> Self {
        Self { path: quoted(path), problem }
    }

    /// The path, cut short and escaped.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &PathProblem {
        &self.problem
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self.problem {
            PathProblem::Duplicate | PathProblem::Case(_) | PathProblem::FileAndDirectory(_) => {
                "duplicate-path"
            }
            _ => "unsafe-path",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("rename the file: short, printable ASCII, valid on every operating system".to_owned())
    }
}

/// The path of a file in a package.
///
/// It is relative and normalised, at most [`MAX_PATH_LEN`] bytes of printable ASCII, without `\ : * ? " < > |`,
/// without dots or spaces at the end of a segment and without the names of Windows devices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackagePath(String);

impl PackagePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path from the bytes of a header.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, PathError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.parse(),
            Err(_) => Err(PathError::new(&String::from_utf8_lossy(bytes), PathProblem::NotAscii)),
        }
    }

    /// The path of the directory, or `None` at the top.
    pub(super) fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }
}

impl FromStr for PackagePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        check(text).map_err(|problem| PathError::new(text, problem))?;
        Ok(Self(text.to_owned()))
    }
}

fn check(text: &str) -> Result<(), PathProblem> {
    if text.is_empty() {
        return Err(PathProblem::Empty);
    }
    if text.len() > MAX_PATH_LEN {
        return Err(PathProblem::TooLong);
    }
    if text.starts_with('/') {
        return Err(PathProblem::Absolute);
    }
    for character in text.chars() {
        if !character.is_ascii() {
            return Err(PathProblem::NotAscii);
        }
        if character.is_ascii_control() || matches!(character, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        {
            return Err(PathProblem::Character(character));
        }
    }
    if text.split('/').count() > MAX_DEPTH {
        return Err(PathProblem::TooDeep);
    }
    text.split('/').try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), PathProblem> {
    if matches!(segment, "" | "." | "..") {
        return Err(PathProblem::NotNormalised);
    }
    if segment.starts_with(' ') || segment.ends_with([' ', '.']) {
        return Err(PathProblem::Edge);
    }
    let stem = segment.split('.').next().unwrap_or(segment).trim_end().to_ascii_lowercase();
    let numbered = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"))
        .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if numbered || matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" | "clock$") {
        return Err(PathProblem::Device);
    }
    Ok(())
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<std::path::Path> for PackagePath {
    fn as_ref(&self) -> &std::path::Path {
        self.0.as_ref()
    }
}

impl TryFrom<String> for PackagePath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<PackagePath> for String {
    fn from(path: PackagePath) -> String {
        path.0
    }
}

/// What a name is in a set of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    File,
    Directory,
}

/// Paths that can live in one directory on a system that ignores case.
#[derive(Debug, Default)]
pub struct PathSet {
    /// From the lower-case form of every file and directory to how it was first written.
    names: BTreeMap<String, (String, Role)>,
}

impl PathSet {
    /// Adds the path of a file.
    ///
    /// # Errors
    ///
    /// A path that is there already, that differs from another by case only in any of its segments, or that is
    /// a file here and a directory there.
    pub fn insert(&mut self, path: &PackagePath) -> Result<(), PathError> {
        let text = path.as_str();
        let directories = text.match_indices('/').filter_map(|(end, _)| text.get(..end));
        for directory in directories {
            self.name(path, directory, Role::Directory)?;
        }
        self.name(path, text, Role::File)
    }

    fn name(&mut self, path: &PackagePath, name: &str, role: Role) -> Result<(), PathError> {
        let refuse = |problem| Err(PathError::new(path.as_str(), problem));
        let key = name.to_ascii_lowercase();
        match self.names.get(&key) {
            None => {
                self.names.insert(key, (name.to_owned(), role));
                Ok(())
            }
            Some((first, _)) if first != name => refuse(PathProblem::Case(first.clone())),
            Some((first, known)) if *known != role => refuse(PathProblem::FileAndDirectory(first.clone())),
            Some((_, Role::File)) => refuse(PathProblem::Duplicate),
            Some((_, Role::Directory)) => Ok(()),
        }
    }
}
