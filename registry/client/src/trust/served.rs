//! Roots as a registry serves them, before anything about them was checked.

use openclaw_package::Envelope;
use openclaw_package::registry::RootError;

use super::TrustError;
use crate::error::Error;
use crate::transport::{Http, HttpError, Kind};

impl Http {
    /// A root, as its text and as the envelope that the text is.
    pub(crate) async fn root(&self, path: &str) -> Result<(String, Envelope), Error> {
        let bytes = self.bytes(Kind::ROOT, path, true).await?;
        let envelope =
            Envelope::parse(&bytes).map_err(|error| TrustError::from(RootError::Document(error.into())))?;
        let text = String::from_utf8(bytes.into())
            .map_err(|_| HttpError::malformed(Kind::ROOT.name, "it is not UTF-8"))?;
        Ok((text, envelope))
    }
}

/// The version that a root claims: to know which one to ask for next, or whether it is of interest at all.
pub(crate) fn version_unverified(envelope: &Envelope) -> Option<u64> {
    let root: serde_json::Value = serde_json::from_slice(envelope.payload_unverified()).ok()?;
    root.get("version")?.as_u64()
}
