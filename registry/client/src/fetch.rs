//! From a proved release to its files: archive and signature, checked against each other and against the proof.

use std::path::PathBuf;

use futures::StreamExt as _;
use openclaw_package::registry::{ProvenRelease, Provenance};
use openclaw_package::{Digest, Envelope, Limits, SkillId, Statement};

use crate::client::{Client, blocking};
use crate::download::Blob;
use crate::error::Error;
use crate::progress::Progress;
use crate::resolve::Resolved;
use crate::state::{StateError, read};
use crate::transport::Kind;
use crate::trust::TrustError;

/// How many releases are fetched at once.
const AT_ONCE: usize = 4;

/// A release whose files are here.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The skill.
    pub skill: SkillId,
    /// The archive, in the cache. Its digest was checked.
    pub archive: PathBuf,
    /// The package's own signature, a DSSE envelope. The key that the release names has made it.
    pub signature: Vec<u8>,
    /// What is proved of the release.
    pub proven: ProvenRelease,
    /// The proof, to be kept beside the installed package.
    pub provenance: Provenance,
}

impl Client {
    /// Fetches archive and signature of a release, or finds them in the cache.
    ///
    /// # Errors
    ///
    /// An outage, or something that is not what the release names.
    pub async fn fetch(&self, resolved: &Resolved, progress: &dyn Progress) -> Result<Fetched, Error> {
        let name = format!("{} {}", resolved.skill, resolved.version());
        let beside = format!("{name} signature");
        let archive = Blob {
            kind: Kind { max: Limits::DEFAULT.packed, ..Kind::ARCHIVE },
            digest: *resolved.archive(),
            size: Some(resolved.entry.size),
            label: &name,
        };
        let signature =
            Blob { kind: Kind::SIGNATURE, digest: resolved.entry.signature, size: None, label: &beside };
        let (archive, signature) =
            futures::try_join!(self.blob(archive, progress), self.blob(signature, progress))?;
        let signature =
            blocking(move || read(&signature)?.ok_or_else(|| StateError::damaged(&signature, "it is gone")))
                .await?;
        check_signature(resolved, &signature)?;
        Ok(Fetched {
            skill: resolved.skill.clone(),
            archive,
            signature,
            proven: resolved.proven.clone(),
            provenance: resolved.provenance.clone(),
        })
    }

    /// Fetches several releases, a few at a time; the answers are in the order of the questions.
    pub async fn fetch_all(
        &self,
        resolved: &[Resolved],
        progress: &dyn Progress,
    ) -> Vec<Result<Fetched, Error>> {
        let all = futures::stream::iter(resolved.iter().map(|one| self.fetch(one, progress)));
        all.buffered(AT_ONCE).collect().await
    }
}

/// Checks that the signature is by the key that the release names, over the statement that it names.
fn check_signature(resolved: &Resolved, signature: &[u8]) -> Result<(), TrustError> {
    let release = &resolved.proven.release;
    let (skill, version) = (resolved.skill.clone(), release.version.clone());
    let verified = Envelope::parse(signature)
        .and_then(|envelope| envelope.verify(std::slice::from_ref(&release.signer), 1))
        .map_err(|error| TrustError::Signature {
            skill: skill.clone(),
            version: version.clone(),
            signer: release.signer.clone(),
            error,
        })?;
    let other = |what| TrustError::SignedOther { skill: skill.clone(), version: version.clone(), what };
    if Digest::of(verified.payload()) != release.statement {
        return Err(other("statement"));
    }
    let statement = Statement::parse(verified.payload())?;
    if statement.id() != skill {
        return Err(other("skill"));
    }
    if *statement.version() != version {
        return Err(other("version"));
    }
    if statement.archive_digest() != release.archive {
        return Err(other("archive"));
    }
    Ok(())
}
