//! What is installed: an immutable snapshot, swapped as a whole, so that running calls finish on
//! the one they began with.

use std::collections::BTreeMap;
use std::sync::Arc;

use openclaw_package::name::{SkillId, ToolId};
use openclaw_package::tools::Tool;

use crate::layout::DataDir;
use crate::lockfile::{Locked, Lockfile, LockfileError};
use crate::policy::{Policy, PolicyError};
use crate::skill::{Authorized, SkillError, Unverified, installed_dir};
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

/// A snapshot of what is installed.
#[derive(Debug)]
pub struct Catalog {
    skills: BTreeMap<SkillId, Entry>,
    policy: Policy,
}

/// Skills that are too few to be worth a thread.
const FEW: usize = 8;

/// Does the same to all of a list, a part of it on each core.
fn on_all_cores<T: Sync, U: Send>(list: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let part = list.len().div_ceil(cores).max(FEW);
    let work = &work;
    std::thread::scope(|scope| {
        let mut parts = list.chunks(part);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<_>>())).collect();
        let mut done: Vec<U> = first.iter().map(work).collect();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
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
        let policy = Policy::load(&dir.policy())?;
        let trust = TrustStore::load(&dir.trust())?;
        let lockfile = Lockfile::load(&dir.lockfile())?;
        let locked: Vec<_> = lockfile.iter().collect();
        let load = |&(skill, locked): &(&SkillId, &Locked)| {
            let at = installed_dir(&dir.skill(skill), locked);
            let loaded = Unverified::installed(at, skill.clone(), locked.clone())
                .verify(&trust)
                .and_then(|verified| verified.authorize(&policy));
            let entry = match loaded {
                Ok(authorized) => Entry::Loaded(Arc::new(authorized)),
                Err(error) => Entry::Refused(Arc::new(error)),
            };
            (skill.clone(), entry)
        };
        let skills = on_all_cores(&locked, load);
        Ok(Self { skills: skills.into_iter().collect(), policy })
    }

    /// The policy that the snapshot was made under.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// A skill.
    #[must_use]
    pub fn get(&self, skill: &SkillId) -> Option<&Entry> {
        self.skills.get(skill)
    }

    /// All skills, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&SkillId, &Entry)> {
        self.skills.iter()
    }

    /// The tools of all loaded skills, by name.
    pub fn tools(&self) -> impl Iterator<Item = (ToolId, &Tool, &Authorized)> {
        self.skills
            .iter()
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
