//! Where things lie: the data directory, its files, and how they are replaced.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use openclaw_package::name::{PublisherName, SkillId};
use rustix::fs::{FlockOperation, flock};

/// An owner's data directory: `$OPENCLAW_DATA_DIR`, by default `~/.openclaw`.
///
/// ```text
/// policy.toml       the owner's rules                    openclaw.lock   what is installed, pinned
/// trust.toml        publishers' keys                     keys/           this owner's signing keys
/// skills/           installed packages                   staging/        packages being installed
/// data/             `$data` of each skill                memory/         key-value stores
/// audit.ndjson      a record of each call                audit/          its full files and its head
/// logs/             what skills logged
/// registries/       pins, roots and takedowns of each registry
/// secrets/          secrets of skills, or where each is kept
/// triggers.db       what was called by itself, and what the owner said of it
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct LayoutError {
    /// Which file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl LayoutError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self { path: path.to_owned(), source }
    }
}

impl DataDir {
    /// Opens a data directory, and makes it, for this user alone, if it is not there.
    ///
    /// # Errors
    /// [`LayoutError`] where it can be neither found nor made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let root = root.into();
        private_dir(&root)?;
        let root = root.canonicalize().map_err(LayoutError::at(&root))?;
        let meta = std::fs::metadata(&root).map_err(LayoutError::at(&root))?;
        // Whoever can write here decides whom this owner trusts.
        if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
            let source = io::Error::other("the data directory must be yours, and writable by you alone");
            return Err(LayoutError { path: root, source });
        }
        Ok(Self { root })
    }

    /// The directory itself, without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The owner's policy.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.root.join("policy.toml")
    }

    /// The publishers that the owner trusts.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.root.join("trust.toml")
    }

    /// What is installed.
    #[must_use]
    pub fn lockfile(&self) -> PathBuf {
        self.root.join("openclaw.lock")
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit.ndjson")
    }

    /// A publisher's signing key.
    #[must_use]
    pub fn key(&self, publisher: &PublisherName) -> PathBuf {
        self.keys().join(format!("{publisher}.key"))
    }

    /// The directory of signing keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The directory that holds a skill's installed versions.
    #[must_use]
    pub fn skill(&self, skill: &SkillId) -> PathBuf {
        self.below("skills", skill)
    }

    /// A skill's `$data`.
    #[must_use]
    pub fn data(&self, skill: &SkillId) -> PathBuf {
        self.below("data", skill)
    }

    /// A skill's log.
    #[must_use]
    pub fn log(&self, skill: &SkillId) -> PathBuf {
        let mut path = self.below("logs", skill);
        path.set_extension("log");
        path
    }

    /// The directory of the key-value stores.
    #[must_use]
    pub fn memory(&self) -> PathBuf {
        self.root.join("memory")
    }

    /// The directory of the registries that the owner logged in to, a folder each.
    #[must_use]
    pub fn registries(&self) -> PathBuf {
        self.root.join("registries")
    }

    /// The directory of secrets: a folder for each publisher, a file for each skill.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// What was called by itself, and what the owner said of it.
    #[must_use]
    pub fn triggers(&self) -> PathBuf {
        self.root.join("triggers.db")
    }

    /// Where packages are unpacked before they are accepted.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    fn below(&self, kind: &str, skill: &SkillId) -> PathBuf {
        self.root.join(kind).join(skill.publisher().as_str()).join(skill.name().as_str())
    }

    /// Keeps other processes from changing the directory until the answer is dropped.
    ///
    /// # Errors
    /// [`LayoutError`] where the lock cannot be made or taken.
    pub fn lock(&self) -> Result<DataDirLock, LayoutError> {
        let path = self.root.join(".lock");
        let at = |source: io::Error| LayoutError { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|errno| at(errno.into()))?;
        Ok(DataDirLock { _file: file })
    }
}

/// Where it is counted how much a skill's `$data` holds: beside it, where no skill reaches.
pub(crate) fn quota_file(data: &Path) -> PathBuf {
    data.with_extension("quota")
}

/// The right to change a data directory.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

/// Makes a directory, and those above it, for this user alone.
pub(crate) fn private_dir(path: &Path) -> Result<(), LayoutError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(LayoutError::at(path))
}

/// Puts `bytes` in place of a file: whole or not at all, even if the machine stops.
///
/// # Errors
/// [`LayoutError`]; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let dir = path.parent().unwrap_or(path);
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(LayoutError::at(path))
}
