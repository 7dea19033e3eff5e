//! Blobs: fetched by their digest, resumed where they broke off, and checked before anything reads them.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderValue, StatusCode};
use openclaw_package::Digest;
use reqwest::Response;
use rustix::fs::{FlockOperation, flock};

use crate::client::{Client, blocking};
use crate::error::Error;
use crate::progress::{Progress, Transfer};
use crate::state::StateError;
use crate::transport::{HttpError, Kind, Pace, broken, check_type, paths};

/// How often a blob that breaks off is taken up again.
const MAX_RESUMES: u32 = 5;

/// A blob that is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blob<'a> {
    pub(crate) kind: Kind,
    pub(crate) digest: Digest,
    /// The length, where the index says it; it is a hint, and a bound.
    pub(crate) size: Option<u64>,
    pub(crate) label: &'a str,
}

impl Blob<'_> {
    fn max(&self) -> u64 {
        self.size.unwrap_or(self.kind.max).min(self.kind.max)
    }
}

/// A part of a blob that is being written, held against other processes.
struct Partial {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Client {
    /// A blob as a file in the cache whose digest was checked just now.
    pub(crate) async fn blob(&self, blob: Blob<'_>, progress: &dyn Progress) -> Result<PathBuf, Error> {
        let place = self.blob_dir().join(blob.digest.hex());
        if blob.size.is_some_and(|size| size > blob.kind.max) {
            return Err(HttpError::TooLarge { what: blob.kind.name, max: blob.kind.max }.into());
        }
        if is_whole(&place, blob.digest).await? {
            return Ok(place);
        }
        for last in [false, true] {
            let (path, wanted) = (place.with_extension("partial"), place.clone());
            let Some(mut partial) = blocking(move || Partial::open(&path, &wanted)).await? else {
                // Another process has finished it while this one waited.
                return if is_whole(&place, blob.digest).await? { Ok(place) } else { Err(gone(&place)) };
            };
            let resumed = partial.length > 0;
            self.receive_all(&blob, &mut partial, progress).await?;
            match self.finish(blob, partial, place.clone()).await {
                // What was there before may be what is wrong: once from the start.
                Err(Error::Http(HttpError::Digest { .. })) if resumed && !last => {}
                other => return other,
            }
        }
        Err(gone(&place))
    }

    /// Fetches what is missing, as often as it breaks off, within bounds.
    async fn receive_all(
        &self,
        blob: &Blob<'_>,
        partial: &mut Partial,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let transfer = Transfer::begin(progress, blob.label, partial.length, blob.size);
        for _ in 0..MAX_RESUMES {
            match self.take_up(blob, partial, &transfer).await {
                Err(Error::Http(HttpError::Truncated { .. } | HttpError::Timeout { .. })) => {
                    tokio::time::sleep(self.http().options().backoff).await;
                }
                other => return other,
            }
        }
        self.take_up(blob, partial, &transfer).await
    }

    /// Fetches what is missing.
    async fn take_up(
        &self,
        blob: &Blob<'_>,
        partial: &mut Partial,
        transfer: &Transfer<'_>,
    ) -> Result<(), Error> {
        let mut headers = Vec::new();
        if partial.length > 0 {
            if partial.length >= blob.max() {
                return Ok(());
            }
            let range = HeaderValue::from_str(&format!("bytes={}-", partial.length));
            headers.extend(range.map(|range| (RANGE, range)));
        }
        let response = self.http().open(blob.kind, &paths::blob(&blob.digest), &headers).await?;
        match response.status() {
            StatusCode::OK => partial.restart()?,
            StatusCode::PARTIAL_CONTENT if partial.length > 0 => {
                check_range(blob, &response, partial.length)?
            }
            // Nothing is left to be sent: the digest tells whether that is so.
            StatusCode::RANGE_NOT_SATISFIABLE if partial.length > 0 => return Ok(()),
            _ => return Err(self.http().refusal(response).await.into()),
        }
        check_type(blob.kind, response.headers())?;
        self.receive(blob, response, partial, transfer).await?;
        match blob.size {
            Some(size) if partial.length < size => {
                let detail = format!("after {} of {size} bytes", partial.length);
                Err(HttpError::Truncated { what: blob.kind.name, detail }.into())
            }
            _ => Ok(()),
        }
    }

    async fn receive(
        &self,
        blob: &Blob<'_>,
        mut response: Response,
        partial: &mut Partial,
        transfer: &Transfer<'_>,
    ) -> Result<(), Error> {
        let too_large = || HttpError::TooLarge { what: blob.kind.name, max: blob.max() };
        let mut pace = Pace::new(blob.kind, self.http().options().timeouts);
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(blob.kind, error))? {
            let length = partial.length.saturating_add(chunk.len() as u64);
            if length > blob.max() {
                partial.discard()?;
                return Err(too_large().into());
            }
            pace.count(chunk.len())?;
            partial.append(&chunk)?;
            transfer.advance(chunk.len() as u64);
        }
        Ok(())
    }

    /// Checks the digest and gives the file its name; what is not the blob is deleted.
    async fn finish(&self, blob: Blob<'_>, partial: Partial, place: PathBuf) -> Result<PathBuf, Error> {
        let (digest, name) = (blob.digest, place.clone());
        let found = blocking(move || partial.finish(digest, &name)).await?;
        if found == digest {
            return Ok(place);
        }
        Err(HttpError::Digest { what: blob.kind.name, expected: digest, found }.into())
    }
}

impl Partial {
    /// Opens the partial file of a blob, alone. Nothing where the blob is there already.
    fn open(path: &Path, place: &Path) -> Result<Option<Self>, StateError> {
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .mode(0o600)
                .open(path)
                .map_err(StateError::io(path))?;
            flock(&file, FlockOperation::LockExclusive)
                .map_err(|errno| StateError::io(path)(errno.into()))?;
            let held = file.metadata().map_err(StateError::io(path))?;
            // Who held it before may have given it its final name, or deleted it.
            let named = std::fs::symlink_metadata(path).is_ok_and(|named| named.ino() == held.ino());
            if place.exists() {
                if named {
                    std::fs::remove_file(path).map_err(StateError::io(path))?;
                }
                return Ok(None);
            }
            if named {
                let mut partial = Self { file, path: path.to_owned(), length: held.len() };
                partial.file.seek(SeekFrom::End(0)).map_err(StateError::io(path))?;
                return Ok(Some(partial));
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.file.write_all(bytes).map_err(StateError::io(&self.path))?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn restart(&mut self) -> Result<(), StateError> {
        let restart = |file: &mut File| -> io::Result<()> {
            file.set_len(0)?;
            file.rewind()
        };
        restart(&mut self.file).map_err(StateError::io(&self.path))?;
        self.length = 0;
        Ok(())
    }

    fn discard(&mut self) -> Result<(), StateError> {
        std::fs::remove_file(&self.path).map_err(StateError::io(&self.path))
    }

    fn finish(mut self, digest: Digest, place: &Path) -> Result<Digest, StateError> {
        let io = StateError::io;
        self.file.sync_all().map_err(io(&self.path))?;
        self.file.rewind().map_err(io(&self.path))?;
        let (found, _) = Digest::of_reader(&self.file).map_err(io(&self.path))?;
        if found == digest {
            std::fs::rename(&self.path, place).map_err(io(place))?;
        } else {
            self.discard()?;
        }
        Ok(found)
    }
}

/// Whether a blob is there and is what its name says; anything else of that name is deleted.
async fn is_whole(place: &Path, digest: Digest) -> Result<bool, Error> {
    let place = place.to_owned();
    let whole = blocking(move || {
        let file = match File::open(&place) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(StateError::io(&place)(error)),
        };
        let (found, _) = Digest::of_reader(file).map_err(StateError::io(&place))?;
        if found != digest {
            std::fs::remove_file(&place).map_err(StateError::io(&place))?;
        }
        Ok(found == digest)
    });
    Ok(whole.await?)
}

/// Checks that what comes is the rest, from where the file ends.
fn check_range(blob: &Blob<'_>, response: &Response, from: u64) -> Result<(), HttpError> {
    let text =
        response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
    let parsed = text.strip_prefix("bytes ").and_then(|range| {
        let (range, total) = range.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?))
    });
    match parsed {
        Some((first, last, total)) if first == from && last.checked_add(1) == Some(total) => {
            match blob.size {
                Some(size) if size != total => Err(HttpError::TooLarge { what: blob.kind.name, max: size }),
                _ => Ok(()),
            }
        }
        _ => Err(HttpError::ContentRange { what: blob.kind.name, found: crate::text::shown(text) }),
    }
}

fn gone(place: &Path) -> Error {
    StateError::io(place)(io::ErrorKind::NotFound.into()).into()
}
