//! The names of a program, and of the programs that it may start.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::conversions::string_conversions;
use crate::permission::{AbsolutePath, PermissionError};
use crate::text::quoted;

const MAX_NAME_LEN: usize = 64;

/// A program of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Program {
    /// A bare name, found on the owner's `PATH` when it is granted: 1 to 64 of `A-Za-z0-9._+-`, beginning with
    /// neither `-` nor `.`.
    Name(String),
    /// The program itself.
    Path(AbsolutePath),
}

impl Program {
    /// The program as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Path(path) => path.as_str(),
        }
    }

    /// Whether a path is called by this: a name by its last part, a path by the whole of it.
    pub fn names(&self, path: &Path) -> bool {
        match self {
            Self::Name(name) => path.file_name() == Some(OsStr::new(name)),
            Self::Path(own) => path.as_os_str() == OsStr::new(own.as_str()),
        }
    }
}

impl FromStr for Program {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let refuse = |problem| PermissionError::Program { program: quoted(text), problem };
        if text.contains('/') {
            return text.parse().map(Self::Path).map_err(|error| refuse(path_problem(&error)));
        }
        check_name(text).map_err(refuse)?;
        Ok(Self::Name(text.to_owned()))
    }
}

/// Another program, that a program may start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Helper {
    /// A bare name, found as [`Program::Name`] is: `sh`.
    Name(String),
    /// Every program in a directory of that name, in `lib` or `libexec` of the program's prefix. It is written
    /// with a slash at the end, `git-core/`, and kept without.
    Directory(String),
    /// The program itself: `/usr/bin/gpg`.
    Path(AbsolutePath),
}

impl Helper {
    /// Whether a path is called by this: a name or a directory by its last part, a path by the whole of it.
    pub fn names(&self, path: &Path) -> bool {
        match self {
            Self::Name(name) | Self::Directory(name) => path.file_name() == Some(OsStr::new(name)),
            Self::Path(own) => path.as_os_str() == OsStr::new(own.as_str()),
        }
    }
}

impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Directory(name) => write!(f, "{name}/"),
            Self::Path(path) => f.write_str(path.as_str()),
        }
    }
}

impl FromStr for Helper {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let refuse = |problem| PermissionError::Helper { helper: quoted(text), problem };
        if text.starts_with('/') {
            return text.parse().map(Self::Path).map_err(|error| refuse(path_problem(&error)));
        }
        let name = text.strip_suffix('/').unwrap_or(text);
        check_name(name).map_err(refuse)?;
        let name_of = if name == text { Self::Name } else { Self::Directory };
        Ok(name_of(name.to_owned()))
    }
}

impl TryFrom<String> for Helper {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<Helper> for String {
    fn from(helper: Helper) -> String {
        helper.to_string()
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > MAX_NAME_LEN {
        return Err("it is too long");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte)) {
        return Err("a name has none but A-Z, a-z, 0-9, '.', '_', '+' and '-'");
    }
    if name.starts_with(['-', '.']) {
        return Err("it begins with a hyphen or a dot");
    }
    Ok(())
}

/// What is wrong with a path that is to be a program's.
fn path_problem(error: &PermissionError) -> &'static str {
    match error {
        PermissionError::Tree { problem, .. } => problem,
        _ => "it is not a path",
    }
}

string_conversions!(Program, PermissionError);
