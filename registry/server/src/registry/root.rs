//! The registry's root: shown, followed, and rotated by its operator.

use jiff::Timestamp;
use openclaw_package::registry::root::{MAX_ROOTS, fingerprint};
use openclaw_package::registry::{Root, RootError, RootParts, TrustedRoot};
use openclaw_package::{Digest, Envelope, PublicKey, SigningKey};

use super::start::expiry;
use super::{Registry, chain};
use crate::error::{Fault, Refusal, Result};
use crate::keys::{Keys, NewKeys, Purpose};
use crate::store::log;

/// What a rotation changes beside the version and the expiry.
#[derive(Debug, Clone, Default)]
pub struct Rotation {
    /// Replaces this machine's root key by a new one.
    pub root_key: bool,
    /// Public root keys to be added.
    pub add_keys: Vec<PublicKey>,
    /// How many root keys must sign from then on.
    pub threshold: Option<usize>,
    /// Replaces the key of the log.
    pub log_key: bool,
    /// Replaces the key that signs takedowns.
    pub takedown_key: bool,
}

impl Registry {
    /// The newest root as it is served.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn newest_root(&self) -> Result<Vec<u8>> {
        let mut connection = self.store().read().await?;
        let head = crate::store::read_head(&mut connection).await?;
        let found = log::root(&mut connection, head.root_version).await?;
        found.ok_or_else(|| Fault::Damaged("the newest root is missing".to_owned()).into())
    }

    /// One version of the root as it is served.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`].
    pub async fn root_version(&self, version: u64) -> Result<Vec<u8>> {
        let found = log::root(&mut *self.store().read().await?, version).await?;
        found.ok_or_else(|| Refusal::NotFound(format!("root version {version}")).into())
    }

    /// The newest root in force, and its fingerprint.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn show_root(&self) -> Result<(Root, Digest)> {
        let roots = chain(&mut *self.store().read().await?).await?;
        let newest = roots.last().ok_or_else(|| Fault::Damaged("there is no root".to_owned()))?;
        Ok((newest.root().clone(), newest.fingerprint()))
    }

    /// Makes and signs the next version of the root. It is a leaf of the log, whose checkpoint is signed by the
    /// log's key of the new root.
    ///
    /// # Errors
    ///
    /// Secret keys that are missing for one of the two thresholds; keys that cannot make a root; a chain that clients
    /// would not follow any more.
    pub async fn rotate_root(&self, rotation: &Rotation) -> Result<(Root, Digest)> {
        let mut write = self.store().write().await?;
        let roots = chain(write.connection()).await?;
        let before = roots.last().ok_or_else(|| Fault::Damaged("there is no root".to_owned()))?;
        check_length(roots.len())?;
        let mut made = self.keys().new_keys();
        let next = Root::new(next_parts(before.root(), rotation, self.keys(), &mut made)?)?;
        let signers = self.signers(before.root(), &next)?;
        let envelope = next.sign(&signers.iter().collect::<Vec<_>>());
        let followed = before.follow(&envelope).map_err(|error| {
            let fact = format!(
                "the new root would not hold ({error}): put the missing secret root keys into {}",
                self.keys().directory().display()
            );
            Fault::Usage(fact)
        })?;
        let log_key = self.keys().find(Purpose::Log, next.log_key())?;
        write.head.root_version = next.version();
        let indices = write.append(&[envelope.to_json()], &log_key).await?;
        let index = indices.first().copied().unwrap_or_default();
        log::insert_root(write.connection(), next.version(), &envelope, index).await?;
        made.keep();
        write.commit().await?;
        Ok((next, followed.fingerprint()))
    }

    /// The secret root keys of two versions, as far as they are here.
    fn signers(&self, before: &Root, next: &Root) -> Result<Vec<SigningKey>> {
        let mut wanted: Vec<&PublicKey> = before.keys().iter().chain(next.keys()).collect();
        wanted.sort();
        wanted.dedup();
        let mut signers = Vec::new();
        for key in wanted {
            match self.keys().find(Purpose::Root, key) {
                Ok(key) => signers.push(key),
                Err(crate::error::Error::Failed(Fault::NoKey { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        if signers.is_empty() {
            return Err(Fault::NoRootKey(self.keys().directory().to_owned()).into());
        }
        Ok(signers)
    }
}

fn next_parts(before: &Root, rotation: &Rotation, keys: &Keys, made: &mut NewKeys<'_>) -> Result<RootParts> {
    let mut parts = before.to_parts();
    parts.version = before.version().saturating_add(1);
    parts.expires = expiry(Timestamp::now())?;
    if rotation.root_key {
        let own = parts.keys.iter().position(|key| keys.find(Purpose::Root, key).is_ok());
        let own = own.and_then(|place| parts.keys.get_mut(place));
        let own = own.ok_or_else(|| Fault::NoRootKey(keys.directory().to_owned()))?;
        *own = made.make(Purpose::Root)?.public_key();
    }
    for key in &rotation.add_keys {
        if parts.keys.contains(key) {
            return Err(Fault::Usage(format!("{key} is a root key already")).into());
        }
        parts.keys.push(key.clone());
    }
    parts.threshold = rotation.threshold.unwrap_or(parts.threshold);
    check_threshold(parts.threshold, parts.keys.len())?;
    if rotation.log_key {
        parts.log_key = made.make(Purpose::Log)?.public_key();
    }
    if rotation.takedown_key {
        parts.takedown_key = made.make(Purpose::Takedown)?.public_key();
    }
    Ok(parts)
}

/// Refuses one root more than clients follow: they would refuse the registry from then on.
fn check_length(roots: usize) -> Result<()> {
    if roots < MAX_ROOTS {
        return Ok(());
    }
    let fact = format!("there are {roots} versions of the root, and clients follow no more than {MAX_ROOTS}");
    let hint =
        "the newest holds until it expires; start a new registry, and have its fingerprint pinned before";
    Err(Fault::state(fact, hint).into())
}

fn check_threshold(threshold: usize, keys: usize) -> Result<()> {
    let has = if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
    match threshold {
        0 => Err(Fault::Usage("a threshold is at least 1".to_owned()).into()),
        _ if threshold > keys => Err(Fault::Usage(format!(
            "the root has {has}, and {threshold} could not sign: add one with --add-key"
        ))
        .into()),
        _ => Ok(()),
    }
}

/// The root that follows from the one before, or is the first of all.
pub(crate) fn follow(
    before: Option<&TrustedRoot>,
    next: &Envelope,
) -> std::result::Result<TrustedRoot, RootError> {
    match before {
        Some(before) => before.follow(next),
        None => TrustedRoot::pin(std::slice::from_ref(next), &fingerprint(next)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_root_is_made_that_clients_would_not_follow() {
        assert!(check_length(MAX_ROOTS - 1).is_ok());
        let refused = check_length(MAX_ROOTS).unwrap_err();
        assert_eq!(refused.code(), "wrong-state");
    }
}
