//! A client of one registry: the connection, what was seen before, the cache, and what was asked in this session.

use std::path::Path;

use tokio::sync::Mutex;

use crate::cache::Cache;
use crate::error::Error;
use crate::state::{KnownRegistry, StateError, Stored, Update};
use crate::transport::{ClientOptions, Http};
use crate::trust::{Basis, Fresh};

/// A client of one registry. Nothing that it says is believed before it is checked.
#[derive(Debug)]
pub struct Client {
    registry: KnownRegistry,
    http: Http,
    cache: Cache,
    session: Mutex<Option<Fresh>>,
}

impl Client {
    /// A client of a registry that there was a login to. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// A token or a certificate that cannot be read, or a cache that cannot be made.
    pub fn connect(registry: KnownRegistry, options: ClientOptions) -> Result<Self, Error> {
        let token = registry.token()?;
        let cache = Cache::open(&options.cache_dir, &registry)?;
        let http = Http::new(registry.url().clone(), token, options)?;
        Ok(Self { registry, http, cache, session: Mutex::new(None) })
    }

    /// The registry.
    pub fn registry(&self) -> &KnownRegistry {
        &self.registry
    }

    /// Whether requests carry a token.
    pub fn has_token(&self) -> bool {
        self.http.has_token()
    }

    /// Where archives are kept, by their digest.
    pub(crate) fn blob_dir(&self) -> &Path {
        self.cache.blobs()
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) async fn remembered(&self) -> Option<Fresh> {
        self.session.lock().await.clone()
    }

    pub(crate) async fn remember(&self, fresh: Fresh) {
        *self.session.lock().await = Some(fresh);
    }

    /// What was last seen.
    pub(crate) async fn basis(&self) -> Result<Basis, Error> {
        let registry = self.registry.clone();
        Ok(blocking(move || Basis::read(&registry)).await?)
    }

    /// Remembers what was checked against what was last seen; `false` where that has changed meanwhile.
    pub(crate) async fn commit(&self, stored: Stored, update: Update) -> Result<bool, Error> {
        if update.is_empty() {
            return Ok(true);
        }
        let registry = self.registry.clone();
        Ok(blocking(move || registry.commit(&stored, &update)).await?)
    }
}

/// Runs what waits for the disk where it holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(StateError::io(Path::new("."))(std::io::Error::other(error))),
    }
}
