//! Takedowns stay: a list that has lost something, or is no longer fresh, is not followed.

use jiff::Timestamp;
use openclaw_package::registry::{Takedowns, TrustedRoot};

use super::TrustError;
use super::basis::Basis;
use crate::client::Client;
use crate::error::Error;
use crate::state::Evidence;
use crate::transport::{Kind, paths};

impl Client {
    /// The list that is served now, checked against the one that was seen.
    pub(crate) async fn newest_takedowns(
        &self,
        basis: &Basis,
        root: &TrustedRoot,
        now: Timestamp,
    ) -> Result<(Takedowns, Vec<u8>), Error> {
        let bytes = self.http().bytes(Kind::TAKEDOWNS, paths::TAKEDOWNS, true).await?;
        let parse = |bytes: &[u8]| Takedowns::parse_envelope(bytes);
        let envelope = parse(&bytes).map_err(|error| TrustError::Takedowns(error.into()))?;
        let root = root.root();
        let list =
            Takedowns::verify(&envelope, root.origin(), root.takedown_key()).map_err(TrustError::from)?;
        // A root with a new takedown key begins anew: what the old key signed may be what it was changed for.
        let same_key = basis.stored.takedowns.as_ref().is_some_and(|seen| {
            parse(seen).is_ok_and(|seen| Takedowns::verify(&seen, root.origin(), root.takedown_key()).is_ok())
        });
        if let Some(seen) = basis.takedowns.as_ref().filter(|_| same_key) {
            let same_sequence_other_list = list.sequence == seen.sequence && list.takedowns != seen.takedowns;
            if !list.extends(seen) || same_sequence_other_list {
                let old = basis.stored.takedowns.clone().unwrap_or_default();
                let evidence = Evidence::new("takedowns-rolled-back")
                    .file("seen.json", old)
                    .file("served.json", bytes.clone());
                let evidence = self.registry().keep(evidence)?;
                let (seen, served) = (seen.sequence, list.sequence);
                let registry = self.registry().url().clone();
                return Err(TrustError::TakedownsLost { registry, seen, served, evidence }.into());
            }
        }
        if list.expires <= now {
            return Err(TrustError::TakedownsExpired(list.expires).into());
        }
        Ok((list, bytes.into()))
    }
}
