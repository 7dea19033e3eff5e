//! Blobs: archives and their signatures by digest, in a directory or in an S3 bucket.

use std::fmt;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use openclaw_package::Digest;
use url::Url;

use crate::error::{Error, Fault, Result};

/// Where blobs are.
#[derive(Debug, Clone)]
pub struct BlobsUrl(Url);

impl BlobsUrl {
    /// A directory.
    ///
    /// # Errors
    ///
    /// A path that cannot stand in a URL.
    pub fn directory(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Fault::file(path))?;
        let bad = || Fault::Usage(format!("{} cannot be a directory of blobs", path.display()));
        Ok(Self(Url::from_directory_path(&path).map_err(|()| bad())?))
    }
}

impl FromStr for BlobsUrl {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match Url::parse(text) {
            Ok(url) if url.scheme() == "s3" && url.host_str().is_some() => Ok(Self(url)),
            Ok(url) if url.scheme() == "file" => Ok(Self(url)),
            Ok(url) if url.scheme().len() > 1 => {
                Err("write s3://bucket/prefix?endpoint=…&region=… or a directory".to_owned())
            }
            _ => Self::directory(Path::new(text)).map_err(|error| error.to_string()),
        }
    }
}

/// The blobs of a registry.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The directory, where it is one.
    directory: Option<PathBuf>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.store)
    }
}

/// A blob, or a part of one, that is being read.
pub struct Reading {
    /// How long the whole blob is.
    pub size: u64,
    /// Which bytes these are.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Blobs {
    /// Opens the store; a directory is made where there is none.
    ///
    /// # Errors
    ///
    /// A URL with parameters that are not known, a directory that cannot be made.
    pub fn open(url: &BlobsUrl) -> Result<Self> {
        if let Ok(path) = url.0.to_file_path() {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(&path).map_err(Fault::file(&path))?;
            let store = LocalFileSystem::new_with_prefix(&path)?.with_fsync(true);
            return Ok(Self { store: Arc::new(store), directory: Some(path) });
        }
        // The provider may be there already, from another part of the program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = url.0.host_str().unwrap_or_default();
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::Disabled);
        for (key, value) in url.0.query_pairs() {
            builder = match key.as_ref() {
                "endpoint" => builder.with_allow_http(value.starts_with("http://")).with_endpoint(value),
                "region" => builder.with_region(value),
                _ => return Err(Fault::Usage(format!("{key:?} is no parameter of --blobs")).into()),
            };
        }
        let prefix = Place::from_url_path(url.0.path()).map_err(object_store::Error::from)?;
        Ok(Self { store: Arc::new(PrefixStore::new(builder.build()?, prefix)), directory: None })
    }

    /// Puts a blob, whole or not at all. One that is there already is written over with the same bytes.
    ///
    /// # Errors
    ///
    /// A failing store.
    pub async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<()> {
        self.store.put(&place(digest), bytes.into()).await?;
        Ok(())
    }

    /// Reads a blob from its start, or a part of it. `None` where there is none.
    ///
    /// # Errors
    ///
    /// A failing store; a range that lies outside.
    pub async fn get(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<Option<Reading>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.store.get_opts(&place(digest), options).await {
            Ok(found) => {
                let (size, range) = (found.meta.size, found.range.clone());
                Ok(Some(Reading { size, range, stream: found.into_stream() }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a whole blob into memory. `None` where there is none.
    ///
    /// # Errors
    ///
    /// A failing store.
    pub async fn read(&self, digest: &Digest) -> Result<Option<Bytes>> {
        match self.store.get(&place(digest)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a blob, if it is there.
    ///
    /// # Errors
    ///
    /// A failing store.
    pub async fn remove(&self, digest: &Digest) -> Result<()> {
        match self.store.delete(&place(digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes files that a crash left half written. Nobody else may be putting blobs meanwhile.
    ///
    /// # Errors
    ///
    /// A directory that cannot be read or changed.
    pub fn remove_half_written(&self) -> Result<u64> {
        let Some(directory) = self.directory.as_ref().map(|path| path.join("sha256")) else { return Ok(0) };
        let mut removed = 0;
        for below in entries(&directory)? {
            for file in entries(&below)? {
                // The store writes `name#number` and renames it when it is whole.
                let is_half = file.file_name().is_some_and(|name| name.to_string_lossy().contains('#'));
                if is_half {
                    std::fs::remove_file(&file).map_err(Fault::file(&file))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// All that is there, with its length: a blob, or the name of what is none.
    pub fn list(&self) -> BoxStream<'static, Result<(std::result::Result<Digest, String>, u64)>> {
        let listed = self.store.list(None).map_err(Error::from);
        let read = |meta: object_store::ObjectMeta| {
            let digest = meta.location.filename().and_then(|name| Digest::from_hex(name).ok());
            let digest = digest.filter(|digest| place(digest) == meta.location);
            (digest.ok_or_else(|| meta.location.to_string()), meta.size)
        };
        listed.map_ok(read).boxed()
    }
}

/// What is in a directory; nothing where there is none.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(directory) {
        Ok(entries) => {
            let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>();
            Ok(paths.map_err(Fault::file(directory))?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Fault::file(directory)(error).into()),
    }
}

/// A blob stands under the first two digits of its digest, so that no directory grows too large.
fn place(digest: &Digest) -> Place {
    let hex = digest.hex();
    let start = hex.get(..2).unwrap_or_default();
    Place::from_iter(["sha256", start, &hex])
}
