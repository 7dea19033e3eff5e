//! What is installed, pinned: `openclaw.lock`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use openclaw_package::digest::Digest;
use openclaw_package::key::PublicKey;
use openclaw_package::name::SkillId;
use openclaw_package::registry::{LOCAL, Origin, OriginError};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::layout::{LayoutError, replace};
use crate::policy::Rule;

/// Version 2 knows skills that came from a registry; version 1 is read as well.
const VERSION: u32 = 2;

/// The lockfile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockfile {
    version: u32,
    #[serde(default)]
    skill: BTreeMap<SkillId, Locked>,
}

/// An installed skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its version.
    pub version: Version,
    /// The digest of its archive.
    pub archive: Digest,
    /// The digest of the statement that was signed.
    pub statement: Digest,
    /// The key that signed it.
    pub signer: PublicKey,
    /// Where it came from.
    pub origin: SkillOrigin,
    /// The place of its release in the registry's log, if it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// The versions that it may be updated to; any where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<VersionReq>,
    /// What the policy granted it when this was written.
    pub grants: Vec<Rule>,
}

/// Where an installed skill came from, and so who vouched for its publisher's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SkillOrigin {
    /// A file: the owner trusts the key, in `trust.toml`. Written `local`.
    Local,
    /// A registry: its log proved the key when the skill was installed, and the lockfile pins it.
    Registry(Origin),
}

impl fmt::Display for SkillOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str(LOCAL),
            Self::Registry(origin) => origin.fmt(f),
        }
    }
}

impl TryFrom<String> for SkillOrigin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        if text == LOCAL { Ok(Self::Local) } else { text.parse().map(Self::Registry) }
    }
}

impl From<SkillOrigin> for String {
    fn from(origin: SkillOrigin) -> String {
        origin.to_string()
    }
}

/// Why the lockfile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockfileError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] LayoutError),
    /// It is not a lockfile.
    #[error("{} is not a valid lockfile: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Locked {
    /// The name of the directory that holds this version.
    #[must_use]
    pub fn directory(&self) -> String {
        let digest: String = self.archive.hex().chars().take(16).collect();
        format!("{}-{digest}", self.version)
    }
}

impl Lockfile {
    /// Reads the lockfile; one that is not there is empty.
    ///
    /// # Errors
    /// See [`LockfileError`].
    pub fn load(path: &Path) -> Result<Self, LockfileError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(LayoutError::at(path)(error).into()),
        };
        let invalid = |reason: String| LockfileError::Invalid { path: path.to_owned(), reason };
        let lockfile: Self = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if lockfile.version > VERSION {
            return Err(invalid(format!("version {} is newer than this openclaw reads", lockfile.version)));
        }
        Ok(lockfile)
    }

    /// Writes the lockfile.
    ///
    /// # Errors
    /// [`LockfileError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), LockfileError> {
        let lockfile = Self { version: VERSION, skill: self.skill.clone() };
        let text = toml::to_string_pretty(&lockfile)
            .map_err(|error| LockfileError::Invalid { path: path.to_owned(), reason: error.to_string() })?;
        Ok(replace(path, text.as_bytes())?)
    }

    /// An installed skill.
    #[must_use]
    pub fn get(&self, skill: &SkillId) -> Option<&Locked> {
        self.skill.get(skill)
    }

    /// An installed skill, to be changed.
    pub fn get_mut(&mut self, skill: &SkillId) -> Option<&mut Locked> {
        self.skill.get_mut(skill)
    }

    /// Pins a skill, in place of an older version.
    pub fn insert(&mut self, skill: SkillId, locked: Locked) -> Option<Locked> {
        self.skill.insert(skill, locked)
    }

    /// Forgets a skill.
    pub fn remove(&mut self, skill: &SkillId) -> Option<Locked> {
        self.skill.remove(skill)
    }

    /// All installed skills, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&SkillId, &Locked)> {
        self.skill.iter()
    }
}
