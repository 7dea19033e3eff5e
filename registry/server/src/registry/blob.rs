//! Blobs as they are served: to whom, of which type, and in which part.

use std::ops::Range;

use openclaw_package::Digest;
use openclaw_package::registry::Visibility;

use super::{Caller, Registry};
use crate::blobs::Reading;
use crate::error::{Fault, Refusal, Result};
use crate::store::releases::{self, BlobUse};

/// A blob that the caller may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Its length, in bytes.
    pub size: u64,
    /// Whether it is an archive; otherwise it is a signature.
    pub is_archive: bool,
    /// Whether everybody may have it, and caches may keep it.
    pub is_public: bool,
}

impl Registry {
    /// A blob, if the caller may have it. What is private is not there for others.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`], [`Refusal::TakenDown`].
    pub async fn blob(&self, caller: &Caller, digest: &Digest) -> Result<Blob> {
        let uses = releases::blob_uses(&mut *self.store().read().await?, digest).await?;
        let is_visible = |usage: &&BlobUse| caller.sees(&usage.publisher, usage.visibility);
        let visible: Vec<&BlobUse> = uses.iter().filter(is_visible).collect();
        let missing = || Refusal::NotFound(format!("blob {digest}"));
        let first = visible.first().ok_or_else(missing)?;
        // What was taken down under one name may still be good under another; bytes that were are covered everywhere.
        if visible.iter().all(|usage| usage.taken_down.is_some()) && first.is_archive {
            let reason = first.taken_down.clone().unwrap_or_default();
            return Err(Refusal::TakenDown(reason).into());
        }
        Ok(Blob {
            digest: *digest,
            size: first.size,
            is_archive: first.is_archive,
            is_public: visible.iter().any(|usage| usage.visibility == Visibility::Public),
        })
    }

    /// The bytes of a blob, or of a part of it.
    ///
    /// # Errors
    ///
    /// A failing store, or one that has lost the blob.
    pub async fn read_blob(&self, blob: &Blob, range: Option<Range<u64>>) -> Result<Reading> {
        let reading = self.blobs().get(&blob.digest, range).await?;
        reading.ok_or_else(|| Fault::Damaged(format!("the blob {} is missing", blob.digest)).into())
    }
}
