//! Name resolution behind a small trait, so that a test can answer in the resolver's place.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// Resolves a host name to addresses; what it answers is checked, never trusted.
#[async_trait]
pub(crate) trait Resolve: Send + Sync {
    /// All addresses of `host`, which is a name and not an address literal.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
pub(crate) struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl SystemResolver {
    /// A lookup blocks a thread and cannot be cancelled: without a bound, names served by a silent
    /// name server would use up every thread that the host has for blocking work.
    const CONCURRENT_LOOKUPS: usize = 32;

    /// A resolver with a bound of its own on concurrent lookups.
    pub(crate) fn new() -> Self {
        Self { lookups: Arc::new(Semaphore::new(Self::CONCURRENT_LOOKUPS)) }
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let lookups = Arc::clone(&self.lookups);
        let permit = lookups.acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let lookup = tokio::task::spawn_blocking(move || {
            let addresses = (host.as_str(), 0).to_socket_addrs();
            drop(permit);
            addresses
        });
        Ok(lookup.await.map_err(io::Error::other)??.map(|address| address.ip()).collect())
    }
}
