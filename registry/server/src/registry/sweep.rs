//! What a crash leaves behind: uploads that became no release, their blobs, and staging directories.

use jiff::{SignedDuration, Timestamp};

use super::Registry;
use crate::error::{Fault, Result};
use crate::store::{Dialect, uploads};

/// After how long an upload of another server of the same database is surely dead.
const DEAD: SignedDuration = SignedDuration::from_hours(6);

impl Registry {
    /// Removes what no upload can need any more.
    ///
    /// # Errors
    ///
    /// A failing store.
    pub(crate) async fn sweep(&self) -> Result<()> {
        self.sweep_staging()?;
        let now = Timestamp::now();
        // A file in a directory that is locked has one server only: this one, which has just started.
        let limit = match self.store().dialect() {
            Dialect::Sqlite => now.checked_add(SignedDuration::from_hours(1)),
            Dialect::Postgres => now.checked_sub(DEAD),
        };
        let limit = limit.map_err(Fault::task)?;
        let dead = uploads::before(&mut *self.store().read().await?, limit).await?;
        let mut removed = match self.store().dialect() {
            Dialect::Sqlite => self.blobs().remove_half_written()?,
            Dialect::Postgres => 0,
        };
        for upload in dead {
            let mut write = self.store().write().await?;
            uploads::remove(write.connection(), &upload.id).await?;
            removed += self.remove_unnamed(&mut write, &[upload.archive, upload.signature]).await?;
            write.commit().await?;
        }
        if removed > 0 {
            tracing::info!(blobs = removed, "removed what interrupted uploads had left");
        }
        Ok(())
    }

    /// Staging belongs to the server that has the data directory locked.
    fn sweep_staging(&self) -> Result<()> {
        let place = &self.inner.staging;
        for entry in std::fs::read_dir(place).map_err(Fault::file(place))? {
            let path = entry.map_err(Fault::file(place))?.path();
            std::fs::remove_dir_all(&path).map_err(Fault::file(&path))?;
        }
        Ok(())
    }
}
