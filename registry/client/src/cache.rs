//! What was fetched before: small documents with their tags, histories, and archives by their digest. All of it is
//! checked again when it is used, and may be deleted at any time.

use std::path::{Path, PathBuf};

use openclaw_package::Digest;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::state::{KnownRegistry, StateError, private_dir, read, replace};

/// The form in which documents are kept.
const SCHEMA: u64 = 1;

/// A cache of one registry.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    documents: PathBuf,
    blobs: PathBuf,
    /// What tells this registry's documents from any other's.
    registry: String,
}

/// What stands in front of a kept document.
#[derive(Debug, Serialize, Deserialize)]
struct Label {
    schema: u64,
    registry: String,
    path: String,
    etag: Option<String>,
    digest: Digest,
}

/// A document that was kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: Option<String>,
}

impl Cache {
    pub(crate) fn open(dir: &Path, registry: &KnownRegistry) -> Result<Self, StateError> {
        let (documents, blobs) = (dir.join("documents"), dir.join("blobs"));
        private_dir(&documents)?;
        private_dir(&blobs)?;
        let registry = format!("{} {} {}", registry.url(), registry.origin(), registry.fingerprint());
        Ok(Self { documents, blobs, registry })
    }

    pub(crate) fn blobs(&self) -> &Path {
        &self.blobs
    }

    /// A document that was kept under that path, if it is as it was kept.
    pub(crate) fn find(&self, path: &str) -> Option<Kept> {
        let bytes = read(&self.file(path)).ok()??;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (label, body) = bytes.split_at_checked(end)?;
        let label: Label = serde_json::from_slice(label).ok()?;
        let body = body.get(1..)?;
        let ours = label.schema == SCHEMA && label.registry == self.registry && label.path == path;
        (ours && label.digest == Digest::of(body)).then(|| Kept { bytes: body.to_vec(), etag: label.etag })
    }

    /// Keeps a document. That it cannot be kept is no reason to fail.
    pub(crate) fn keep(&self, path: &str, etag: Option<&str>, bytes: &[u8]) {
        let label = Label {
            schema: SCHEMA,
            registry: self.registry.clone(),
            path: path.to_owned(),
            etag: etag.map(str::to_owned),
            digest: Digest::of(bytes),
        };
        if let Ok(mut file) = serde_json::to_vec(&label) {
            file.push(b'\n');
            file.extend_from_slice(bytes);
            let _ = replace(&self.file(path), &file);
        }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.documents.join(Digest::of(format!("{}\n{path}", self.registry).as_bytes()).hex())
    }
}

impl crate::client::Client {
    /// A document by way of the cache, read by `parse`: what does not parse is neither kept nor used.
    pub(crate) async fn cached<T>(
        &self,
        kind: crate::transport::Kind,
        path: &str,
        fresh: bool,
        parse: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        use crate::transport::Reply;
        let kept = self.cache().find(path).and_then(|kept| Some((kept.etag?, parse(&kept.bytes).ok()?)));
        // What may be wrong is fetched whole: a tag is what somebody said once, and so is what came with it.
        let etag = kept.as_ref().filter(|_| !fresh).map(|(etag, _)| etag.as_str());
        match (self.http().get(kind, path, etag, fresh).await?, kept) {
            (Reply::NotModified, Some((_, parsed))) => Ok(parsed),
            (Reply::NotModified, None) => {
                Err(crate::transport::HttpError::malformed(kind.name, "not modified, though nobody asked")
                    .into())
            }
            (Reply::Document { bytes, etag }, _) => {
                let parsed = parse(&bytes)?;
                if etag.is_some() {
                    self.cache().keep(path, etag.as_deref(), &bytes);
                }
                Ok(parsed)
            }
        }
    }
}
