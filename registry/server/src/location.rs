//! Where a registry keeps what: a data directory, and perhaps a database and a store of blobs elsewhere.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use crate::blobs::{Blobs, BlobsUrl};
use crate::error::{Fault, Result};
use crate::keys::Keys;
use crate::store::{DatabaseUrl, Store};

/// Where a registry keeps what.
#[derive(Debug, Clone, clap::Args)]
pub struct Location {
    /// The directory of the registry: its keys, and by default its database and blobs
    #[arg(long, value_name = "DIR", env = "OPENCLAW_REGISTRY_DATA", default_value = "openclaw-registry")]
    pub data: PathBuf,
    /// A database elsewhere: postgres://user@host/database
    #[arg(long, value_name = "URL", env = "OPENCLAW_REGISTRY_DATABASE", hide_env_values = true)]
    pub database: Option<DatabaseUrl>,
    /// Blobs elsewhere: s3://bucket/prefix?endpoint=…&region=… with the AWS_* variables, or a directory
    #[arg(long, value_name = "URL")]
    pub blobs: Option<BlobsUrl>,
}

/// The one server of a data directory. Others are kept out as long as it lives.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl Location {
    /// A data directory that has everything.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { data: path.into(), database: None, blobs: None }
    }

    /// Makes the data directory where there is none.
    ///
    /// # Errors
    ///
    /// A directory that cannot be made.
    pub fn create(&self) -> Result<()> {
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&self.data);
        made.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => self.no_directory(),
            _ => Fault::file(&self.data)(error),
        })?;
        Ok(())
    }

    fn no_directory(&self) -> Fault {
        let fact = format!("{} is a file, or leads through one", self.data.display());
        Fault::state(fact, "name a directory with --data")
    }

    /// The arguments with which a command finds this place again, for hints; a URL may hold a password.
    pub fn arguments(&self) -> String {
        let shown = self.data.display().to_string();
        let plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@%".contains(letter);
        let data = if !shown.is_empty() && shown.chars().all(plain) {
            shown
        } else {
            format!("'{}'", shown.replace('\'', "'\\''"))
        };
        let database = if self.is_embedded() { "" } else { " --database URL" };
        let blobs = if self.blobs.is_none() { "" } else { " --blobs URL" };
        format!("--data {data}{database}{blobs}")
    }

    /// The directory for what is not believed yet, which only its owner can read.
    ///
    /// # Errors
    ///
    /// A directory that cannot be made.
    pub fn staging(&self) -> Result<PathBuf> {
        let path = self.data.join("staging");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&path).map_err(Fault::file(&path))?;
        // One that an earlier server made may be open to others.
        fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(Fault::file(&path))?;
        Ok(path)
    }

    /// Keeps other servers out of the directory.
    ///
    /// # Errors
    ///
    /// [`Fault::InUse`] where another one has it.
    pub fn lock(&self) -> Result<DirectoryLock> {
        let path = self.data.join("lock");
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(Fault::file(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(DirectoryLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Fault::InUse(self.data.clone()).into()),
            Err(TryLockError::Error(error)) => Err(Fault::file(path)(error).into()),
        }
    }

    /// Whether the database is a file in the data directory.
    pub fn is_embedded(&self) -> bool {
        self.database.is_none()
    }

    /// The database's file, where it is one of ours.
    pub fn database_file(&self) -> PathBuf {
        self.data.join("registry.sqlite")
    }

    /// Refuses a directory in which no registry was ever started.
    ///
    /// # Errors
    ///
    /// [`Fault::State`].
    pub fn must_exist(&self) -> Result<()> {
        if !self.is_embedded() {
            return Ok(());
        }
        // What may not be looked at is another fault than what is not there.
        match fs::metadata(self.database_file()) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let fact = format!("there is no registry in {}", self.data.display());
                let hint = format!("`openclaw registry serve {}` makes one", self.arguments());
                Err(Fault::state(fact, hint).into())
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => Err(self.no_directory().into()),
            Err(error) => Err(Fault::file(&self.data)(error).into()),
        }
    }

    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// A database that cannot be opened.
    pub async fn store(&self) -> Result<Store> {
        match &self.database {
            Some(url) => Store::open(url).await,
            None => Store::open(&DatabaseUrl::file(&self.database_file())?).await,
        }
    }

    /// Opens the store of blobs.
    ///
    /// # Errors
    ///
    /// A store that cannot be opened.
    pub fn blobs(&self) -> Result<Blobs> {
        match &self.blobs {
            Some(url) => Blobs::open(url),
            None => Blobs::open(&BlobsUrl::directory(&self.data.join("blobs"))?),
        }
    }

    /// The mark of a restore that has not come to its end.
    fn mark(&self) -> PathBuf {
        self.data.join("restoring")
    }

    /// Marks the directory, durably, as one that a restore has begun to fill.
    ///
    /// # Errors
    ///
    /// A directory that cannot be written.
    pub fn begin_restore(&self) -> Result<()> {
        let mark = self.mark();
        let write = || {
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&mark)?
                .sync_all()?;
            File::open(&self.data)?.sync_all()
        };
        Ok(write().map_err(Fault::file(&mark))?)
    }

    /// Takes the mark away, if it is there.
    ///
    /// # Errors
    ///
    /// A directory that cannot be written.
    pub fn end_restore(&self) -> Result<()> {
        match fs::remove_file(self.mark()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Fault::file(self.mark())(error).into()),
            _ => Ok(()),
        }
    }

    /// Whether a restore began here and did not come to its end.
    pub fn is_half_restored(&self) -> bool {
        self.mark().exists()
    }

    /// Refuses a place that is half restored and has no registry therefore.
    ///
    /// # Errors
    ///
    /// [`Fault::State`].
    pub fn must_be_whole(&self) -> Result<()> {
        if !self.is_half_restored() {
            return Ok(());
        }
        let fact = format!("a restore into {} did not come to its end", self.data.display());
        let again = format!("openclaw registry admin restore FILE {}", self.arguments());
        let hint = format!("restore the same backup again (`{again}`), or name another directory");
        Err(Fault::state(fact, hint).into())
    }

    /// The registry's keys.
    pub fn keys(&self) -> Keys {
        Keys::below(&self.data)
    }
}
