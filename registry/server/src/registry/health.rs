//! Whether the registry is well, and how large it is.

use openclaw_package::registry::api::Health;

use super::Registry;
use crate::error::Result;
use crate::store::{read_head, releases};

impl Registry {
    /// Whether the registry is well.
    ///
    /// # Errors
    ///
    /// When it is not: a failing database, a missing key.
    pub async fn health(&self) -> Result<Health> {
        let mut connection = self.store().read().await?;
        let head = read_head(&mut connection).await?;
        let authority = self.authority(&mut connection, head.root_version).await?;
        let expires = authority.root.root().expires();
        let status = if expires <= jiff::Timestamp::now() { "the root has expired" } else { "ok" };
        Ok(Health {
            status: status.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            origin: head.origin,
            log_size: head.size,
            root_version: head.root_version,
            root_expires: expires,
        })
    }

    /// How many entries the log has, and how many bytes all blobs have that releases name.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn sizes(&self) -> Result<(u64, u64)> {
        let mut kept = self.inner.sizes.lock().await;
        let mut snapshot = self.store().snapshot().await?;
        let size = read_head(&mut snapshot).await?.size;
        // It is a sum over all releases, and whoever watches has no limit: it is made once for each size of the log.
        if let Some(known) = kept.filter(|known| known.0 == size) {
            return Ok(known);
        }
        let sizes = (size, releases::total_size(&mut snapshot).await?);
        *kept = Some(sizes);
        Ok(sizes)
    }
}
