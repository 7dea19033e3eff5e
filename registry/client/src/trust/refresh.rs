//! What a registry says now, held against what it said before: roots, log, takedowns, all or nothing.

use jiff::Timestamp;
use openclaw_package::log::Checkpoint;
use openclaw_package::registry::root::MAX_ROOTS;
use openclaw_package::registry::{RootError, Takedowns, TrustedRoot, root};

use super::TrustError;
use super::basis::{Basis, Seal};
use crate::client::Client;
use crate::error::Error;
use crate::state::Update;
use crate::transport::{HttpError, Kind, paths};

/// How often it is begun anew because another process has seen something newer meanwhile.
const MAX_TRIES: usize = 5;

/// What a registry said just now, checked.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The newest root.
    pub root: TrustedRoot,
    /// The newest checkpoint.
    pub checkpoint: Checkpoint,
    /// The newest list of takedowns.
    pub takedowns: Takedowns,
    /// When it was asked.
    pub time: Timestamp,
}

impl Client {
    /// Asks the registry for its newest root, checkpoint and takedowns, checks them against what was last seen, and
    /// remembers them.
    ///
    /// # Errors
    ///
    /// An outage, or [`TrustError`]: then nothing that was known is changed.
    pub async fn refresh(&self) -> Result<Fresh, Error> {
        for _ in 0..MAX_TRIES {
            let basis = self.basis().await?;
            let (fresh, update) = self.look(&basis).await?;
            if self.commit(basis.stored, update).await? {
                self.remember(fresh.clone()).await;
                return Ok(fresh);
            }
        }
        Err(HttpError::Timeout { what: Kind::CHECKPOINT.name }.into())
    }

    /// What was asked in this session, or is asked now.
    pub(crate) async fn fresh(&self) -> Result<Fresh, Error> {
        match self.remembered().await {
            Some(fresh) => Ok(fresh),
            None => self.refresh().await,
        }
    }

    async fn look(&self, basis: &Basis) -> Result<(Fresh, Update), Error> {
        let now = Timestamp::now();
        let (root, added) = self.newest_root(basis).await?;
        root.check_expiry(now).map_err(TrustError::from)?;
        let (seal, takedowns) =
            futures::try_join!(self.newest_seal(basis, &root), self.newest_takedowns(basis, &root, now))?;
        let (takedowns, list) = takedowns;
        let mut update = Update::default();
        if !added.is_empty() {
            update.roots = Some(basis.stored.roots.iter().cloned().chain(added).collect());
        }
        // The same log signed anew is nothing new.
        if basis.seal.as_ref().map(|seen| &seen.checkpoint) != Some(&seal.checkpoint) {
            update.checkpoint = Some(seal.note);
        }
        // One that was signed earlier and came later from some cache has no more to say.
        let is_newer =
            |seen: &Takedowns| seen.issued < takedowns.issued || seen.sequence != takedowns.sequence;
        if basis.takedowns.as_ref().is_none_or(is_newer) {
            update.takedowns = Some(list);
        }
        Ok((Fresh { root, checkpoint: seal.checkpoint, takedowns, time: now }, update))
    }

    /// The newest root, and the envelopes of those that were not known.
    async fn newest_root(&self, basis: &Basis) -> Result<(TrustedRoot, Vec<String>), Error> {
        let newest = self.http().root(paths::ROOT).await?;
        let fingerprint = root::fingerprint(&newest.1);
        let last = &basis.root;
        let mut known = basis.chain.iter().filter(|root| root.fingerprint() != last.fingerprint());
        if let Some(older) = known.find(|root| root.fingerprint() == fingerprint) {
            let (seen, served) = (last.root().version(), older.root().version());
            return Err(TrustError::RootRolledBack { seen, served }.into());
        }
        let unrelated = |error| TrustError::RootUnrelated { registry: self.registry().url().clone(), error };
        let (mut trusted, mut added) = (last.clone(), Vec::new());
        // A chain that is longer than is read again must not be kept, or what is kept is damaged.
        for _ in basis.chain.len()..=MAX_ROOTS {
            if trusted.fingerprint() == fingerprint {
                return Ok((trusted, added));
            }
            let (text, next) = match trusted.follow(&newest.1) {
                Ok(next) => (newest.0.clone(), next),
                Err(RootError::Sequence { .. } | RootError::Document(_)) => {
                    // It may be a later one: those between lead to it, or nothing does.
                    let version = trusted.root().version().saturating_add(1);
                    let (text, envelope) = match self.http().root(&paths::root(version)).await {
                        Ok(found) => found,
                        Err(Error::Http(error)) if error.is_not_found() => newest.clone(),
                        Err(error) => return Err(error),
                    };
                    (text, trusted.follow(&envelope).map_err(unrelated)?)
                }
                Err(error) => return Err(unrelated(error).into()),
            };
            trusted = next;
            added.push(text);
        }
        Err(TrustError::from(RootError::TooMany).into())
    }

    async fn newest_seal(&self, basis: &Basis, root: &TrustedRoot) -> Result<Seal, Error> {
        let note = self.http().text(Kind::CHECKPOINT, paths::CHECKPOINT, true).await?;
        let (origin, key) = (root.root().origin(), root.root().log_key());
        let checkpoint = Checkpoint::verify(&note, origin, key).map_err(TrustError::from)?;
        let seal = Seal { checkpoint, note };
        self.check_growth(basis.seal.as_ref(), &seal).await?;
        Ok(seal)
    }
}
