//! From an archive, or an installed directory, and an envelope to a package that may be believed.
//!
//! The order is fixed: signature, statement, digest of the archive; only then is anything unpacked, every file
//! held against the statement, and the parts against each other and against the component's imports.

use std::collections::BTreeMap;
use std::io::Read;

use cap_std::fs::Dir;
use semver::Version;

use super::layout::{self, Parts};
use super::{COMPONENT_PATH, MANIFEST_PATH, RefusalError};
use crate::archive::{self, ArchiveError, FileRecord, Limits, PackagePath};
use crate::component::Imports;
use crate::digest::Digest;
use crate::envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use crate::key::PublicKey;
use crate::manifest::Manifest;
use crate::name::{PublisherName, SkillId};
use crate::skill_md::SkillMd;
use crate::statement::{self, Statement, StatementError};
use crate::tools::ToolList;

/// How much of an installed package is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every file, and the component's imports are proved.
    Full,
    /// Every file but the component, which is only checked to be there; read it with
    /// [`VerifiedPackage::read_component`] before it is compiled.
    WithoutComponent,
}

/// A package whose signature, digests and parts were checked. Only this module makes one.
#[derive(Debug, Clone)]
pub struct VerifiedPackage {
    manifest: Manifest,
    skill_md: SkillMd,
    tools: ToolList,
    statement: Statement,
    statement_digest: Digest,
    signer: PublicKey,
}

impl VerifiedPackage {
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SKILL.md.
    pub fn skill_md(&self) -> &SkillMd {
        &self.skill_md
    }

    /// The tools.
    pub fn tools(&self) -> &ToolList {
        &self.tools
    }

    /// What was signed.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The digest of the statement's bytes as they were signed.
    pub fn statement_digest(&self) -> Digest {
        self.statement_digest
    }

    /// The digest of the archive.
    pub fn archive_digest(&self) -> Digest {
        self.statement.archive_digest()
    }

    /// The digest of the component.
    pub fn component_digest(&self) -> Digest {
        self.statement.component_digest()
    }

    /// The trusted key that signed; the first of them where several did.
    pub fn signer(&self) -> &PublicKey {
        &self.signer
    }

    /// Every file, in byte order of the paths.
    pub fn files(&self) -> &[FileRecord] {
        self.statement.files()
    }

    /// Refuses the package when it is another one than was asked for.
    ///
    /// # Errors
    ///
    /// [`RefusalError::IdentityMismatch`].
    pub fn expect(&self, id: &SkillId, version: &Version) -> Result<(), RefusalError> {
        let found = (self.manifest.id(), self.manifest.version());
        layout::same_release("the package", found, (id, version))
    }

    /// Reads the component, holds it against the statement and proves its imports. The bytes that come back are
    /// the ones that were checked: compile these, do not open the file again.
    ///
    /// # Errors
    ///
    /// A component that is missing, was changed, or could do more than the manifest asks.
    pub fn read_component(&self, dir: &Dir) -> Result<Vec<u8>, RefusalError> {
        let record = record_of(self.statement.files(), COMPONENT_PATH)?;
        let bytes = read_checked(dir, record)?;
        Imports::read(&bytes)?.prove(self.manifest.requests())?;
        Ok(bytes)
    }

    /// Reads a file of the package, and holds the very bytes that come back against the statement. A path that is
    /// not one of its files is not followed.
    ///
    /// # Errors
    ///
    /// A file that is not in the package, is missing, or was changed.
    pub fn read_file(&self, dir: &Dir, path: &str) -> Result<Vec<u8>, RefusalError> {
        read_checked(dir, record_of(self.statement.files(), path)?)
    }
}

/// A package that nobody signed, or whose signature was not looked at. Its parts were checked all the same.
#[derive(Debug, Clone)]
pub struct UnsignedPackage {
    manifest: Manifest,
    skill_md: SkillMd,
    tools: ToolList,
    archive_digest: Option<Digest>,
    files: Vec<FileRecord>,
}

impl UnsignedPackage {
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SKILL.md.
    pub fn skill_md(&self) -> &SkillMd {
        &self.skill_md
    }

    /// The tools.
    pub fn tools(&self) -> &ToolList {
        &self.tools
    }

    /// The digest of the archive, where it was read from one.
    pub fn archive_digest(&self) -> Option<Digest> {
        self.archive_digest
    }

    /// Every file, in byte order of the paths.
    pub fn files(&self) -> &[FileRecord] {
        &self.files
    }
}

/// Verifies an archive and unpacks it into an empty staging directory.
///
/// `keys_for` gives the trusted keys of a publisher. The publisher's name is taken from the unverified payload,
/// for choosing keys only; what those keys did not sign is refused.
///
/// # Errors
///
/// The first check that fails. Staging may then hold a part of the package; throw it away.
pub fn verify_archive(
    archive: impl Read,
    envelope: &Envelope,
    keys_for: impl Fn(&PublisherName) -> Vec<PublicKey>,
    staging: &Dir,
    limits: Limits,
) -> Result<VerifiedPackage, RefusalError> {
    let signed = verify_envelope(envelope, keys_for)?;
    let bytes = read_bounded(archive, limits)?;
    let (expected, found) = (signed.statement.archive_digest(), Digest::of(&bytes));
    if expected != found {
        return Err(RefusalError::DigestMismatch { expected, found });
    }
    let records = archive::extract(bytes.as_slice(), staging, limits)?;
    compare(signed.statement.files(), &records)?;
    check_signed(signed, staging, Depth::Full)
}

/// Verifies an installed package against what was signed, as often as it is loaded.
///
/// The directory holds the package and nothing else.
///
/// # Errors
///
/// The first check that fails: a file that is missing, was changed or was added is named.
pub fn verify_dir(
    dir: &Dir,
    envelope: &Envelope,
    keys_for: impl Fn(&PublisherName) -> Vec<PublicKey>,
    depth: Depth,
) -> Result<VerifiedPackage, RefusalError> {
    let signed = verify_envelope(envelope, keys_for)?;
    let found = layout::walk(dir, Limits::DEFAULT)?;
    compare_names(signed.statement.files(), &found)?;
    let skip =
        |record: &FileRecord| depth == Depth::WithoutComponent && record.path.as_str() == COMPONENT_PATH;
    for record in signed.statement.files().iter().filter(|record| !skip(record)) {
        read_checked(dir, record)?;
    }
    check_signed(signed, dir, depth)
}

/// Unpacks an archive that nobody signed, for development. All checks but the signature's are made.
///
/// # Errors
///
/// As [`verify_archive`], without the signature.
pub fn read_unsigned_unverified(
    archive: impl Read,
    staging: &Dir,
    limits: Limits,
) -> Result<UnsignedPackage, RefusalError> {
    let bytes = read_bounded(archive, limits)?;
    let records = archive::extract(bytes.as_slice(), staging, limits)?;
    check_unsigned(staging, records, Some(Digest::of(&bytes)))
}

/// Reads a package directory that nobody signed, for development. All checks but the signature's are made.
///
/// # Errors
///
/// As [`verify_dir`], without the signature.
pub fn read_unsigned_dir_unverified(dir: &Dir) -> Result<UnsignedPackage, RefusalError> {
    let record = |(path, size): (PackagePath, u64)| {
        let bytes = layout::read_file(dir, path.as_str(), size)?;
        Ok(FileRecord { path, size: bytes.len() as u64, sha256: Digest::of(&bytes) })
    };
    let found = layout::walk(dir, Limits::DEFAULT)?;
    let records = found.into_iter().map(record).collect::<Result<_, RefusalError>>()?;
    check_unsigned(dir, records, None)
}

/// A statement whose signature holds.
struct Signed {
    statement: Statement,
    digest: Digest,
    signer: PublicKey,
}

fn verify_envelope(
    envelope: &Envelope,
    keys_for: impl Fn(&PublisherName) -> Vec<PublicKey>,
) -> Result<Signed, RefusalError> {
    // The type decides how the payload may be read at all, so it comes before the publisher's name.
    envelope.check_type(IN_TOTO_PAYLOAD_TYPE)?;
    let publisher = statement::claimed_publisher_unverified(envelope.payload_unverified())?;
    let keys = keys_for(&publisher);
    if keys.is_empty() {
        return Err(RefusalError::UntrustedPublisher { publisher });
    }
    let verified = envelope.verify(&keys, 1)?;
    let statement = Statement::parse(verified.payload())?;
    if *statement.publisher() != publisher {
        return Err(StatementError::Form("it names two publishers".to_owned()).into());
    }
    let digest = Digest::of(verified.payload());
    match verified.signers() {
        [signer, ..] => Ok(Signed { statement, digest, signer: signer.clone() }),
        [] => Err(RefusalError::UntrustedPublisher { publisher }),
    }
}

/// Holds the parts of an unpacked package against the statement and each other.
fn check_signed(signed: Signed, dir: &Dir, depth: Depth) -> Result<VerifiedPackage, RefusalError> {
    let Signed { statement, digest, signer } = signed;
    let files = statement.files();
    layout::check(files.iter().map(|record| &record.path))?;
    for (path, told) in
        [(MANIFEST_PATH, statement.manifest_digest()), (COMPONENT_PATH, statement.component_digest())]
    {
        let listed = record_of(files, path)?.sha256;
        layout::same("digest", "the list of files", &listed.to_string(), &told.to_string())?;
    }
    let Parts { manifest, skill_md, tools } = Parts::read(|path| read_checked(dir, record_of(files, path)?))?;
    let release = (&statement.id(), statement.version());
    layout::same_release("skill.toml", (manifest.id(), manifest.version()), release)?;
    let package = VerifiedPackage { manifest, skill_md, tools, statement, statement_digest: digest, signer };
    if depth == Depth::Full {
        package.read_component(dir)?;
    }
    Ok(package)
}

fn check_unsigned(
    dir: &Dir,
    files: Vec<FileRecord>,
    archive_digest: Option<Digest>,
) -> Result<UnsignedPackage, RefusalError> {
    layout::check(files.iter().map(|record| &record.path))?;
    let Parts { manifest, skill_md, tools } =
        Parts::read(|path| read_checked(dir, record_of(&files, path)?))?;
    let component = read_checked(dir, record_of(&files, COMPONENT_PATH)?)?;
    Imports::read(&component)?.prove(manifest.requests())?;
    Ok(UnsignedPackage { manifest, skill_md, tools, archive_digest, files })
}

/// Holds what was unpacked against what was signed, both ways.
fn compare(signed: &[FileRecord], found: &[FileRecord]) -> Result<(), RefusalError> {
    let names: Vec<(PackagePath, u64)> =
        found.iter().map(|record| (record.path.clone(), record.size)).collect();
    compare_names(signed, &names)?;
    let found: BTreeMap<&PackagePath, &FileRecord> =
        found.iter().map(|record| (&record.path, record)).collect();
    match signed.iter().find(|record| found.get(&record.path) != Some(record)) {
        Some(record) => Err(RefusalError::ChangedFile(record.path.to_string())),
        None => Ok(()),
    }
}

/// Holds names and sizes against what was signed, both ways.
fn compare_names(signed: &[FileRecord], found: &[(PackagePath, u64)]) -> Result<(), RefusalError> {
    let mut rest: BTreeMap<&PackagePath, u64> = found.iter().map(|(path, size)| (path, *size)).collect();
    for record in signed {
        match rest.remove(&record.path) {
            None => return Err(RefusalError::MissingFile(record.path.to_string())),
            Some(size) if size != record.size => {
                return Err(RefusalError::ChangedFile(record.path.to_string()));
            }
            Some(_) => {}
        }
    }
    match rest.keys().next() {
        Some(path) => Err(RefusalError::ExtraFile(path.to_string())),
        None => Ok(()),
    }
}

/// Reads a file and holds the very bytes that come back against what was signed.
fn read_checked(dir: &Dir, record: &FileRecord) -> Result<Vec<u8>, RefusalError> {
    let bytes = layout::read_file(dir, record.path.as_str(), record.size)?;
    if bytes.len() as u64 != record.size || Digest::of(&bytes) != record.sha256 {
        return Err(RefusalError::ChangedFile(record.path.to_string()));
    }
    Ok(bytes)
}

fn record_of<'a>(files: &'a [FileRecord], path: &str) -> Result<&'a FileRecord, RefusalError> {
    let found = files.iter().find(|record| record.path.as_str() == path);
    found.ok_or_else(|| RefusalError::MissingFile(path.to_owned()))
}

fn read_bounded(archive: impl Read, limits: Limits) -> Result<Vec<u8>, RefusalError> {
    let mut bytes = Vec::new();
    let limit = limits.packed;
    archive.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(RefusalError::io("the archive"))?;
    if bytes.len() as u64 > limit {
        return Err(ArchiveError::TooLarge { limit }.into());
    }
    Ok(bytes)
}
