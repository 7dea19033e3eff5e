//! Requests for a secret of the owner, which the host puts into requests to one host and the skill never sees.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{HostPattern, PermissionError, PermissionKind, Reason, UrlPattern};
use crate::name::SecretName;
use crate::text::quoted;

/// The most characters of a header's or a query parameter's name, and of a prefix.
pub const MAX_PLACE_LEN: usize = 64;

/// `[[permission.secret]]`: a secret of the owner, for requests to one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct SecretRequest {
    /// Which secret, by the skill's own name for it.
    pub name: SecretName,
    /// The only host that it goes to.
    pub host: SecretHost,
    /// Where in a request it stands.
    pub place: SecretPlace,
    /// What it is used for.
    pub reason: Reason,
}

impl SecretRequest {
    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        PermissionKind::Secret
    }

    /// Whether this asks at least what `other` asks.
    pub fn covers(&self, other: &SecretRequest) -> bool {
        (&self.name, &self.host, &self.place) == (&other.name, &other.host, &other.place)
    }
}

/// A host that a secret may go to, by `https` and on one port: `api.example.com`, `localhost:8443`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHost(UrlPattern);

impl SecretHost {
    /// Whether a request to a URL goes there: by `https`, to exactly this host and port.
    pub fn is_of(&self, url: &url::Url) -> bool {
        self.0.allows(url)
    }

    /// All that is there, `https://host/`.
    pub fn origin(&self) -> &UrlPattern {
        &self.0
    }
}

impl FromStr for SecretHost {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        const HINT: &str = "write the host alone, api.example.com or localhost:8443; it is reached by https";
        let refused =
            |problem, hint| PermissionError::Secret { what: "host", found: quoted(text), problem, hint };
        if text.contains(['/', '?', '#', '@', '\\']) {
            return Err(refused("it is more than a host and a port", HINT));
        }
        let origin: UrlPattern = match format!("https://{text}/").parse() {
            Err(PermissionError::Url { problem, hint, .. }) => return Err(refused(problem, hint)),
            origin => origin?,
        };
        match origin.host() {
            HostPattern::Suffix(_) => {
                Err(refused("it is not one host", "name each host in an entry of its own"))
            }
            HostPattern::Exact(_) | HostPattern::Address(_) => Ok(Self(origin)),
        }
    }
}

impl fmt::Display for SecretHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.host().fmt(f)?;
        match self.0.port() {
            443 => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

impl TryFrom<String> for SecretHost {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<SecretHost> for String {
    fn from(host: SecretHost) -> Self {
        host.to_string()
    }
}

/// Where in a request a secret stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretPlace {
    /// In a header field.
    Header {
        /// Its name, in lower case.
        name: String,
        /// What stands before the secret, such as `Bearer `.
        prefix: String,
    },
    /// In a parameter of the query.
    Query {
        /// Its name.
        name: String,
    },
}

impl SecretPlace {
    /// A header field of that name, in which the secret follows the prefix.
    ///
    /// # Errors
    /// [`PermissionError::Secret`] for a name that is none, or that says how a message is sent rather than who sends it.
    pub fn header(name: &str, prefix: Option<&str>) -> Result<Self, PermissionError> {
        const TOKEN: &str = "write a header's name in lower case, such as authorization or x-api-key";
        let refused =
            |problem, hint| PermissionError::Secret { what: "header", found: quoted(name), problem, hint };
        let is_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if name.is_empty() || name.len() > MAX_PLACE_LEN || !name.bytes().all(is_token) {
            return Err(refused("it is not a header's name of 1 to 64 of a-z, 0-9, - and _", TOKEN));
        }
        if FORBIDDEN_HEADERS.contains(&name) || name.starts_with("proxy-") {
            return Err(refused("no secret goes there: it is the host's own or has another meaning", TOKEN));
        }
        let prefix = prefix.unwrap_or_default();
        let is_shown = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if prefix.len() > MAX_PLACE_LEN || prefix.starts_with(' ') || !prefix.bytes().all(is_shown) {
            return Err(PermissionError::Secret {
                what: "prefix",
                found: quoted(prefix),
                problem: "it is not up to 64 printable ASCII characters that begin with no space",
                hint: "write for example \"Bearer \"",
            });
        }
        Ok(Self::Header { name: name.to_owned(), prefix: prefix.to_owned() })
    }

    /// A parameter of the query of that name.
    ///
    /// # Errors
    /// [`PermissionError::Secret`] for a name that would have to be encoded.
    pub fn query(name: &str) -> Result<Self, PermissionError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > MAX_PLACE_LEN || !name.bytes().all(is_plain) {
            return Err(PermissionError::Secret {
                what: "query",
                found: quoted(name),
                problem: "it is not a parameter's name of 1 to 64 of A-Z, a-z, 0-9, -, _ and .",
                hint: "write the parameter's name alone, such as api_key",
            });
        }
        Ok(Self::Query { name: name.to_owned() })
    }

    /// Whether two secrets cannot both stand there.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header { name, .. }, Self::Header { name: other, .. }) => name == other,
            (Self::Query { name }, Self::Query { name: other }) => name.eq_ignore_ascii_case(other),
            _ => false,
        }
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, .. } => write!(f, "header {name}"),
            Self::Query { name } => write!(f, "query parameter {name}"),
        }
    }
}

/// Headers that say how a message is sent and read, and so are the host's, or that hold more than one value.
const FORBIDDEN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "host",
    "http2-settings",
    "if-range",
    "keep-alive",
    "origin",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// A request as it is stored, before its parts are held against each other.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: SecretName,
    host: SecretHost,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    reason: Reason,
}

impl TryFrom<Written> for SecretRequest {
    type Error = PermissionError;

    fn try_from(written: Written) -> Result<Self, PermissionError> {
        let Written { name, host, header, prefix, query, reason } = written;
        let place = place(header.as_deref(), prefix.as_deref(), query.as_deref())?;
        Ok(Self { name, host, place, reason })
    }
}

impl From<SecretRequest> for Written {
    fn from(request: SecretRequest) -> Self {
        let SecretRequest { name, host, place, reason } = request;
        let (header, prefix, query) = match place {
            SecretPlace::Header { name, prefix } => {
                (Some(name), (!prefix.is_empty()).then_some(prefix), None)
            }
            SecretPlace::Query { name } => (None, None, Some(name)),
        };
        Self { name, host, header, prefix, query, reason }
    }
}

/// The one place that an entry names.
pub(crate) fn place(
    header: Option<&str>,
    prefix: Option<&str>,
    query: Option<&str>,
) -> Result<SecretPlace, PermissionError> {
    match (header, prefix, query) {
        (Some(header), prefix, None) => SecretPlace::header(header, prefix),
        (None, None, Some(query)) => SecretPlace::query(query),
        _ => Err(PermissionError::SecretPlace),
    }
}
