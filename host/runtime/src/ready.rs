//! What installed skills were made ready as: made once by whoever calls first, kept for those that are called, and
//! made without holding up callers who go away.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openclaw_package::digest::Digest;
use tokio::sync::OnceCell;

use crate::catalog::Catalog;
use crate::sandbox::PrepareError;
use crate::skill::SkillError;

pub(crate) type Made<T> = Result<T, Arc<SkillError>>;

/// Skills that are ready, by the digest of their package; they outlive the snapshots of what is installed.
#[derive(Debug)]
pub(crate) struct ReadySkills<T> {
    most: usize,
    slots: Mutex<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    by_package: HashMap<Digest, Slot<T>>,
    clock: u64,
}

#[derive(Debug)]
struct Slot<T> {
    made: Arc<OnceCell<Made<T>>>,
    used: u64,
}

impl<T: Clone + Send + Sync + 'static> ReadySkills<T> {
    /// Keeps the `most` that were called last: each costs the process maps, descriptors or memory.
    pub(crate) fn keeping(most: usize) -> Self {
        Self { most, slots: Mutex::new(Slots { by_package: HashMap::new(), clock: 0 }) }
    }

    /// What was made of a package before.
    pub(crate) fn made(&self, package: Digest) -> Option<Made<T>> {
        self.cell(package).get().cloned()
    }

    /// What `make` makes of a package, or made before. It goes on where the caller does not.
    ///
    /// # Errors
    /// What `make` failed with; a failure that the package itself is the reason of is remembered, so that it
    /// costs no second attempt.
    pub(crate) async fn get(
        &self,
        package: Digest,
        make: impl FnOnce() -> Result<T, SkillError> + Send + 'static,
    ) -> Made<T> {
        let cell = self.cell(package);
        if let Some(made) = cell.get() {
            return made.clone();
        }
        let making = tokio::spawn(async move {
            let make = || async {
                let made = tokio::task::spawn_blocking(make).await;
                made.unwrap_or_else(|error| Err(panicked(&error))).map_err(Arc::new)
            };
            cell.get_or_init(make).await.clone()
        });
        let made = making.await.unwrap_or_else(|error| Err(Arc::new(panicked(&error))));
        if made.as_ref().is_err_and(|error| !is_its_own_fault(error)) {
            self.slots().by_package.remove(&package);
        }
        made
    }

    fn slots(&self) -> MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, package: Digest) -> Arc<OnceCell<Made<T>>> {
        let mut slots = self.slots();
        slots.clock += 1;
        let used = slots.clock;
        if let Some(slot) = slots.by_package.get_mut(&package) {
            slot.used = used;
            return Arc::clone(&slot.made);
        }
        if slots.by_package.len() >= self.most
            && let Some((oldest, _)) = slots.by_package.iter().min_by_key(|(_, slot)| slot.used)
        {
            let oldest = *oldest;
            slots.by_package.remove(&oldest);
        }
        let made = Arc::new(OnceCell::new());
        slots.by_package.insert(package, Slot { made: Arc::clone(&made), used });
        made
    }

    /// Forgets the skills that a snapshot no longer holds.
    pub(crate) fn retain(&self, catalog: &Catalog) {
        let held: HashSet<Digest> = catalog.packages().collect();
        self.slots().by_package.retain(|digest, _| held.contains(digest));
    }
}

/// Whether another attempt would fail as well.
fn is_its_own_fault(error: &SkillError) -> bool {
    use crate::sandbox::CompileError::{Refused, TooCostly, TooLong};
    match error {
        SkillError::Prepare(PrepareError::Compile(error)) => {
            matches!(error, Refused(_) | TooCostly { .. } | TooLong { .. })
        }
        SkillError::Prepare(PrepareError::Link(_)) => true,
        _ => false,
    }
}

fn panicked(error: &tokio::task::JoinError) -> SkillError {
    PrepareError::Interrupted(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::sandbox::CompileError;

    fn digest(of: &str) -> Digest {
        Digest::of(of.as_bytes())
    }

    fn bomb() -> SkillError {
        PrepareError::Compile(CompileError::TooCostly { limits: Default::default() }).into()
    }

    #[tokio::test]
    async fn who_goes_away_does_not_end_the_making() {
        let skills = Arc::new(ReadySkills::keeping(2));
        let made = Arc::new(AtomicU32::new(0));
        let slow = || {
            let made = Arc::clone(&made);
            move || {
                std::thread::sleep(std::time::Duration::from_millis(100));
                Ok(made.fetch_add(1, Ordering::SeqCst))
            }
        };
        let gone =
            tokio::time::timeout(std::time::Duration::from_millis(10), skills.get(digest("a"), slow()));
        assert!(gone.await.is_err());
        assert_eq!(skills.get(digest("a"), slow()).await.unwrap(), 0);
        assert_eq!(made.load(Ordering::SeqCst), 1, "once is enough");
    }

    #[tokio::test]
    async fn a_bomb_goes_off_once_and_a_full_disk_is_tried_again() {
        let skills: ReadySkills<u32> = ReadySkills::keeping(2);
        assert!(skills.get(digest("bomb"), || Err(bomb())).await.is_err());
        assert!(skills.get(digest("bomb"), || panic!("again")).await.is_err());
        let full = || Err(PrepareError::Interrupted("no room".to_owned()).into());
        assert!(skills.get(digest("full"), full).await.is_err());
        assert_eq!(skills.get(digest("full"), || Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn who_was_not_called_for_longest_makes_room() {
        let skills = ReadySkills::keeping(2);
        for name in ["a", "b", "a", "c"] {
            skills.get(digest(name), || Ok(1)).await.unwrap();
        }
        assert_eq!(skills.get(digest("a"), || Ok(2)).await.unwrap(), 1);
        assert_eq!(skills.get(digest("b"), || Ok(2)).await.unwrap(), 2);
    }
}
