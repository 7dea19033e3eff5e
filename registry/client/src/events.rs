//! Events of a publisher: yanks, and keys that come and go. Each is looked for in the log after it was sent.

use http::Method;
use openclaw_package::log::{Checkpoint, LogProof};
use openclaw_package::registry::Action;
use openclaw_package::registry::api::{Appended, NewEvents};
use openclaw_package::{Digest, Envelope, PublicKey, PublisherName, Reason, SigningKey, SkillId};
use semver::Version;

use crate::client::Client;
use crate::error::Error;
use crate::publish::{MAX_MOVES, PublishError, sign, text};
use crate::transport::{Kind, paths};
use crate::trust::{PublisherHistory, Seal, TrustError};

/// What was added to a history, proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// The places of the events in the log. None where everything was so already.
    pub log_indices: Vec<u64>,
}

/// What is to be added, and who signs it.
type Actions<'a> = Vec<(Action, Vec<&'a SigningKey>)>;

impl Client {
    /// Yanks a version: it is not chosen any more.
    ///
    /// # Errors
    ///
    /// A version that was never released, a key that is not the publisher's, an outage, or [`TrustError`].
    pub async fn yank(
        &self,
        skill: &SkillId,
        version: &Version,
        reason: &Reason,
        key: &SigningKey,
    ) -> Result<Added, Error> {
        self.set_yanked(skill, version, reason, true, key).await
    }

    /// Takes a yank back.
    ///
    /// # Errors
    ///
    /// As [`Client::yank`].
    pub async fn unyank(
        &self,
        skill: &SkillId,
        version: &Version,
        reason: &Reason,
        key: &SigningKey,
    ) -> Result<Added, Error> {
        self.set_yanked(skill, version, reason, false, key).await
    }

    async fn set_yanked(
        &self,
        skill: &SkillId,
        version: &Version,
        reason: &Reason,
        yanked: bool,
        key: &SigningKey,
    ) -> Result<Added, Error> {
        self.append(skill.publisher(), |history| {
            let (name, version, reason) = (skill.name().clone(), version.clone(), reason.clone());
            let releases = history.releases(&name);
            let Some(found) = releases.get(&version) else {
                return Err(PublishError::NotReleased { skill: skill.clone(), version }.into());
            };
            if found.yanked.is_some() == yanked {
                return Ok(Vec::new());
            }
            let action = match yanked {
                true => Action::Yank { name, version, reason },
                false => Action::Unyank { name, version, reason },
            };
            Ok(vec![(action, vec![key])])
        })
        .await
    }

    /// Grants a new key: `key` is an active one, and `new` shows that it is held.
    ///
    /// # Errors
    ///
    /// As [`Client::yank`].
    pub async fn grant_key(
        &self,
        publisher: &PublisherName,
        key: &SigningKey,
        new: &SigningKey,
    ) -> Result<Added, Error> {
        self.append(publisher, |history| {
            if history.state().is_active(&new.public_key()) {
                return Ok(Vec::new());
            }
            Ok(vec![(Action::Grant { key: new.public_key() }, vec![key, new])])
        })
        .await
    }

    /// Revokes a key, which may be the one that signs this.
    ///
    /// # Errors
    ///
    /// As [`Client::yank`].
    pub async fn revoke_key(
        &self,
        publisher: &PublisherName,
        key: &SigningKey,
        revoked: &PublicKey,
        reason: &Reason,
    ) -> Result<Added, Error> {
        self.append(publisher, |history| {
            if history.state().revoked_keys().any(|key| key == revoked) {
                return Ok(Vec::new());
            }
            if !history.state().is_active(revoked) {
                let active = history.state().active_keys().cloned().collect();
                let (publisher, key) = (publisher.clone(), revoked.clone());
                return Err(PublishError::UnknownKey { publisher, key, active }.into());
            }
            Ok(vec![(Action::Revoke { key: revoked.clone(), reason: reason.clone() }, vec![key])])
        })
        .await
    }

    /// Grants a new key and revokes the old one, both or neither.
    ///
    /// # Errors
    ///
    /// As [`Client::yank`].
    pub async fn rotate_key(
        &self,
        publisher: &PublisherName,
        old: &SigningKey,
        new: &SigningKey,
        reason: &Reason,
    ) -> Result<Added, Error> {
        self.append(publisher, |history| {
            let (was, will) = (old.public_key(), new.public_key());
            if history.state().is_active(&will) && !history.state().is_active(&was) {
                return Ok(Vec::new());
            }
            let mut actions: Actions<'_> = Vec::new();
            if !history.state().is_active(&will) {
                actions.push((Action::Grant { key: will }, vec![old, new]));
            }
            actions.push((Action::Revoke { key: was, reason: reason.clone() }, vec![new]));
            Ok(actions)
        })
        .await
    }

    /// Signs and sends events, anew where somebody else of the publisher was faster.
    async fn append<'a>(
        &self,
        publisher: &PublisherName,
        decide: impl Fn(&PublisherHistory) -> Result<Actions<'a>, Error>,
    ) -> Result<Added, Error> {
        self.fresh().await?;
        for _ in 0..MAX_MOVES {
            let history = self.history(publisher).await?;
            if history.state().length() == 0 {
                return Err(PublishError::NoHistory { publisher: publisher.clone() }.into());
            }
            let actions = decide(&history)?;
            if actions.is_empty() {
                return Ok(Added::default());
            }
            let signer = actions.first().and_then(|(_, keys)| keys.first()).map(|key| key.public_key());
            if let Some(key) = signer.filter(|key| !history.state().is_active(key)) {
                return Err(self.foreign_key(publisher, key));
            }
            let events = sign(history.state(), actions)?;
            let body = NewEvents { events: events.iter().map(text).collect() };
            let path = paths::events(publisher);
            let sent =
                self.http().send(Kind::APPENDED, Method::POST, &path, |request| request.json(&body)).await;
            match sent {
                Ok(appended) => {
                    self.confirm(publisher, "the events", &events, &appended).await?;
                    return Ok(Added { log_indices: appended.log_indices });
                }
                Err(error) if error.code() == "history-moved" => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PublishError::Moved { publisher: publisher.clone(), times: MAX_MOVES }.into())
    }

    /// Checks that the events that were sent are in the history that everybody sees, and in the log.
    pub(crate) async fn confirm(
        &self,
        publisher: &PublisherName,
        what: &'static str,
        events: &[Envelope],
        appended: &Appended,
    ) -> Result<(), Error> {
        let history = self.history(publisher).await?;
        if appended.log_indices.len() != events.len() {
            return Err(TrustError::NotAdded { what }.into());
        }
        for (event, log_index) in events.iter().zip(&appended.log_indices) {
            let digest = Digest::of(event.payload_unverified());
            let mut logged = history.digests().iter().zip(history.logged());
            let logged = logged.find(|(found, _)| **found == digest).map(|(_, logged)| logged);
            let Some(logged) = logged.filter(|logged| logged.index == *log_index) else {
                return Err(TrustError::NotAdded { what }.into());
            };
            self.check_logged(logged.entry.as_bytes(), *log_index).await?;
        }
        Ok(())
    }

    /// Checks that the log has that entry at that place, and is the log that was seen before.
    pub(crate) async fn check_logged(&self, entry: &[u8], log_index: u64) -> Result<(), Error> {
        let text = self.http().text(Kind::PROOF, &paths::proof(log_index), false).await?;
        let proof = LogProof::parse(&text).map_err(TrustError::from)?;
        if proof.index != log_index {
            return Err(TrustError::NotAdded { what: "the entry" }.into());
        }
        let basis = self.basis().await?;
        let root = basis.root.root();
        let checkpoint: Checkpoint =
            proof.verify(entry, root.origin(), root.log_key()).map_err(TrustError::from)?;
        let seal = Seal { checkpoint, note: proof.checkpoint };
        self.check_related(basis.seal.as_ref(), &seal).await
    }
}
