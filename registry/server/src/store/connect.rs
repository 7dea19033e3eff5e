//! From a URL to a pool of connections whose schema is the one that this server knows.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _};
use url::Url;

use crate::error::{Fault, Result};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The newest version of the schema that this server knows.
pub const SCHEMA_VERSION: i64 = 1;

/// Durable at each commit, readers beside the one writer, and no busy error while another process writes.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = 30000; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY;";

/// Durable at each commit, whatever is set for others: a checkpoint that clients saw must not be lost in a crash.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'";

/// How long a database is waited for.
const CONNECT_TIME: Duration = Duration::from_secs(15);

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A file of ours.
    Sqlite,
    /// A server.
    Postgres,
}

/// Where the database is.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: Url,
    dialect: Dialect,
}

impl DatabaseUrl {
    /// A SQLite file.
    ///
    /// # Errors
    ///
    /// A path that cannot stand in a URL.
    pub fn file(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Fault::file(path))?;
        let bad = || Fault::Usage(format!("{} cannot be the path of a database", path.display()));
        let file = Url::from_file_path(&path).map_err(|()| bad())?;
        let url = Url::parse(&format!("sqlite://{}?mode=rwc", file.path())).map_err(|_| bad())?;
        Ok(Self { url, dialect: Dialect::Sqlite })
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        match url.scheme() {
            "postgres" | "postgresql" => Ok(Self { url, dialect: Dialect::Postgres }),
            "sqlite" => {
                let path = file_path(&url).ok_or("write sqlite:///path/to/file")?;
                Self::file(Path::new(&path)).map_err(|error| error.to_string())
            }
            _ => Err("write postgres://user@host/database or sqlite:///path/to/file".to_owned()),
        }
    }
}

/// The path of a `sqlite:` URL, decoded.
fn file_path(url: &Url) -> Option<PathBuf> {
    Url::parse(&format!("file://{}", url.path())).ok()?.to_file_path().ok()
}

/// Without the password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.url.scheme(), self.url.host_str().unwrap_or_default(), self.url.path())
    }
}

pub(super) async fn pool(url: &DatabaseUrl) -> Result<AnyPool> {
    sqlx::any::install_default_drivers();
    // The provider may be there already, from another part of the program.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dialect = url.dialect;
    let options: AnyConnectOptions = AnyConnectOptions::from_url(&url.url)?.disable_statement_logging();
    if dialect == Dialect::Sqlite
        && let Some(path) = file_path(&url.url)
    {
        make_private(&path).map_err(Fault::file(&path))?;
    }
    probe(&options, dialect).await?;
    let pool = AnyPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(CONNECT_TIME)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(settings(dialect)).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Makes the file where there is none: it holds what is private, and what SQLite puts beside it gets the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

fn settings(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Sqlite { PRAGMAS } else { DURABLE }
}

/// Connects once outside the pool, which would try again and again where nothing listens or a file is no database.
async fn probe(options: &AnyConnectOptions, dialect: Dialect) -> Result<()> {
    let attempt = async {
        let mut connection = AnyConnection::connect_with(options).await?;
        connection.execute(settings(dialect)).await?;
        connection.close().await
    };
    let done = tokio::time::timeout(CONNECT_TIME, attempt).await;
    Ok(done.unwrap_or(Err(sqlx::Error::PoolTimedOut))?)
}

pub(super) async fn migrate(pool: &AnyPool, dialect: Dialect) -> Result<()> {
    let migrator = match dialect {
        Dialect::Sqlite => &SQLITE,
        Dialect::Postgres => &POSTGRES,
    };
    match migrator.run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => {
            Err(Fault::SchemaTooNew { found, known: SCHEMA_VERSION }.into())
        }
        Err(MigrateError::Execute(error)) => Err(error.into()),
        Err(error) => Err(Fault::Migration(error).into()),
    }
}
