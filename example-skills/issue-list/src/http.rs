//! What the skill needs of HTTP: one GET at a time.

use openclaw_skill::{Error, Result};
use url::Url;

/// Sends requests; the host behind it decides on each one, and puts the owner's token into it.
pub trait Http {
    /// Gets a URL, following nothing.
    fn get(&self, url: &Url) -> Result<Answer>;
}

/// An answer, whatever its status.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// The error of a request that the owner has not allowed, or whose token is not set.
pub fn denied(url: &Url) -> Error {
    Error::denied(format!("GET {url} is not allowed to this skill, or the token that it needs is not set"))
}
