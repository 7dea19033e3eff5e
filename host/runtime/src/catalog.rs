//! What is installed: an immutable snapshot, swapped as a whole, so that running calls finish on
//! the one they began with.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use openclaw_package::digest::Digest;
use openclaw_package::name::{SkillId, ToolId};
use openclaw_package::tools::Tool;

use crate::layout::DataDir;
use crate::lockfile::{Locked, Lockfile, LockfileError};
use crate::policy::{Policy, PolicyError};
use crate::skill::{Authorized, SkillError, Unverified};
use crate::takedowns::TakedownLists;
use crate::trust::{TrustError, TrustStore};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The trust store cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The lockfile cannot be used.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
}

impl CatalogError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Policy(_) => "invalid-policy",
            Self::Trust(_) => "invalid-trust-store",
            Self::Lockfile(_) => "invalid-lockfile",
        }
    }
}

/// A snapshot of what is installed. Each skill is verified when it is first asked for: a command that calls one of
/// hundreds waits for that one.
#[derive(Debug)]
pub struct Catalog {
    skills: BTreeMap<SkillId, Slot>,
    policy: Policy,
    trust: TrustStore,
    takedowns: TakedownLists,
    dir: DataDir,
}

/// An installed skill, as the lockfile pins it, and what came of its verification.
#[derive(Debug)]
struct Slot {
    locked: Locked,
    entry: OnceLock<Entry>,
}

/// Skills that are too few to be worth a thread.
const FEW: usize = 8;

/// Does the same to all of a list, a part of it on each core.
fn on_all_cores<T: Sync, U>(list: &[T], work: impl Fn(&T) -> U + Sync) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let part = list.len().div_ceil(cores).max(FEW);
    let work = &work;
    std::thread::scope(|scope| {
        for part in list.chunks(part).skip(1) {
            scope.spawn(move || part.iter().for_each(|item| drop(work(item))));
        }
        list.iter().take(part).for_each(|item| drop(work(item)));
    });
}

/// A skill of the snapshot: loaded, or refused with the reason.
#[derive(Clone, Debug)]
pub enum Entry {
    /// It may be called.
    Loaded(Arc<Authorized>),
    /// It may not.
    Refused(Arc<SkillError>),
}

impl Catalog {
    /// Reads what is installed. A skill that does not verify is in the snapshot as refused.
    ///
    /// # Errors
    /// [`CatalogError`]: without policy, trust and pins nothing is loaded.
    pub fn load(dir: &DataDir) -> Result<Self, CatalogError> {
        Self::load_within(dir, None)
    }

    /// The same, with calls that are given no more than this time, whatever the policy says.
    pub(crate) fn load_within(dir: &DataDir, call_time: Option<Duration>) -> Result<Self, CatalogError> {
        let mut policy = Policy::load(&dir.policy())?;
        policy.limit_call_time(call_time);
        let trust = TrustStore::load(&dir.trust())?;
        let slot = |(skill, locked): (&SkillId, &Locked)| {
            (skill.clone(), Slot { locked: locked.clone(), entry: OnceLock::new() })
        };
        let skills = Lockfile::load(&dir.lockfile())?.iter().map(slot).collect();
        Ok(Self { skills, policy, trust, takedowns: TakedownLists::of(dir), dir: dir.clone() })
    }

    /// The policy that the snapshot was made under.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether a skill is installed, loaded or not.
    #[must_use]
    pub fn contains(&self, skill: &SkillId) -> bool {
        self.skills.contains_key(skill)
    }

    /// How many skills are loaded, of those that were looked at.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.skills.values().filter(|slot| matches!(slot.entry.get(), Some(Entry::Loaded(_)))).count()
    }

    /// The digests of all installed packages.
    pub(crate) fn packages(&self) -> impl Iterator<Item = Digest> {
        self.skills.values().map(|slot| slot.locked.archive)
    }

    /// A skill.
    #[must_use]
    pub fn get(&self, skill: &SkillId) -> Option<&Entry> {
        self.skills.get_key_value(skill).map(|(skill, slot)| self.entry(skill, slot))
    }

    /// All skills, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&SkillId, &Entry)> {
        let slots: Vec<_> = self.skills.iter().filter(|(_, slot)| slot.entry.get().is_none()).collect();
        on_all_cores(&slots, |(skill, slot)| self.entry(skill, slot));
        self.skills.iter().map(|(skill, slot)| (skill, self.entry(skill, slot)))
    }

    fn entry<'a>(&self, skill: &SkillId, slot: &'a Slot) -> &'a Entry {
        slot.entry.get_or_init(|| {
            let unverified = Unverified::installed(&self.dir, skill, &slot.locked);
            let loaded = self
                .takedowns
                .check(skill, &slot.locked)
                .map_err(SkillError::from)
                .and_then(|()| unverified.verify(&self.trust))
                .and_then(|verified| verified.authorize(&self.policy));
            match loaded {
                Ok(authorized) => Entry::Loaded(Arc::new(authorized)),
                Err(error) => Entry::Refused(Arc::new(error)),
            }
        })
    }

    /// The tools of all loaded skills, by name.
    pub fn tools(&self) -> impl Iterator<Item = (ToolId, &Tool, &Authorized)> {
        self.iter()
            .filter_map(|(skill, entry)| match entry {
                Entry::Loaded(authorized) => Some((skill, authorized)),
                Entry::Refused(_) => None,
            })
            .flat_map(|(skill, authorized)| {
                authorized
                    .tools()
                    .iter()
                    .map(move |tool| (skill.tool(tool.name.clone()), tool, &**authorized))
            })
    }

    /// Names of tools that resemble one, the most alike first.
    #[must_use]
    pub fn nearest(&self, wanted: &str) -> Vec<ToolId> {
        let mut scored: Vec<_> = self
            .tools()
            .map(|(id, _, _)| (strsim::jaro_winkler(wanted, id.as_str()), id))
            .filter(|(score, _)| *score > 0.8)
            .collect();
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        scored.into_iter().take(3).map(|(_, id)| id).collect()
    }
}
