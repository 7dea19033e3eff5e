//! What a publisher signs: an in-toto Statement v1 about one archive
//! (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>).

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::archive::{FileRecord, Limits, MAX_FILES};
use crate::digest::Digest;
use crate::json::{self, JsonError};
use crate::name::{PublisherName, SkillId, SkillName};
use crate::text::quoted;

/// The `_type` of an in-toto Statement v1.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The predicate type of a release.
pub const PREDICATE_TYPE: &str = "https://openclaw.dev/skill-release/v1";

/// The name of the one subject.
pub const SUBJECT_NAME: &str = "skill.tar.gz";

/// The largest statement, in bytes.
pub const MAX_STATEMENT_SIZE: usize = 1 << 20;

/// Why a statement was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// More than [`MAX_STATEMENT_SIZE`] bytes.
    #[error("the statement has {0} bytes, more than {MAX_STATEMENT_SIZE}")]
    TooLarge(usize),
    /// Not strict JSON, or a duplicate key.
    #[error("the statement is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A field is unknown, missing, or of another form.
    #[error("the statement does not have the form of one: {0}")]
    Form(String),
    /// A field must have one value and has another.
    #[error("the statement's {field} is {found:?}, not {expected:?}")]
    Constant {
        /// The field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it must say.
        expected: &'static str,
    },
    /// There is not exactly one subject.
    #[error("the statement has {0} subjects, not one")]
    Subjects(usize),
    /// The version has build metadata, which no identity has.
    #[error("the version {0} has build metadata")]
    BuildMetadata(Version),
    /// Files are too many, out of order, or one is named twice.
    #[error("the statement's list of files {0}")]
    Files(&'static str),
}

impl StatementError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-statement"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("pack and sign the skill again with `openclaw skill pack`".to_owned())
    }
}

/// What a publisher says of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    archive: Digest,
    predicate: Predicate,
}

/// The part of the statement that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Predicate {
    publisher: PublisherName,
    name: SkillName,
    version: Version,
    manifest_digest: Digest,
    component_digest: Digest,
    files: Vec<FileRecord>,
}

/// The statement as it stands in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

/// An in-toto resource descriptor with the two fields that are used.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: DigestSet,
}

/// An in-toto digest set with the one algorithm that is used.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestSet {
    sha256: String,
}

/// What a new statement is made of, beside the archive's digest.
pub(crate) struct Release {
    pub(crate) id: SkillId,
    pub(crate) version: Version,
    pub(crate) manifest: Digest,
    pub(crate) component: Digest,
    pub(crate) files: Vec<FileRecord>,
}

impl Statement {
    /// A statement about an archive.
    pub(crate) fn new(archive: Digest, release: Release) -> Self {
        let predicate = Predicate {
            publisher: release.id.publisher().clone(),
            name: release.id.name().clone(),
            version: release.version,
            manifest_digest: release.manifest,
            component_digest: release.component,
            files: release.files,
        };
        Self { archive, predicate }
    }

    /// Reads a statement, strictly: no unknown fields, no duplicate keys, files in byte order.
    ///
    /// # Errors
    ///
    /// What is not exactly such a statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_STATEMENT_SIZE {
            return Err(StatementError::TooLarge(bytes.len()));
        }
        let written: Written = json::read(&json::parse(bytes)?)
            .map_err(|error| StatementError::Form(quoted(&error.to_string())))?;
        constant("_type", &written.kind, STATEMENT_TYPE)?;
        constant("predicateType", &written.predicate_type, PREDICATE_TYPE)?;
        let [subject] = written.subject.as_slice() else {
            return Err(StatementError::Subjects(written.subject.len()));
        };
        constant("subject name", &subject.name, SUBJECT_NAME)?;
        let archive = Digest::from_hex(&subject.digest.sha256)
            .map_err(|error| StatementError::Form(error.to_string()))?;
        check_predicate(&written.predicate)?;
        Ok(Self { archive, predicate: written.predicate })
    }

    /// The statement as compact JSON: the payload that is signed.
    pub fn to_json(&self) -> Vec<u8> {
        let written = Written {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject {
                name: SUBJECT_NAME.to_owned(),
                digest: DigestSet { sha256: self.archive.hex() },
            }],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: self.predicate.clone(),
        };
        // Names, digests and numbers are always representable.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// The archive's digest.
    pub fn archive_digest(&self) -> Digest {
        self.archive
    }

    /// The skill that is released.
    pub fn id(&self) -> SkillId {
        SkillId::new(self.predicate.publisher.clone(), self.predicate.name.clone())
    }

    /// The publisher.
    pub fn publisher(&self) -> &PublisherName {
        &self.predicate.publisher
    }

    /// The version that is released.
    pub fn version(&self) -> &Version {
        &self.predicate.version
    }

    /// The digest of `openclaw/skill.toml`.
    pub fn manifest_digest(&self) -> Digest {
        self.predicate.manifest_digest
    }

    /// The digest of `openclaw/skill.wasm`.
    pub fn component_digest(&self) -> Digest {
        self.predicate.component_digest
    }

    /// Every file of the package, in byte order of the paths.
    pub fn files(&self) -> &[FileRecord] {
        &self.predicate.files
    }
}

/// The publisher that a payload names, before anything about it is known to be true: for choosing keys only.
pub(crate) fn claimed_publisher_unverified(payload: &[u8]) -> Result<PublisherName, StatementError> {
    if payload.len() > MAX_STATEMENT_SIZE {
        return Err(StatementError::TooLarge(payload.len()));
    }
    let value = json::parse(payload)?;
    let claimed = value.pointer("/predicate/publisher").and_then(Value::as_str);
    claimed
        .ok_or_else(|| StatementError::Form("it names no publisher".to_owned()))?
        .parse()
        .map_err(|error: crate::name::NameError| StatementError::Form(error.to_string()))
}

fn constant(field: &'static str, found: &str, expected: &'static str) -> Result<(), StatementError> {
    if found == expected {
        Ok(())
    } else {
        Err(StatementError::Constant { field, found: quoted(found), expected })
    }
}

fn check_predicate(predicate: &Predicate) -> Result<(), StatementError> {
    if !predicate.version.build.is_empty() {
        return Err(StatementError::BuildMetadata(predicate.version.clone()));
    }
    if predicate.files.len() > MAX_FILES {
        return Err(StatementError::Files("is too long"));
    }
    if !predicate.files.is_sorted_by(|one, next| one.path < next.path) {
        return Err(StatementError::Files("is not in byte order, or names one twice"));
    }
    let total = predicate.files.iter().try_fold(0_u64, |total, file| total.checked_add(file.size));
    if total.is_none_or(|total| total > Limits::DEFAULT.unpacked) {
        return Err(StatementError::Files("is larger than a package may be"));
    }
    Ok(())
}
