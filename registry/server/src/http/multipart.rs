//! The parts of an upload, each once and each no larger than it may be; the archive goes to a file as it comes.

use std::io::Write as _;
use std::time::Duration;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use bytes::Bytes;
use http::StatusCode;
use openclaw_package::envelope::MAX_ENVELOPE_SIZE;
use openclaw_package::registry::api::Publication;

use crate::error::{Error, Fault, Refusal};
use crate::limits::PUBLICATION_SIZE;
use crate::registry::{Received, Registry, read_publication};

/// All parts together, in bytes: each at its largest, and what stands between them.
pub(super) const UPLOAD_SIZE: usize = (24 << 20) + MAX_ENVELOPE_SIZE + PUBLICATION_SIZE + (64 << 10);

/// The parts of an upload.
pub(super) struct UploadParts {
    pub(super) publication: Publication,
    pub(super) signature: Bytes,
    pub(super) archive: Received,
}

/// Receives the parts in whatever order they come.
pub(super) async fn receive(registry: &Registry, mut form: Multipart) -> Result<UploadParts, Error> {
    let idle = registry.limits().idle_time;
    let (mut publication, mut signature, mut archive) = (None, None, None);
    while let Some(field) = timely(idle, form.next_field()).await? {
        let name = field.name().unwrap_or_default().to_owned();
        let twice = match name.as_str() {
            "publication" => {
                let bytes = small(field, "publication", PUBLICATION_SIZE, idle).await?;
                publication.replace(read_publication(&bytes)?).is_some()
            }
            "signature" => {
                signature.replace(small(field, "signature", MAX_ENVELOPE_SIZE, idle).await?).is_some()
            }
            "archive" => archive.replace(large(registry, field, idle).await?).is_some(),
            _ => return Err(malformed("an upload has the parts publication, signature and archive")),
        };
        if twice {
            return Err(malformed(&format!("the part {name} stands there twice")));
        }
    }
    let missing = |name: &str| malformed(&format!("the part {name} is missing"));
    Ok(UploadParts {
        publication: publication.ok_or_else(|| missing("publication"))?,
        signature: signature.ok_or_else(|| missing("signature"))?.into(),
        archive: archive.ok_or_else(|| missing("archive"))?,
    })
}

pub(super) fn malformed(fact: &str) -> Error {
    Refusal::malformed("invalid-upload", fact, "the parts of an upload are in /openapi.json").into()
}

/// What comes of a part before the client has been silent for too long.
async fn timely<T>(
    idle: Duration,
    part: impl Future<Output = Result<T, MultipartError>>,
) -> Result<T, Error> {
    match tokio::time::timeout(idle, part).await {
        Err(_) => Err(Refusal::TooSlow.into()),
        Ok(Ok(part)) => Ok(part),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_large("upload", UPLOAD_SIZE))
        }
        Ok(Err(_)) => Err(malformed("the upload is not multipart/form-data, or ended early")),
    }
}

fn too_large(what: &'static str, limit: usize) -> Error {
    Refusal::TooLarge { what, limit: limit as u64 }.into()
}

async fn small(
    mut field: Field<'_>,
    what: &'static str,
    limit: usize,
    idle: Duration,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = timely(idle, field.chunk()).await? {
        bytes.extend(chunk);
        if bytes.len() > limit {
            return Err(too_large(what, limit));
        }
    }
    Ok(bytes)
}

/// Writes the archive to a file as it comes.
async fn large(registry: &Registry, mut field: Field<'_>, idle: Duration) -> Result<Received, Error> {
    let limit = openclaw_package::Limits::DEFAULT.packed;
    let staging = registry.staging()?;
    let path = staging.path().join("archive");
    let failed = || Fault::file(&path);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.read(true).write(true).create_new(true).open(&path).map_err(failed())?;
    let mut size = 0_u64;
    while let Some(chunk) = timely(idle, field.chunk()).await? {
        size = size.saturating_add(chunk.len() as u64);
        if size > limit {
            return Err(Refusal::TooLarge { what: "archive", limit }.into());
        }
        // A few KiB into the page cache: not worth a thread of their own.
        file.write_all(&chunk).map_err(failed())?;
    }
    Ok(Received::new(staging, file))
}
