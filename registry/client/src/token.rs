//! An access token: wiped from memory when dropped, never shown.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use zeroize::Zeroizing;

/// The longest token, in bytes.
const MAX_TOKEN_LEN: usize = 512;

/// Why a text is not a token. The text is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not 1 to {MAX_TOKEN_LEN} visible ASCII characters")]
pub struct TokenError;

impl TokenError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-token"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("copy the whole token, or ask the registry's operator for a new one".to_owned())
    }
}

/// An access token of one registry.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// The token itself, for the one place that stores it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of the header that carries it.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim_end_matches(['\r', '\n']);
        let fits = (1..=MAX_TOKEN_LEN).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}
