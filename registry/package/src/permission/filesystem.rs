//! Requests for directory trees.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{PermissionError, PermissionKind, Reason};
use crate::conversions::string_conversions;
use crate::text::{self, Lines, quoted};

const WORKSPACE: &str = "$workspace";
const DATA: &str = "$data";
const GUEST_WORKSPACE: &str = "/workspace";
const GUEST_DATA: &str = "/data";
const MAX_PATH_LEN: usize = 4096;

/// `[[permission.filesystem]]`: reading, or reading and writing, in one tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesystemRequest {
    /// Where.
    pub tree: Tree,
    /// What may be done there.
    pub access: Access,
    /// What it is used for.
    pub reason: Reason,
}

impl FilesystemRequest {
    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        self.access.kind()
    }

    /// Whether this asks at least what `other` asks: the same tree or one around it, with as much access.
    pub fn covers(&self, other: &FilesystemRequest) -> bool {
        self.tree.contains(&other.tree) && self.access.covers(other.access)
    }
}

/// What may be done in a tree. Writing implies reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Access {
    /// Read files and list directories.
    Read,
    /// Also create, change and remove them.
    Write,
}

impl Access {
    /// Whether this access includes `other`.
    pub fn covers(self, other: Access) -> bool {
        self >= other
    }

    /// The kind of permission this access is.
    pub fn kind(self) -> PermissionKind {
        match self {
            Self::Read => PermissionKind::FilesystemRead,
            Self::Write => PermissionKind::FilesystemWrite,
        }
    }

    /// The access as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl FromStr for Access {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err(PermissionError::Access(quoted(text))),
        }
    }
}

/// A directory tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tree {
    /// `$workspace`: the directory of the call.
    Workspace,
    /// `$data`: the skill's own, kept between calls and over upgrades.
    Data,
    /// A directory of the host, by name.
    Path(AbsolutePath),
}

impl Tree {
    /// Where the guest sees the tree.
    pub fn guest_path(&self) -> &str {
        match self {
            Self::Workspace => GUEST_WORKSPACE,
            Self::Data => GUEST_DATA,
            Self::Path(path) => path.as_str(),
        }
    }

    /// The tree as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Workspace => WORKSPACE,
            Self::Data => DATA,
            Self::Path(path) => path.as_str(),
        }
    }

    /// Whether `other` is this tree or lies inside it, as far as the names tell.
    pub fn contains(&self, other: &Tree) -> bool {
        match (self, other) {
            (Self::Path(outer), Self::Path(inner)) => inner.as_path().starts_with(outer.as_path()),
            _ => self == other,
        }
    }
}

impl FromStr for Tree {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        match text {
            WORKSPACE => Ok(Self::Workspace),
            DATA => Ok(Self::Data),
            _ if text.starts_with('$') => {
                Err(PermissionError::Tree { tree: quoted(text), problem: "there is no such variable" })
            }
            _ => text.parse().map(Self::Path),
        }
    }
}

/// An absolute, normalised path of the host that is not its root.
///
/// It has no `.` or `..`, no empty segment, no trailing slash and no hidden characters, and lies neither in
/// `/workspace` nor in `/data`, which are the guest's names for other trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AbsolutePath(String);

impl AbsolutePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl FromStr for AbsolutePath {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let refuse = |problem| PermissionError::Tree { tree: quoted(text), problem };
        let Some(relative) = text.strip_prefix('/') else {
            return Err(refuse("it is not an absolute path"));
        };
        if relative.is_empty() {
            return Err(refuse("the root directory cannot be asked"));
        }
        if text.len() > MAX_PATH_LEN {
            return Err(refuse("it is too long"));
        }
        if text::check(text, Lines::One).is_err() {
            return Err(refuse("it has a character that does not show"));
        }
        if text.contains('\\') {
            return Err(refuse("it has a backslash"));
        }
        if relative.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(refuse("it is not normalised: no . or .., no doubled or trailing slash"));
        }
        if matches!(relative.split('/').next(), Some("workspace" | "data")) {
            return Err(refuse("/workspace and /data are the guest's names of $workspace and $data"));
        }
        Ok(Self(text.to_owned()))
    }
}

string_conversions!(Access, PermissionError);
string_conversions!(Tree, PermissionError);
string_conversions!(AbsolutePath, PermissionError);
