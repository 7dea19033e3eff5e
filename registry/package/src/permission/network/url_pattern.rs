//! URL patterns: scheme, host, port and path prefix, parsed once (RFC 3986, WHATWG URL).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::host::{HostPattern, Refusal};
use super::path::PathPrefix;
use crate::permission::PermissionError;
use crate::text::quoted;

const MAX_PATTERN_LEN: usize = 2048;

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of a URL that names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which URLs may be requested: `https://api.example.com/v1`, `http://*.example.com:8080/`.
///
/// The scheme is exact; the port is the one that is written or the scheme's own; the path is a prefix of whole
/// segments, so `/repos` and `/repos/` both match `/repos` and `/repos/x` and not `/reposx`. A pattern says
/// nothing about the query. User info, query and fragment cannot stand in a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlPattern {
    scheme: Scheme,
    host: HostPattern,
    port: u16,
    path: PathPrefix,
}

impl UrlPattern {
    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The hosts.
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path prefix, without a trailing slash; `/` is every path.
    pub fn path_prefix(&self) -> &str {
        self.path.as_str()
    }

    /// Whether the host is an address.
    pub fn is_literal_address(&self) -> bool {
        matches!(self.host, HostPattern::Address(_))
    }

    /// Whether a URL may be requested.
    ///
    /// A URL with user info never may. One whose path has an encoded dot, slash or backslash may only where the
    /// prefix is `/`, since the server might read it as another path.
    pub fn allows(&self, url: &url::Url) -> bool {
        let Some(host) = url.host() else {
            return false;
        };
        url.scheme() == self.scheme.as_str()
            && url.username().is_empty()
            && url.password().is_none()
            && url.port_or_known_default() == Some(self.port)
            && self.host.allows(&host)
            && self.path.allows(url.path())
    }

    /// Whether this allows everything that `other` allows.
    pub fn covers(&self, other: &UrlPattern) -> bool {
        self.scheme == other.scheme
            && self.port == other.port
            && self.host.covers(&other.host)
            && self.path.covers(&other.path)
    }

    /// Whether some URL at the host and port of `other` may be requested by its scheme.
    pub fn reaches(&self, other: &UrlPattern) -> bool {
        self.scheme == other.scheme && self.port == other.port && self.host.covers(&other.host)
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        check_characters(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(NO_SCHEME)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(NO_SCHEME),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(("it has user info", "leave out what stands before the @, and the @"));
        }
        let (host, port) = split_port(authority)?;
        let host = HostPattern::parse(&host.to_ascii_lowercase())?;
        let port = port.map_or(Ok(scheme.default_port()), parse_port)?;
        Ok(Self { scheme, host, port, path: PathPrefix::parse(path)? })
    }
}

const NO_SCHEME: Refusal =
    ("it does not begin with http:// or https://", "write the whole URL, https://api.example.com/v1");
const PORT: Refusal =
    ("the port is not a number from 1 to 65535", "name one port, or none for the usual one");

fn check_characters(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_PATTERN_LEN {
        return Err(("it is longer than 2048 characters", "name a shorter path prefix"));
    }
    if !text.is_ascii() {
        return Err(("it is not ASCII", "write the host in punycode, xn--…, and the path percent-encoded"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(("it has a space or control character", "write the URL without spaces"));
    }
    if text.contains('\\') {
        return Err(("it has a backslash", "write slashes"));
    }
    if text.contains('?') {
        return Err(("it has a query", "leave out the ? and what follows; any query is allowed"));
    }
    if text.contains('#') {
        return Err(("it has a fragment", "leave out the # and what follows; it is never sent"));
    }
    Ok(())
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), Refusal> {
    if let Some(end) = authority.rfind(']') {
        let (host, rest) = authority.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(PORT),
        };
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn parse_port(text: &str) -> Result<u16, Refusal> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PORT);
    }
    text.parse().map_err(|_| PORT)
}

impl FromStr for UrlPattern {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        Self::parse(text).map_err(|(problem, hint)| PermissionError::Url { url: quoted(text), problem, hint })
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        self.path.fmt(f)
    }
}

impl TryFrom<String> for UrlPattern {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<UrlPattern> for String {
    fn from(pattern: UrlPattern) -> String {
        pattern.to_string()
    }
}
