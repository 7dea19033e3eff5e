//! What is served of the log: its checkpoint, tiles, bundles of entries and proofs.

use openclaw_package::Digest;
use openclaw_package::log::{LogProof, TILE_WIDTH, TilePath, encode_entries};
use sqlx::AnyConnection;

use super::Registry;
use crate::error::{Refusal, Result};
use crate::store::{Head, log, read_head};

impl Registry {
    /// The head of the log.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn head(&self) -> Result<Head> {
        read_head(&mut *self.store().read().await?).await
    }

    /// The bytes of a tile or of a bundle of entries.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] for what the log does not have yet.
    pub async fn tile(&self, path: &TilePath) -> Result<Vec<u8>> {
        let mut connection = self.store().read().await?;
        let size = read_head(&mut connection).await?.size;
        let missing = || Refusal::NotFound(format!("{path} in a log of {size} entries"));
        match *path {
            TilePath::Hashes { id, width } => {
                if width == 0 || width > id.width(size) {
                    return Err(missing().into());
                }
                log::tile(&mut connection, id, width).await
            }
            TilePath::Entries { index, width } => {
                let start = index.checked_mul(TILE_WIDTH).ok_or_else(missing)?;
                let end = start.checked_add(u64::from(width)).ok_or_else(missing)?;
                if width == 0 || end > size {
                    return Err(missing().into());
                }
                let entries = log::entries(&mut connection, start, u64::from(width)).await?;
                Ok(encode_entries(entries.iter().map(Vec::as_slice))?)
            }
        }
    }

    /// The proof that the log has an entry.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] for an index that the log does not have yet.
    pub async fn proof(&self, index: u64) -> Result<LogProof> {
        let mut connection = self.store().read().await?;
        let head = read_head(&mut connection).await?;
        proof(&mut connection, index, &head).await
    }

    /// The proof that a log of the later size begins as that of the earlier.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] for a size that the log does not have yet; sizes in the wrong order.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>> {
        let mut connection = self.store().read().await?;
        let size = read_head(&mut connection).await?.size;
        if from > to {
            let fact = format!("from={from} is more than to={to}");
            return Err(
                Refusal::malformed("bad-parameter", fact, "ask from the smaller to the larger").into()
            );
        }
        if to > size {
            return Err(Refusal::NotFound(format!("log of {to} entries; it has {size}")).into());
        }
        log::consistency(&mut connection, from, to).await
    }
}

/// The proof that the log of a head has an entry.
pub(super) async fn proof(connection: &mut AnyConnection, index: u64, head: &Head) -> Result<LogProof> {
    if index >= head.size {
        return Err(Refusal::NotFound(format!("entry {index} in a log of {} entries", head.size)).into());
    }
    let hashes = log::inclusion(connection, index, head.size).await?;
    Ok(LogProof { index, hashes, checkpoint: head.checkpoint.clone() })
}
