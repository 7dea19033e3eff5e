//! `$workspace`: the one directory that a call may be given to work in.

use std::path::{Path, PathBuf};

/// A resolved workspace: an absolute path without links, never `/` and never the home directory itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace(PathBuf);

/// Why a directory cannot be a workspace.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// It is not there.
    #[error("the workspace {} cannot be used: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a directory.
    #[error("the workspace {} is not a directory", path.display())]
    NotDirectory {
        /// The path.
        path: PathBuf,
    },
    /// It would give away everything.
    #[error("{} cannot be a workspace: a skill would reach everything in it", path.display())]
    TooWide {
        /// The directory.
        path: PathBuf,
    },
}

impl Workspace {
    /// Resolves a directory.
    ///
    /// # Errors
    /// See [`WorkspaceError`].
    pub fn resolve(path: &Path) -> Result<Self, WorkspaceError> {
        let real =
            path.canonicalize().map_err(|source| WorkspaceError::Io { path: path.to_owned(), source })?;
        if !real.is_dir() {
            return Err(WorkspaceError::NotDirectory { path: real });
        }
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        // A directory above the home holds the home as well.
        if real.parent().is_none() || home.is_some_and(|home| home.starts_with(&real)) {
            return Err(WorkspaceError::TooWide { path: real });
        }
        Ok(Self(real))
    }

    /// A directory that another process of this host resolved.
    pub(crate) fn resolved(path: PathBuf) -> Self {
        Self(path)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}
