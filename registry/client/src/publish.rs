//! Publishing: what no client would accept is not sent, and what was sent is looked for in the log afterwards.

mod error;
mod upload;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use jiff::Timestamp;
use openclaw_package::envelope::MAX_ENVELOPE_SIZE;
use openclaw_package::registry::api::Publication;
use openclaw_package::registry::{Action, History, Release, Visibility};
use openclaw_package::{
    Digest, Envelope, Limits, PublicKey, PublisherName, SigningKey, SkillId, VerifiedPackage, verify_archive,
};
use semver::Version;

pub use error::PublishError;

use crate::client::Client;
use crate::error::Error;
use crate::progress::Progress;
use crate::state::StateError;
use crate::transport::HttpError;
use crate::trust::{PublisherHistory, TrustError};
use upload::Upload;

/// How often events are signed anew because somebody else of the publisher was faster.
pub(crate) const MAX_MOVES: usize = 5;

/// What is to be published.
#[derive(Debug, Clone, Copy)]
pub struct PublishRequest<'a> {
    /// The archive.
    pub archive: &'a Path,
    /// The signature beside it.
    pub signature: &'a Path,
    /// The key that signed the package, and signs the release.
    pub key: &'a SigningKey,
    /// Who may see the skill; by default whoever may see its newest version, and of a new one everybody.
    pub visibility: Option<Visibility>,
    /// The category; by default that of the manifest.
    pub category: Option<&'a str>,
}

/// What was published, proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The skill.
    pub skill: SkillId,
    /// The version.
    pub version: Version,
    /// The digest of the archive.
    pub archive: Digest,
    /// The place of the release in the log.
    pub log_index: u64,
    /// Who may see this version.
    pub visibility: Visibility,
    /// Whether the registry had the same archive already.
    pub already: bool,
}

/// A package that a client would accept, and its bytes.
struct Checked {
    package: VerifiedPackage,
    archive: Bytes,
    signature: Bytes,
}

impl Client {
    /// Publishes a package, and proves that it is published.
    ///
    /// # Errors
    ///
    /// A package that no client would accept, a key that is not the publisher's, a version that exists with other
    /// content, an outage, or a registry that says it has published and has not.
    pub async fn publish(
        &self,
        request: &PublishRequest<'_>,
        progress: &dyn Progress,
    ) -> Result<Published, Error> {
        let checked = check(request).await?;
        let (skill, version) =
            (checked.package.manifest().id().clone(), checked.package.manifest().version().clone());
        self.refresh().await?;
        for _ in 0..MAX_MOVES {
            let history = self.history(skill.publisher()).await?;
            let archive = checked.package.archive_digest();
            if let Some(found) = history.releases(skill.name()).get(&version) {
                let released = found.release.archive;
                if released != archive {
                    return Err(PublishError::VersionExists { skill, version, archive: released }.into());
                }
                return self.proved(skill, version, archive, true).await;
            }
            // By what the log proves: no page of the registry can make a private skill public.
            let visibility = request.visibility.or_else(|| visibility_of(&history, &skill));
            let visibility = visibility.unwrap_or(Visibility::Public);
            let key = request.key.public_key();
            if history.state().length() > 0 && !history.state().is_active(&key) {
                return Err(self.foreign_key(skill.publisher(), key));
            }
            let events = release_events(history.state(), request, visibility, &checked.package)?;
            let publication = Publication {
                visibility,
                category: request.category.map(str::to_owned),
                events: events.iter().map(text).collect(),
            };
            let upload = Upload {
                skill: &skill,
                version: &version,
                publication,
                archive: checked.archive.clone(),
                signature: checked.signature.clone(),
            };
            match upload.send(self.http(), progress).await {
                Ok(appended) => {
                    self.confirm(skill.publisher(), "the release", &events, &appended).await?;
                    return self.proved(skill, version, archive, false).await;
                }
                Err(error) if error.code() == "history-moved" => {}
                // Somebody else was faster, or the answer to an earlier try was lost: the history tells.
                Err(error) if error.code() == "version-exists" => {
                    let history = self.history(skill.publisher()).await?;
                    if history.releases(skill.name()).get(&version).is_none() {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PublishError::Moved { publisher: skill.publisher().clone(), times: MAX_MOVES }.into())
    }

    /// Checks that a version is in the log and can be found by anybody who may see it.
    async fn proved(
        &self,
        skill: SkillId,
        version: Version,
        archive: Digest,
        already: bool,
    ) -> Result<Published, Error> {
        let fresh = self.refresh().await?;
        let (_, proven) = self.prove(&skill, &version, &fresh).await?;
        let index = self.index_by(&skill, true).await?;
        let listed = index.get(&version).is_some_and(|entry| entry.archive == archive);
        if proven.release.archive != archive || !listed {
            return Err(TrustError::NotAdded { what: "the release" }.into());
        }
        let visibility = proven.release.visibility;
        Ok(Published { skill, version, archive, log_index: proven.log_index, visibility, already })
    }

    pub(crate) fn foreign_key(&self, publisher: &PublisherName, key: PublicKey) -> Error {
        let registry = self.registry().url().clone();
        PublishError::ForeignKey { publisher: publisher.clone(), key, registry }.into()
    }
}

/// Whether a client would accept the package, by the key that is to sign the release.
async fn check(request: &PublishRequest<'_>) -> Result<Checked, Error> {
    let archive = bounded(request.archive, Limits::DEFAULT.packed, "archive").await?;
    let signature = bounded(request.signature, MAX_ENVELOPE_SIZE as u64, "signature").await?;
    let envelope = Envelope::parse(&signature).map_err(openclaw_package::RefusalError::from)?;
    let keys = vec![request.key.public_key()];
    let bytes = archive.clone();
    let checked = tokio::task::spawn_blocking(move || verify(&bytes, &envelope, keys)).await;
    let package = checked.map_err(|error| PublishError::Check(error.to_string()))??;
    Ok(Checked { package, archive, signature })
}

fn verify(archive: &[u8], envelope: &Envelope, keys: Vec<PublicKey>) -> Result<VerifiedPackage, Error> {
    let place = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(|error| PublishError::Check(error.to_string()))?;
    let staging = Dir::open_ambient_dir(place.path(), ambient_authority())
        .map_err(|error| PublishError::Check(error.to_string()))?;
    Ok(verify_archive(archive, envelope, |_| keys.clone(), &staging, Limits::DEFAULT)?)
}

async fn bounded(path: &Path, max: u64, what: &'static str) -> Result<Bytes, Error> {
    use tokio::io::AsyncReadExt as _;
    let failed = |error| Error::from(StateError::io(path)(error));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(HttpError::TooLarge { what, max }.into());
    }
    Ok(bytes.into())
}

/// Who may see the newest release of a skill in a history, if there is one.
fn visibility_of(history: &PublisherHistory, skill: &SkillId) -> Option<Visibility> {
    history.events().iter().rev().find_map(|event| match &event.action {
        Action::Release(release) if release.name == *skill.name() => Some(release.visibility),
        _ => None,
    })
}

/// The events that a publication adds: the first key where there is none, and the release.
fn release_events(
    history: &History,
    request: &PublishRequest<'_>,
    visibility: Visibility,
    package: &VerifiedPackage,
) -> Result<Vec<Envelope>, Error> {
    let release = Action::Release(Release {
        name: package.manifest().id().name().clone(),
        version: package.manifest().version().clone(),
        archive: package.archive_digest(),
        statement: package.statement_digest(),
        signer: package.signer().clone(),
        visibility,
    });
    let mut actions = Vec::new();
    if history.length() == 0 {
        actions.push((Action::Init { key: request.key.public_key() }, vec![request.key]));
    }
    actions.push((release, vec![request.key]));
    sign(history, actions)
}

/// Signs actions as the next events of a history, and checks that it would accept them.
pub(crate) fn sign(
    history: &History,
    actions: Vec<(Action, Vec<&SigningKey>)>,
) -> Result<Vec<Envelope>, Error> {
    let mut history = history.clone();
    let mut events = Vec::new();
    for (action, keys) in actions {
        let envelope = history.next(Timestamp::now(), action).sign(&keys);
        // What does not fit is our own event, and no lie of the registry.
        history
            .accept(&envelope)
            .map_err(|error| PublishError::Event { publisher: history.publisher().clone(), error })?;
        events.push(envelope);
    }
    Ok(events)
}

pub(crate) fn text(envelope: &Envelope) -> String {
    String::from_utf8(envelope.to_json()).unwrap_or_default()
}
