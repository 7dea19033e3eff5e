//! What was last seen of a registry, read back and checked again: files can be damaged too.

use openclaw_package::log::Checkpoint;
use openclaw_package::registry::{RootError, Takedowns, TrustedRoot};
use openclaw_package::{Digest, Envelope};

use crate::state::{CHECKPOINT, KnownRegistry, ROOTS, StateError, Stored, TAKEDOWNS};

/// A checkpoint, and the signed note that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
}

/// What was last seen.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    /// As it stands on disk, to be sure that it still does when something is written.
    pub(crate) stored: Stored,
    /// The roots from the pinned one to the newest. There is always one.
    pub(crate) chain: Vec<TrustedRoot>,
    /// The newest root.
    pub(crate) root: TrustedRoot,
    /// The newest checkpoint.
    pub(crate) seal: Option<Seal>,
    /// The newest list of takedowns.
    pub(crate) takedowns: Option<Takedowns>,
}

impl Basis {
    pub(crate) fn read(registry: &KnownRegistry) -> Result<Self, StateError> {
        let stored = registry.stored()?;
        let damaged = |file: &str, error: &dyn ToString| {
            StateError::damaged(&registry.dir().join(file), error.to_string())
        };
        let chain =
            follow_all(&stored.roots, &registry.fingerprint()).map_err(|error| damaged(ROOTS, &error))?;
        let root = chain.last().cloned().ok_or_else(|| damaged(ROOTS, &"it is empty"))?;
        let origin = registry.origin();
        if root.root().origin() != origin {
            return Err(damaged(ROOTS, &"it is of another registry"));
        }
        let mut seal = None;
        if let Some(note) = &stored.checkpoint {
            // Keys change with roots; what an earlier key signed was checked when it was stored.
            let verify = |root: &TrustedRoot| Checkpoint::verify(note, origin, root.root().log_key());
            let checkpoint = by_any(&chain, verify).map_err(|error| damaged(CHECKPOINT, &error))?;
            seal = Some(Seal { checkpoint, note: note.clone() });
        }
        let mut takedowns = None;
        if let Some(bytes) = &stored.takedowns {
            let envelope = Takedowns::parse_envelope(bytes).map_err(|error| damaged(TAKEDOWNS, &error))?;
            let verify =
                |root: &TrustedRoot| Takedowns::verify(&envelope, origin, root.root().takedown_key());
            takedowns = Some(by_any(&chain, verify).map_err(|error| damaged(TAKEDOWNS, &error))?);
        }
        Ok(Self { stored, chain, root, seal, takedowns })
    }
}

/// All roots from the pinned one on; the chain holds to its end, or is refused whole.
fn follow_all(roots: &[String], pinned: &Digest) -> Result<Vec<TrustedRoot>, RootError> {
    let envelopes = roots
        .iter()
        .map(|root| Envelope::parse(root.as_bytes()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| RootError::Document(error.into()))?;
    let first = envelopes.get(..1).unwrap_or_default();
    let mut chain = vec![TrustedRoot::pin(first, pinned)?];
    for next in envelopes.iter().skip(1) {
        if let Some(last) = chain.last() {
            chain.push(last.follow(next)?);
        }
    }
    Ok(chain)
}

/// What the newest root's key says, or an earlier one's.
fn by_any<T, E>(chain: &[TrustedRoot], verify: impl Fn(&TrustedRoot) -> Result<T, E>) -> Result<T, String>
where
    E: ToString,
{
    let mut refused = "no root".to_owned();
    for root in chain.iter().rev() {
        match verify(root) {
            Ok(found) => return Ok(found),
            Err(error) => refused = error.to_string(),
        }
    }
    Err(refused)
}
