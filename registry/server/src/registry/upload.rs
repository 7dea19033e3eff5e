//! An upload: received into a file of ours, then verified exactly as a client would verify it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use openclaw_package::permission::{warnings, words};
use openclaw_package::registry::Release;
use openclaw_package::registry::api::{PermissionLine, Publication, ReleasePage, ToolLine, TriggerLine};
use openclaw_package::{
    Digest, Envelope, PublisherName, SkillId, SkillName, VerifiedPackage, verify_archive,
};
use semver::Version;
use tempfile::TempDir;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::{Registry, readme};
use crate::error::{Error, Fault, Refusal, Result};
use crate::limits::{EVENTS_PER_REQUEST, PUBLICATION_SIZE};

/// An upload that was received and is not believed yet.
pub struct Upload {
    /// The skill that the URL names.
    pub skill: SkillId,
    /// The version that the URL names.
    pub version: Version,
    /// What is said about it.
    pub publication: Publication,
    /// The signature's file.
    pub signature: Bytes,
    /// The archive.
    pub archive: Received,
}

/// An archive that was received, in a directory that goes when this does.
pub struct Received {
    staging: TempDir,
    file: File,
    _place: Option<UploadPlace>,
}

/// One of the few places in which uploads are received and unpacked.
pub struct UploadPlace {
    _of_publisher: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Received {
    /// A file that was written into a staging directory.
    pub fn new(staging: TempDir, file: File) -> Self {
        Self { staging, file, _place: None }
    }

    /// Gives the place back no sooner than the archive goes: work on it does not end when a client goes away.
    #[must_use]
    pub fn holding(self, place: UploadPlace) -> Self {
        Self { _place: Some(place), ..self }
    }

    fn read(&self) -> Result<Bytes> {
        let failed = || Fault::file(self.staging.path());
        let (mut file, mut bytes) = (&self.file, Vec::new());
        file.seek(SeekFrom::Start(0)).map_err(failed())?;
        file.read_to_end(&mut bytes).map_err(failed())?;
        Ok(bytes.into())
    }
}

/// What an upload says of itself, checked against the request but not against the archive.
pub(super) struct Claim {
    pub(super) events: Vec<Envelope>,
    pub(super) release: Release,
    pub(super) category: Option<SkillName>,
}

/// A package that was verified, and what is shown of it.
pub(crate) struct Checked {
    pub(crate) category: Option<String>,
    pub(crate) page: PageParts,
}

/// What of a page follows from the package alone.
pub(crate) struct PageParts {
    pub(super) permissions: Vec<PermissionLine>,
    warnings: Vec<String>,
    triggers: Vec<TriggerLine>,
    tools: Vec<ToolLine>,
    pub(super) description: String,
    license: Option<String>,
    readme_html: String,
}

impl Registry {
    /// A directory in which an upload is received.
    ///
    /// # Errors
    ///
    /// A disk that cannot be written.
    pub fn staging(&self) -> Result<TempDir> {
        let place = &self.inner.staging;
        Ok(tempfile::Builder::new().prefix("upload-").tempdir_in(place).map_err(Fault::file(place))?)
    }

    /// Waits for one of the few places in which uploads are received and unpacked. One publisher never has all of
    /// them, however slowly it sends.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] where none becomes free in time.
    pub async fn upload_place(&self, publisher: &PublisherName) -> Result<UploadPlace> {
        let own = {
            let most = self.limits().parallel_uploads.div_ceil(2);
            let mut all = self.inner.uploads_of.lock().await;
            Arc::clone(all.entry(publisher.clone()).or_insert_with(|| Arc::new(Semaphore::new(most))))
        };
        let all = Arc::clone(&self.inner.uploads);
        let place = async {
            // Who waits for a place of its own keeps none from others.
            let of_publisher = own.acquire_owned().await?;
            let of_all = all.acquire_owned().await?;
            Ok::<_, AcquireError>(UploadPlace { _of_publisher: of_publisher, _of_all: of_all })
        };
        match tokio::time::timeout(self.limits().request_time, place).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::Busy.into()),
        }
    }
}

/// Reads what is published beside the archive.
///
/// # Errors
///
/// What is not JSON of that form.
pub fn read_publication(bytes: &[u8]) -> Result<Publication> {
    if bytes.len() > PUBLICATION_SIZE {
        return Err(Refusal::TooLarge { what: "publication", limit: PUBLICATION_SIZE as u64 }.into());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let fact = format!("the part `publication` cannot be read: {error}");
        Refusal::malformed("invalid-publication", fact, "its form is in /openapi.json").into()
    })
}

/// Parses envelopes as they were sent.
pub(super) fn parse_events(events: &[String]) -> Result<Vec<Envelope>> {
    if events.is_empty() || events.len() > EVENTS_PER_REQUEST {
        let fact = format!("a request has 1 to {EVENTS_PER_REQUEST} events, and this has {}", events.len());
        return Err(Refusal::malformed("invalid-events", fact, "send them in several requests").into());
    }
    events.iter().map(|text| Ok(Envelope::parse(text.as_bytes())?)).collect()
}

/// Verifies an upload, and gives the very bytes of the archive that were verified.
pub(super) fn verify(upload: &Upload, claim: &Claim) -> Result<(Checked, Bytes)> {
    let refuse = |field: &str, found: &dyn std::fmt::Display, expected: &dyn std::fmt::Display| {
        let fact = format!("the {field} is {found} in the upload, and {expected} in the release's event");
        Err(Error::from(Refusal::package("identity-mismatch", fact, "sign the event for this package")))
    };
    let release = &claim.release;
    let archive = upload.archive.read()?;
    let digest = Digest::of(&archive);
    if digest != release.archive {
        return refuse("archive's digest", &digest, &release.archive);
    }
    let unpacked = upload.archive.staging.path().join("unpacked");
    std::fs::create_dir(&unpacked).map_err(Fault::file(&unpacked))?;
    let package = verify_package(&upload.skill, release, &archive, &upload.signature, &unpacked)?;
    if package.statement_digest() != release.statement {
        return refuse("statement's digest", &package.statement_digest(), &release.statement);
    }
    Ok((read(&package, claim.category.as_ref()), archive))
}

/// Verifies a package as a client would that trusts only the key which the release names, and unpacks it into an
/// empty directory meanwhile. Whether it is the package of that release is told by its digests.
pub(crate) fn verify_package(
    skill: &SkillId,
    release: &Release,
    archive: &[u8],
    signature: &[u8],
    empty: &Path,
) -> Result<VerifiedPackage> {
    let envelope = Envelope::parse(signature)?;
    let dir = Dir::open_ambient_dir(empty, ambient_authority()).map_err(Fault::file(empty))?;
    let keys = |_: &_| vec![release.signer.clone()];
    let package = verify_archive(archive, &envelope, keys, &dir, openclaw_package::Limits::DEFAULT)?;
    package.expect(skill, &release.version)?;
    Ok(package)
}

/// What follows from a package that was verified.
pub(crate) fn read(package: &VerifiedPackage, category: Option<&SkillName>) -> Checked {
    let manifest = package.manifest();
    let requests = words::requests(manifest.requests());
    let given = category.map(|category| category.as_str().to_owned());
    let line = |request: words::Request| PermissionLine {
        permission: request.permission.to_owned(),
        scope: request.scope,
        words: request.words,
        reason: request.reason,
    };
    let page = PageParts {
        permissions: requests.into_iter().map(line).collect(),
        warnings: warnings::warnings(manifest.requests()),
        triggers: manifest.triggers().iter().map(TriggerLine::from).collect(),
        tools: package
            .tools()
            .iter()
            .map(|tool| ToolLine { name: tool.name.clone(), description: tool.description.clone() })
            .collect(),
        description: package.skill_md().description().to_owned(),
        license: package.skill_md().license().map(str::to_owned),
        readme_html: readme::render(package.skill_md().body()),
    };
    Checked { category: given.or_else(|| manifest.category().map(str::to_owned)), page }
}

impl PageParts {
    /// The page of a release that stands in the log.
    pub(crate) fn page(self, release: &crate::store::releases::Release, signer: &Release) -> ReleasePage {
        ReleasePage {
            version: release.version.clone(),
            permissions: self.permissions,
            warnings: self.warnings,
            triggers: self.triggers,
            signer: signer.signer.clone(),
            log_index: release.log_index,
            archive: release.archive,
            size: release.archive_size,
            published: release.published,
            yanked: None,
            taken_down: None,
            tools: self.tools,
            description: self.description,
            license: self.license,
            readme_html: self.readme_html,
        }
    }
}
