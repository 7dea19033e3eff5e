//! Putting a verified package in place of an older one, and taking it away: whole or not at all.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use openclaw_package::archive::Limits as ArchiveLimits;
use openclaw_package::envelope::Envelope;
use openclaw_package::key::PublicKey;
use openclaw_package::manifest::Manifest;
use openclaw_package::name::{PublisherName, SkillId};
use openclaw_package::package::{RefusalError, VerifiedPackage, verify_archive};
use openclaw_package::registry::{Origin, Release};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use semver::{Version, VersionReq};

use crate::capability::memory::{MemoryError, MemoryStores};
use crate::layout::{DataDir, DataDirLock, LayoutError, private_dir, quota_file, replace};
use crate::lockfile::{Locked, Lockfile, LockfileError, SkillOrigin};
use crate::policy::{Policy, PolicyError, Rule};
use crate::policy_file::{PolicyFile, PolicyFileError};
use crate::sandbox::Sandbox;
use crate::skill::{PACKAGE_DIR, PROVENANCE_FILE, SIGNATURE_FILE, SkillError, Tools, installed_dir};
use crate::takedowns::{TakedownError, TakedownLists};
use crate::trust::{TrustError, TrustStore};

/// Why a package was not installed, or a skill not removed. What was installed is as it was.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The package is refused.
    #[error(transparent)]
    Refused(#[from] RefusalError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] LayoutError),
    /// The trust store cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The lockfile cannot be used.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy cannot be changed.
    #[error(transparent)]
    PolicyFile(#[from] PolicyFileError),
    /// What it remembered cannot be deleted.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// An installed version is newer.
    #[error("{skill} {offered} is older than the installed {installed}")]
    Downgrade {
        /// The skill.
        skill: SkillId,
        /// The version of the package.
        offered: Version,
        /// The version that is installed.
        installed: Version,
    },
    /// A skill whose name reads the same is installed.
    #[error("{offered} is too much like the installed {installed}")]
    Collision {
        /// The name in the package.
        offered: SkillId,
        /// The name that is installed.
        installed: SkillId,
    },
    /// A registry's operator took it down, or nobody can tell.
    #[error(transparent)]
    Takedown(#[from] TakedownError),
    /// The same name came from somewhere else, signed by another key.
    #[error(
        "{skill} is installed from {installed}, and this one comes from {offered} and is signed by another key"
    )]
    OriginChanged {
        /// The skill.
        skill: SkillId,
        /// Where the installed one came from.
        installed: SkillOrigin,
        /// Where the package comes from.
        offered: SkillOrigin,
    },
    /// It is not installed.
    #[error("{0} is not installed")]
    NotInstalled(SkillId),
}

impl InstallError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Io(_) => "data-dir-unusable",
            Self::Trust(_) => "invalid-trust-store",
            Self::Lockfile(_) => "invalid-lockfile",
            Self::Policy(_) | Self::PolicyFile(_) => "invalid-policy",
            Self::Memory(_) => "memory-unavailable",
            Self::Downgrade { .. } => "downgrade",
            Self::Collision { .. } => "name-collision",
            Self::Takedown(error) => error.code(),
            Self::OriginChanged { .. } => "origin-changed",
            Self::NotInstalled(_) => "not-installed",
        }
    }
}

/// The right to install into a data directory; nobody else has it meanwhile.
#[derive(Debug)]
pub struct Installer {
    dir: DataDir,
    trust: TrustStore,
    lockfile: Lockfile,
    _lock: DataDirLock,
}

/// Who vouches for the key that signed a package.
#[derive(Clone, Debug)]
pub enum Source {
    /// The owner, in `trust.toml`.
    Local,
    /// A registry, whose proof was checked.
    Registry(Box<Registered>),
}

/// A release that a registry's log proves.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The registry.
    pub origin: Origin,
    /// The place of the release in its log.
    pub log_index: u64,
    /// What was released.
    pub release: Release,
    /// Whose it is.
    pub publisher: PublisherName,
    /// The versions that it may be updated to later; any where there is none.
    pub range: Option<VersionReq>,
    /// The proof, to be kept beside the package.
    pub provenance: Vec<u8>,
}

impl Source {
    fn origin(&self) -> SkillOrigin {
        match self {
            Self::Local => SkillOrigin::Local,
            Self::Registry(registered) => SkillOrigin::Registry(registered.origin.clone()),
        }
    }
}

impl Registered {
    /// Refuses a package that is not the one that was released.
    fn check(&self, package: &VerifiedPackage) -> Result<(), RefusalError> {
        let Release { name, version, archive, statement, .. } = &self.release;
        package.expect(&SkillId::new(self.publisher.clone(), name.clone()), version)?;
        for (expected, found) in
            [(*archive, package.archive_digest()), (*statement, package.statement_digest())]
        {
            if expected != found {
                return Err(RefusalError::DigestMismatch { expected, found });
            }
        }
        Ok(())
    }
}

/// A package that is verified and unpacked, and not installed yet.
#[derive(Debug)]
pub struct Staged {
    package: VerifiedPackage,
    source: Source,
    envelope: Vec<u8>,
    staging: tempfile::TempDir,
    installed: Option<(Locked, Option<Manifest>)>,
}

impl Installer {
    /// Takes the lock, and clears what an interrupted install left.
    ///
    /// # Errors
    /// See [`InstallError`].
    pub fn open(dir: &DataDir) -> Result<Self, InstallError> {
        let lock = dir.lock()?;
        let staging = dir.staging();
        match std::fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LayoutError::at(&staging)(error).into());
            }
            _ => private_dir(&staging)?,
        }
        let trust = TrustStore::load(&dir.trust())?;
        let lockfile = Lockfile::load(&dir.lockfile())?;
        for (skill, locked) in lockfile.iter() {
            remove_other_versions(&dir.skill(skill), locked)?;
        }
        Ok(Self { dir: dir.clone(), trust, lockfile, _lock: lock })
    }

    /// Verifies a package and unpacks it beside what is installed.
    ///
    /// # Errors
    /// [`InstallError::Refused`] for whatever is wrong with it.
    pub fn stage(&self, archive: &Path, envelope: Vec<u8>, source: Source) -> Result<Staged, InstallError> {
        let parsed = Envelope::parse(&envelope).map_err(RefusalError::from)?;
        let file = File::open(archive).map_err(LayoutError::at(archive))?;
        let staging_dir = self.dir.staging();
        let staging = tempfile::TempDir::new_in(&staging_dir).map_err(LayoutError::at(&staging_dir))?;
        let target = staging.path().join(PACKAGE_DIR);
        private_dir(&target)?;
        let dir = Dir::open_ambient_dir(&target, ambient_authority()).map_err(LayoutError::at(&target))?;
        let keys = |publisher: &_| match &source {
            Source::Local => self.trust.keys(publisher),
            Source::Registry(registered) if registered.publisher == *publisher => {
                vec![registered.release.signer.clone()]
            }
            Source::Registry(_) => Vec::new(),
        };
        let package = verify_archive(file, &parsed, keys, &dir, ArchiveLimits::DEFAULT)?;
        if let Source::Registry(registered) = &source {
            registered.check(&package)?;
        }
        let skill = package.manifest().id();
        let (version, digest) = (package.manifest().version(), package.archive_digest());
        TakedownLists::of(&self.dir).check_release(skill, version, &digest, &source.origin())?;
        if let Some((installed, _)) = self
            .lockfile
            .iter()
            .find(|(other, _)| *other != skill && other.collision_key() == skill.collision_key())
        {
            return Err(InstallError::Collision { offered: skill.clone(), installed: installed.clone() });
        }
        self.check_origin(skill, &source, package.signer())?;
        let installed = self.lockfile.get(skill).map(|locked| {
            let manifest =
                installed_dir(&self.dir.skill(skill), locked).join(PACKAGE_DIR).join("openclaw/skill.toml");
            // What cannot be read any more is treated as having asked for nothing.
            let manifest =
                std::fs::read_to_string(manifest).ok().and_then(|text| Manifest::parse(&text).ok());
            (locked.clone(), manifest)
        });
        Ok(Staged { package, source, envelope, staging, installed })
    }

    /// Refuses a skill of the same name from somewhere else: what the owner granted and what the skill kept was
    /// meant for another. The same key from elsewhere is the same publisher.
    fn check_origin(&self, skill: &SkillId, source: &Source, signer: &PublicKey) -> Result<(), InstallError> {
        match self.lockfile.get(skill) {
            Some(locked) if locked.origin != source.origin() && locked.signer != *signer => {
                let (installed, offered) = (locked.origin.clone(), source.origin());
                Err(InstallError::OriginChanged { skill: skill.clone(), installed, offered })
            }
            _ => Ok(()),
        }
    }

    /// Puts a staged package in place, and adds rules that its owner consented to.
    ///
    /// # Errors
    /// [`InstallError::Downgrade`] where an installed version is newer and `downgrade` is false.
    pub fn commit(
        mut self,
        staged: Staged,
        consented: &[Rule],
        downgrade: bool,
    ) -> Result<Locked, InstallError> {
        let skill = staged.package.manifest().id().clone();
        let offered = staged.package.manifest().version().clone();
        if let Some((installed, _)) = &staged.installed
            && offered < installed.version
            && !downgrade
        {
            return Err(InstallError::Downgrade { skill, offered, installed: installed.version.clone() });
        }
        let mut policy = PolicyFile::open(&self.dir.policy())?;
        for rule in consented {
            policy.allow(&skill, rule);
        }
        let grants = policy.policy()?.allowed(&skill).to_vec();
        let registered = match &staged.source {
            Source::Local => None,
            Source::Registry(registered) => Some(registered),
        };
        let locked = Locked {
            version: offered,
            archive: staged.package.archive_digest(),
            statement: staged.package.statement_digest(),
            signer: staged.package.signer().clone(),
            origin: staged.source.origin(),
            log_index: registered.map(|registered| registered.log_index),
            range: registered.and_then(|registered| registered.range.clone()),
            grants,
        };
        let skill_dir = self.dir.skill(&skill);
        private_dir(&skill_dir)?;
        let target = installed_dir(&skill_dir, &locked);
        replace(&staged.staging.path().join(SIGNATURE_FILE), &staged.envelope)?;
        if let Some(registered) = registered {
            replace(&staged.staging.path().join(PROVENANCE_FILE), &registered.provenance)?;
        }
        put_dir(&staged.staging.keep(), &target)?;
        policy.save()?;
        self.lockfile.insert(skill, locked.clone());
        self.lockfile.save(&self.dir.lockfile())?;
        remove_other_versions(&skill_dir, &locked)?;
        Ok(locked)
    }

    /// Removes a skill; with `purge` also its data, memory, log and rules.
    ///
    /// # Errors
    /// [`InstallError::NotInstalled`], or whatever could not be removed.
    pub fn remove(mut self, skill: &SkillId, purge: bool) -> Result<Locked, InstallError> {
        if self.lockfile.get(skill).is_none() {
            return Err(InstallError::NotInstalled(skill.clone()));
        }
        // First what can be done again: while the skill is in the lockfile, so can this be.
        if purge {
            let data = self.dir.data(skill);
            remove_dir(&data)?;
            remove_file(&quota_file(&data))?;
            MemoryStores::new(self.dir.memory()).purge(skill)?;
            remove_file(&self.dir.log(skill))?;
            let mut policy = PolicyFile::open(&self.dir.policy())?;
            policy.forget(skill);
            policy.save()?;
        }
        let locked = self.lockfile.remove(skill).ok_or_else(|| InstallError::NotInstalled(skill.clone()))?;
        self.lockfile.save(&self.dir.lockfile())?;
        remove_dir(&self.dir.skill(skill))?;
        Ok(locked)
    }

    /// Writes into the lockfile what the policy now grants a skill.
    ///
    /// # Errors
    /// See [`InstallError`].
    pub fn repin(&mut self, skill: &SkillId) -> Result<(), InstallError> {
        let policy = Policy::load(&self.dir.policy())?;
        if let Some(locked) = self.lockfile.get_mut(skill) {
            locked.grants = policy.allowed(skill).to_vec();
            self.lockfile.save(&self.dir.lockfile())?;
        }
        Ok(())
    }
}

impl Staged {
    /// Makes the package ready as its first call would, so that one that cannot be called never
    /// takes the place of one that can.
    ///
    /// # Errors
    /// [`SkillError`], whatever is wrong with its component or its schemas.
    pub fn probe(&self, sandbox: &Sandbox) -> Result<(), Arc<SkillError>> {
        Tools::new(self.package.tools()).check()?;
        Ok(self.probe_component(sandbox)?)
    }

    fn probe_component(&self, sandbox: &Sandbox) -> Result<(), SkillError> {
        let path = self.staging.path().join(PACKAGE_DIR);
        let dir = Dir::open_ambient_dir(&path, ambient_authority()).map_err(LayoutError::at(&path))?;
        let component = self.package.read_component(&dir)?;
        let requests = self.package.manifest().requests();
        sandbox.prepare(&component, self.package.component_digest(), requests)?;
        Ok(())
    }

    /// What is in the package.
    #[must_use]
    pub fn package(&self) -> &VerifiedPackage {
        &self.package
    }

    /// Who vouches for its signer.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The version that is installed, if one is.
    #[must_use]
    pub fn installed(&self) -> Option<&Version> {
        self.installed.as_ref().map(|(locked, _)| &locked.version)
    }

    /// The manifest of the version that is installed, if one is and can be read.
    #[must_use]
    pub fn installed_manifest(&self) -> Option<&Manifest> {
        self.installed.as_ref().and_then(|(_, manifest)| manifest.as_ref())
    }
}

/// Moves a directory into place. One of the same digest that is there may be damaged: they change
/// places, so that there is one at every moment.
fn put_dir(from: &Path, target: &Path) -> Result<(), LayoutError> {
    let flags = if target.exists() { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
    renameat_with(CWD, from, CWD, target, flags).map_err(|errno| LayoutError::at(target)(errno.into()))?;
    let parent = target.parent().unwrap_or(target);
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(LayoutError::at(parent))?;
    remove_dir(from)
}

/// Removes the versions of a skill that the lockfile does not pin: the one before, or what an
/// interrupted install left.
fn remove_other_versions(skill_dir: &Path, locked: &Locked) -> Result<(), LayoutError> {
    let entries = match std::fs::read_dir(skill_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LayoutError::at(skill_dir)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(LayoutError::at(skill_dir))?;
        if entry.file_name() != *locked.directory() {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

/// Deletes a file, if it is there.
fn remove_file(path: &Path) -> Result<(), LayoutError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LayoutError::at(path)(error)),
        _ => Ok(()),
    }
}

fn remove_dir(path: &Path) -> Result<(), LayoutError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LayoutError::at(path)(error)),
        _ => Ok(()),
    }
}
