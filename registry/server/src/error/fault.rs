//! What went wrong on the registry's own side.

use std::io;
use std::path::PathBuf;

use openclaw_package::KeyError;
use openclaw_package::log::LogError;
use openclaw_package::registry::{HistoryError, OriginError, RootError};

use super::{Error, Refusal};

/// A failure of the registry or of its operator's machine. A client hears no more than that there was one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
    /// The file of SQLite is not, or not any more, a database.
    #[error("the database is damaged (registry.sqlite, unless another was named): {0}")]
    DatabaseDamaged(sqlx::Error),
    /// The database is of a newer server.
    #[error("the database has schema version {found}, and this server knows versions to {known}")]
    SchemaTooNew {
        /// The version of the database.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migration(sqlx::migrate::MigrateError),
    /// The store of blobs failed.
    #[error("the store of blobs failed: {0}")]
    Blobs(#[from] object_store::Error),
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another server has the data directory.
    #[error("{} is in use by another server", .0.display())]
    InUse(PathBuf),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// There is no registry yet, or there is one already.
    #[error("{fact}")]
    State {
        /// The fact.
        fact: String,
        /// What to do next.
        hint: String,
    },
    /// What an operator wrote cannot be used.
    #[error("{0}")]
    Usage(String),
    /// A secret key is missing.
    #[error("the secret half of the {purpose} key {key} is not in {}", .place.display())]
    NoKey {
        /// What it is for.
        purpose: &'static str,
        /// Its public half.
        key: String,
        /// Where it was looked for.
        place: PathBuf,
    },
    /// No secret root key is there, which is needed to sign a root.
    #[error("no root-*.key is in {}", .0.display())]
    NoRootKey(PathBuf),
    /// A key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A root cannot be made or does not hold.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The name of the registry cannot be one.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The log does not hold together.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A file is no backup at all.
    #[error("{} is not a backup", .0.display())]
    NotBackup(PathBuf),
    /// A backup cannot be read, or is not what was written.
    #[error("the backup cannot be used: {0}")]
    Backup(String),
    /// A part of the server ended before its time.
    #[error("a task of the server ended early: {0}")]
    Task(String),
}

impl Fault {
    /// A state of things in which something cannot be done.
    pub fn state(fact: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::State { fact: fact.into(), hint: hint.into() }
    }

    /// A failure at a file.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    /// A part of the server that ended before its time.
    pub fn task(error: impl std::fmt::Display) -> Self {
        Self::Task(error.to_string())
    }

    /// Something stored that cannot be read back.
    pub fn damaged(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("{what}: {error}"))
    }

    /// Whether the same may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::PoolTimedOut))
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database(_) => "database",
            Self::DatabaseDamaged(_) => "database-damaged",
            Self::SchemaTooNew { .. } => "schema-too-new",
            Self::Migration(_) => "migration",
            Self::Blobs(_) => "blobs",
            Self::File { .. } => "file",
            Self::InUse(_) => "in-use",
            Self::Listen { .. } => "cannot-listen",
            Self::State { .. } => "wrong-state",
            Self::Usage(_) => "usage",
            Self::NoKey { .. } | Self::NoRootKey(_) => "no-key",
            Self::Key(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::Origin(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::Damaged(_) => "damaged",
            Self::Backup(_) | Self::NotBackup(_) => "bad-backup",
            Self::Task(_) => "internal",
        }
    }

    /// What the operator does next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::State { hint, .. } => hint.as_str(),
            Self::DatabaseDamaged(_) => {
                "restore a backup: openclaw registry admin restore FILE --data AN-EMPTY-DIRECTORY"
            }
            Self::SchemaTooNew { .. } => "start the server that wrote it, or a newer one",
            Self::InUse(_) => "stop the other server, or give each a directory of its own",
            Self::Listen { error, .. } => listen_hint(error.kind()),
            Self::NoKey { .. } => "put the key file back from a backup",
            Self::NoRootKey(_) => "bring it back from where you keep it, and take it away again afterwards",
            Self::Damaged(_) => {
                "openclaw registry admin verify shows all of it; what --repair does not mend comes from a backup"
            }
            Self::NotBackup(_) => "name a file that openclaw registry admin backup wrote",
            Self::Backup(_) => "nothing was restored; use another backup",
            Self::File { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                "run it as the user whose file it is"
            }
            Self::Database(_) | Self::Blobs(_) => "check that the store can be reached and has room",
            Self::Key(error) => return error.hint(),
            Self::Root(error) => return error.hint(),
            Self::Log(error) => return error.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn listen_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrNotAvailable => {
            "it is no address of this machine; 0.0.0.0 listens on all that it has, 127.0.0.1 on none from outside"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 are for root; choose a higher one with --listen",
        _ => "stop what listens there, or choose another address with --listen",
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        /// SQLITE_CORRUPT and SQLITE_NOTADB, whatever stands in the upper bits of an extended code.
        const DAMAGED: [u32; 2] = [11, 26];
        let code = error.as_database_error().and_then(|error| error.code());
        // PostgreSQL's codes have five characters.
        let code = code.filter(|code| code.len() < 5).and_then(|code| code.parse::<u32>().ok());
        if code.is_some_and(|code| DAMAGED.contains(&(code & 0xff))) {
            return Self::DatabaseDamaged(error);
        }
        Self::Database(error)
    }
}

/// Failures of the operator's side become errors where `?` meets them.
macro_rules! failed {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Fault::from(error).into()
            }
        })*
    };
}

failed!(KeyError, RootError, LogError, OriginError, sqlx::Error, object_store::Error);

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Self {
        Refusal::History(error).into()
    }
}
