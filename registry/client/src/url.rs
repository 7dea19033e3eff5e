//! A registry's URL, kept and compared exactly as it was given.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::text::shown;

/// The longest URL of a registry, in bytes.
const MAX_URL_LEN: usize = 512;

/// Why a text is not the URL of a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL, or has characters that none should have.
    #[error("{0:?} is not a URL")]
    NotUrl(String),
    /// Another scheme than `http` and `https`.
    #[error("{0:?} is neither http nor https")]
    Scheme(String),
    /// It has a user, a password, a query or a fragment.
    #[error("the URL of a registry has no {0}")]
    Part(&'static str),
    /// Plain HTTP to another machine.
    #[error("{0:?} is plain http to another machine, where anyone on the way reads the token")]
    PlainHttp(String),
}

impl UrlError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PlainHttp(_) => "plain-http",
            _ => "invalid-registry-url",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::PlainHttp(_) => "use https, or add --allow-plain-http".to_owned(),
            _ => "write https://host, with a port and a path where the registry has them".to_owned(),
        })
    }
}

/// The URL of a registry. Two that differ by a letter's case or a slash are two registries.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryUrl(String);

impl RegistryUrl {
    /// The URL from a text; plain HTTP to another machine is refused.
    ///
    /// # Errors
    ///
    /// [`UrlError`].
    pub fn new(text: &str) -> Result<Self, UrlError> {
        let (this, url) = Self::checked(text)?;
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(UrlError::PlainHttp(shown(text)));
        }
        Ok(this)
    }

    /// The URL from a text; plain HTTP is allowed to any machine.
    ///
    /// # Errors
    ///
    /// [`UrlError`], but not for plain HTTP.
    pub fn new_allowing_plain_http(text: &str) -> Result<Self, UrlError> {
        Ok(Self::checked(text)?.0)
    }

    fn checked(text: &str) -> Result<(Self, Url), UrlError> {
        let not_url = || UrlError::NotUrl(shown(text));
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !plain || text.is_empty() || text.len() > MAX_URL_LEN {
            return Err(not_url());
        }
        let url = Url::parse(text).map_err(|_| not_url())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(shown(url.scheme())));
        }
        // An `@` alone is already a user, though an empty one; the text is what counts.
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err(UrlError::Part("user or password"));
        }
        if text.contains('?') {
            return Err(UrlError::Part("query"));
        }
        if text.contains('#') {
            return Err(UrlError::Part("fragment"));
        }
        if url.host().is_none() || !text.contains("://") {
            return Err(not_url());
        }
        Ok((Self(text.to_owned()), url))
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is another URL that a person could take for this one.
    pub(crate) fn resembles(&self, other: &Self) -> bool {
        self != other && self.likeness() == other.likeness()
    }

    /// Whether connections to it are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| url.scheme() == "https")
    }

    /// The URL of a document; `path` begins with a slash and is made of checked names.
    pub(crate) fn join(&self, path: &str) -> Result<Url, UrlError> {
        let text = format!("{}{path}", self.0.trim_end_matches('/'));
        Url::parse(&text).map_err(|_| UrlError::NotUrl(shown(&text)))
    }

    /// Whether a URL is one of this registry: only those are sent the token.
    pub(crate) fn covers(&self, url: &Url) -> bool {
        let Ok(base) = Url::parse(&self.0) else { return false };
        let prefix = base.path().trim_end_matches('/');
        let below = url.path().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
        base.origin() == url.origin() && below
    }

    /// A short name for a folder, different for every URL.
    pub(crate) fn folder(&self) -> String {
        let url = Url::parse(&self.0).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let host: String = host
            .chars()
            .take(40)
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
            .collect();
        let digest = openclaw_package::Digest::of(self.0.as_bytes()).hex();
        format!("{host}-{}", digest.get(..16).unwrap_or(&digest))
    }

    fn likeness(&self) -> String {
        let normal = Url::parse(&self.0).map_or_else(|_| self.0.clone(), String::from);
        normal.trim_end_matches('/').to_ascii_lowercase()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

impl FromStr for RegistryUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::new(text)
    }
}

// What was stored was allowed when it was stored, plain HTTP or not.
impl TryFrom<String> for RegistryUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        Self::new_allowing_plain_http(&text)
    }
}

impl From<RegistryUrl> for String {
    fn from(url: RegistryUrl) -> String {
        url.0
    }
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
