//! The registry itself: what may be done, by whom, and what follows from it. It knows no HTTP.

mod append;
mod blob;
mod caller;
pub mod discovery;
mod entries;
mod health;
mod page;
mod provenance;
mod publish;
mod publishers;
mod readme;
mod root;
mod start;
mod sweep;
mod takedown;
mod tokens;
mod upload;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use openclaw_package::registry::TrustedRoot;
use openclaw_package::{Envelope, PublisherName, SigningKey};
use sqlx::AnyConnection;
use tokio::sync::{Mutex, Semaphore};

use crate::blobs::Blobs;
use crate::error::{Fault, Result};
use crate::keys::{Keys, Purpose};
use crate::limits::Limits;
use crate::location::{DirectoryLock, Location};
use crate::store::{Store, log};

pub use blob::Blob;
pub use caller::Caller;
pub use root::Rotation;
pub(crate) use root::follow;
pub use start::{Start, Started};
pub use tokens::{Issued, NewToken};
pub use upload::{Received, Upload, UploadPlace, read_publication};
pub(crate) use upload::{read as read_package, verify_package};

/// A registry: a database, blobs, keys and the rules over them.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    blobs: Blobs,
    keys: Keys,
    limits: Limits,
    /// The arguments with which an operator's command finds it.
    place: String,
    /// Where uploads are written before they are believed.
    staging: PathBuf,
    uploads: Arc<Semaphore>,
    /// The places that each publisher may have of these.
    uploads_of: Mutex<BTreeMap<PublisherName, Arc<Semaphore>>>,
    authority: ArcSwapOption<Authority>,
    discovery: Mutex<Option<discovery::Served>>,
    /// The size of the log, and that of all blobs when it had it.
    sizes: Mutex<Option<(u64, u64)>>,
    _lock: Option<DirectoryLock>,
}

/// The newest root with all that it follows from, oldest first and itself the last, and the secret key of the log that
/// it names.
pub(crate) struct Authority {
    pub(crate) root: TrustedRoot,
    pub(crate) roots: Vec<TrustedRoot>,
    pub(crate) log_key: SigningKey,
}

impl Registry {
    /// Opens a registry that is there, for an operator's command. A server may run on it meanwhile.
    ///
    /// # Errors
    ///
    /// No registry there; a store that cannot be opened.
    pub async fn open(location: &Location) -> Result<Self> {
        location.must_exist()?;
        let store = location.store().await?;
        if crate::store::find_head(&mut *store.read().await?).await?.is_none() {
            location.must_be_whole()?;
            return Err(crate::store::no_registry().into());
        }
        Self::assemble(location, store, Limits::default(), None)
    }

    fn assemble(
        location: &Location,
        store: Store,
        limits: Limits,
        lock: Option<DirectoryLock>,
    ) -> Result<Self> {
        location.create()?;
        let staging = location.staging()?;
        let inner = Inner {
            store,
            blobs: location.blobs()?,
            keys: location.keys(),
            uploads: Arc::new(Semaphore::new(limits.parallel_uploads)),
            uploads_of: Mutex::default(),
            limits,
            place: location.arguments(),
            staging,
            authority: ArcSwapOption::empty(),
            discovery: Mutex::default(),
            sizes: Mutex::default(),
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The blobs.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// An operator's command on this registry, for hints: `token list` with where it is.
    pub(crate) fn command(&self, words: &str) -> String {
        format!("openclaw registry admin {words} {}", self.inner.place)
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// The root of that version, which is the newest, with the log's key; read again when an operator rotated it.
    pub(crate) async fn authority(
        &self,
        connection: &mut AnyConnection,
        version: u64,
    ) -> Result<Arc<Authority>> {
        if let Some(known) = self.inner.authority.load_full()
            && known.root.root().version() == version
        {
            return Ok(known);
        }
        let mut roots = chain(connection).await?;
        // A root that came after the head was read is not of its version.
        roots.retain(|root| root.root().version() <= version);
        let root = roots.last().filter(|root| root.root().version() == version).cloned();
        let root = root.ok_or_else(|| Fault::Damaged(format!("root version {version} is missing")))?;
        let log_key = self.keys().find(Purpose::Log, root.root().log_key())?;
        let authority = Arc::new(Authority { root, roots, log_key });
        self.inner.authority.store(Some(Arc::clone(&authority)));
        Ok(authority)
    }
}

/// The chain of roots, oldest first, each of which follows from the one before.
pub(crate) async fn chain(connection: &mut AnyConnection) -> Result<Vec<TrustedRoot>> {
    let mut roots: Vec<TrustedRoot> = Vec::new();
    for (_, entry) in log::roots(connection).await? {
        let envelope = Envelope::parse(&entry).map_err(|error| Fault::damaged("a root", error))?;
        roots.push(follow(roots.last(), &envelope)?);
    }
    Ok(roots)
}
