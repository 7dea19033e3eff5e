//! Believing a release again without the registry: from what was kept beside the installed package.

use openclaw_package::registry::provenance::MAX_PROVENANCE_SIZE;
use openclaw_package::registry::{ProvenRelease, Provenance};
use openclaw_package::{Digest, PublicKey, SkillId};
use semver::Version;

use crate::error::Error;
use crate::transport::{HttpError, Kind};
use crate::trust::TrustError;

/// What an installed package is, as the lockfile has it.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The skill.
    pub skill: &'a SkillId,
    /// The version.
    pub version: &'a Version,
    /// The digest of the archive.
    pub archive: &'a Digest,
    /// The digest of the statement.
    pub statement: &'a Digest,
    /// The key that signed the package.
    pub signer: &'a PublicKey,
}

/// Checks a kept proof against the pinned fingerprint of the registry's root and against the lockfile. Opens no
/// connection and asks no clock.
///
/// # Errors
///
/// [`TrustError`], or a proof that cannot be read.
pub fn verify_offline(
    provenance: &[u8],
    pinned: &Digest,
    expected: &Expected<'_>,
) -> Result<ProvenRelease, Error> {
    let kind = Kind::PROVENANCE;
    if provenance.len() > MAX_PROVENANCE_SIZE {
        return Err(HttpError::TooLarge { what: kind.name, max: kind.max }.into());
    }
    let provenance: Provenance =
        serde_json::from_slice(provenance).map_err(|error| HttpError::malformed(kind.name, error))?;
    let proven = provenance.verify(pinned, expected.skill, expected.version).map_err(TrustError::from)?;
    let other = |what| TrustError::SignedOther {
        skill: expected.skill.clone(),
        version: expected.version.clone(),
        what,
    };
    let release = &proven.release;
    if release.archive != *expected.archive {
        return Err(other("archive").into());
    }
    if release.statement != *expected.statement {
        return Err(other("statement").into());
    }
    if release.signer != *expected.signer {
        return Err(other("signer").into());
    }
    Ok(proven)
}
