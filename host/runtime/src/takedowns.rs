//! What the operators of the owner's registries took down: read from the data directory, without any registry.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use openclaw_package::digest::Digest;
use openclaw_package::name::SkillId;
use openclaw_package::registry::takedown::{EVIDENCE_FOLDER, KEPT_FILE, KeptTakedowns, REPLACED_SUFFIX};
use openclaw_package::registry::{Takedown, Takedowns};
use semver::Version;

use crate::layout::DataDir;
use crate::lockfile::{Locked, SkillOrigin};

/// The lists of all registries, read when the first skill of a registry is checked: whoever has none pays nothing.
#[derive(Debug)]
pub(crate) struct TakedownLists {
    dir: DataDir,
    read: OnceLock<Lists>,
}

/// What the lists say.
#[derive(Debug, Default)]
struct Lists {
    lists: Vec<Takedowns>,
    damaged: Option<Damaged>,
}

/// A list that cannot be believed, so that nobody knows what it says.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the list of takedowns {} cannot be believed: {reason}", path.display())]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a release is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TakedownError {
    /// A registry's operator took it down.
    #[error("{skill} {version} was taken down by {origin}: {reason}")]
    TakenDown {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// The registry that says so.
        origin: String,
        /// Why.
        reason: String,
    },
    /// It came from a registry, and a list of takedowns cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

impl TakedownError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TakenDown { .. } => "taken-down",
            Self::Damaged(_) => "takedowns-damaged",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::TakenDown { skill, .. } => format!("openclaw remove {skill}"),
            Self::Damaged(_) => {
                "restore the file from a backup, or log in anew with openclaw registry login --replace"
                    .to_owned()
            }
        }
    }
}

impl TakedownLists {
    /// The lists of a data directory.
    pub(crate) fn of(dir: &DataDir) -> Self {
        Self { dir: dir.clone(), read: OnceLock::new() }
    }

    /// Refuses what was taken down. A list counts for what came from its own registry, by name or by the archive's
    /// digest: one registry must not be able to stop what came from another, or from a file.
    ///
    /// # Errors
    /// [`TakedownError`]. Where a list is damaged, what came from a registry without a good list is refused.
    pub(crate) fn check(&self, skill: &SkillId, locked: &Locked) -> Result<(), TakedownError> {
        self.check_release(skill, &locked.version, &locked.archive, &locked.origin)
    }

    /// The same, for what is not installed yet.
    pub(crate) fn check_release(
        &self,
        skill: &SkillId,
        version: &Version,
        archive: &Digest,
        origin: &SkillOrigin,
    ) -> Result<(), TakedownError> {
        let SkillOrigin::Registry(origin) = origin else { return Ok(()) };
        let Lists { lists, damaged } = self.read.get_or_init(|| Lists::read(&self.dir));
        let mut lists = lists.iter().filter(|list| list.origin == *origin).peekable();
        if let (None, Some(damaged)) = (lists.peek(), damaged) {
            return Err(damaged.clone().into());
        }
        match lists.find_map(|list| list.find(skill, version, archive)) {
            None => Ok(()),
            Some(Takedown { reason, .. }) => Err(TakedownError::TakenDown {
                skill: skill.clone(),
                version: version.clone(),
                origin: origin.to_string(),
                reason: reason.to_string(),
            }),
        }
    }
}

impl Lists {
    /// Reads the list of each registry, and of those that another one took the place of: what was taken down stays so.
    /// A registry that never sent a list took nothing down.
    fn read(dir: &DataDir) -> Self {
        let mut lists = Self::default();
        for registry in lists.entries(&dir.registries()) {
            lists.add(&registry);
            for replaced in lists.entries(&registry.join(EVIDENCE_FOLDER)) {
                if replaced.to_string_lossy().ends_with(REPLACED_SUFFIX) {
                    lists.add(&replaced);
                }
            }
        }
        lists
    }

    /// What is in a directory; nothing where there is none.
    fn entries(&mut self, dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        });
        match entries {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Vec::new()
            }
            Err(error) => {
                self.damaged = Some(Damaged { path: dir.to_owned(), reason: error.to_string() });
                Vec::new()
            }
        }
    }

    fn add(&mut self, registry: &Path) {
        match read(&registry.join(KEPT_FILE)) {
            Ok(list) => self.lists.extend(list),
            Err(damaged) => self.damaged = Some(damaged),
        }
    }
}

fn read(path: &Path) -> Result<Option<Takedowns>, Damaged> {
    let damaged = |reason: String| Damaged { path: path.to_owned(), reason };
    match std::fs::read(path) {
        Ok(bytes) => KeptTakedowns::verify_file(&bytes).map(Some).map_err(|error| damaged(error.to_string())),
        // A file beside the folders, as the name of the default registry, has no list either.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(damaged(error.to_string())),
    }
}
