//! The log only grows: a newer checkpoint contains the one that was seen, or the registry is not followed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_package::Digest;
use openclaw_package::log::{MAX_PROOF_HASHES, verify_consistency};

use super::TrustError;
use super::basis::Seal;
use crate::client::Client;
use crate::error::Error;
use crate::state::Evidence;
use crate::transport::{HttpError, Kind, paths};

impl Client {
    /// Checks that what is served now contains what was seen.
    pub(crate) async fn check_growth(&self, seen: Option<&Seal>, served: &Seal) -> Result<(), Error> {
        let Some(seen) = seen else { return Ok(()) };
        let (old, new) = (&seen.checkpoint, &served.checkpoint);
        if new.size() < old.size() {
            let evidence = self.keep_notes("log-shrank", seen, served, None)?;
            let (registry, seen, served) = (self.registry().url().clone(), old.size(), new.size());
            return Err(TrustError::LogShrank { registry, seen, served, evidence }.into());
        }
        self.check_contains(seen, served).await
    }

    /// Checks that of two checkpoints of any order the larger contains the smaller.
    pub(crate) async fn check_related(&self, one: Option<&Seal>, other: &Seal) -> Result<(), Error> {
        match one {
            None => Ok(()),
            Some(one) if one.checkpoint.size() <= other.checkpoint.size() => {
                self.check_contains(one, other).await
            }
            Some(one) => self.check_contains(other, one).await,
        }
    }

    async fn check_contains(&self, smaller: &Seal, larger: &Seal) -> Result<(), Error> {
        let (old, new) = (&smaller.checkpoint, &larger.checkpoint);
        if old.size() == new.size() {
            if old.root() == new.root() {
                return Ok(());
            }
            let evidence = self.keep_notes("log-forked", smaller, larger, None)?;
            let (registry, size) = (self.registry().url().clone(), new.size());
            return Err(TrustError::LogForked { registry, size, evidence }.into());
        }
        // Every log contains the empty one.
        if old.size() == 0 {
            return Ok(());
        }
        let (proof, text) = self.consistency(old.size(), new.size()).await?;
        if verify_consistency(old.size(), old.root(), new.size(), new.root(), &proof).is_err() {
            let evidence = self.keep_notes("log-inconsistent", smaller, larger, Some(text))?;
            let (registry, from, to) = (self.registry().url().clone(), old.size(), new.size());
            return Err(TrustError::LogInconsistent { registry, from, to, evidence }.into());
        }
        Ok(())
    }

    /// The hashes of a consistency proof, and the text that they were read from.
    pub(crate) async fn consistency(&self, from: u64, to: u64) -> Result<(Vec<Digest>, String), Error> {
        let kind = Kind::CONSISTENCY;
        let text = self.http().text(kind, &paths::consistency(from, to), false).await?;
        let hashes: Vec<String> =
            serde_json::from_str(&text).map_err(|error| HttpError::malformed(kind.name, error))?;
        if hashes.len() > MAX_PROOF_HASHES {
            return Err(HttpError::malformed(kind.name, "it has too many hashes").into());
        }
        let hashes = hashes.iter().map(|hash| digest(hash)).collect::<Option<Vec<_>>>();
        let hashes =
            hashes.ok_or_else(|| HttpError::malformed(kind.name, "a hash is not 32 bytes in base64"))?;
        Ok((hashes, text))
    }

    fn keep_notes(
        &self,
        code: &'static str,
        seen: &Seal,
        served: &Seal,
        proof: Option<String>,
    ) -> Result<std::path::PathBuf, Error> {
        let mut evidence = Evidence::new(code)
            .file("seen.note", seen.note.as_str())
            .file("served.note", served.note.as_str());
        if let Some(proof) = proof {
            evidence = evidence.file("proof.json", proof);
        }
        Ok(self.registry().keep(evidence)?)
    }
}

fn digest(text: &str) -> Option<Digest> {
    let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
    Some(bytes.into())
}
