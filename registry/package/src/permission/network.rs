//! Requests for outgoing HTTP.

mod host;
mod method;
mod path;
mod url_pattern;

use serde::{Deserialize, Serialize};

pub use host::{Domain, HostPattern};
pub use method::{Method, MethodSet};
pub use url_pattern::{Scheme, UrlPattern};

use super::{PermissionError, PermissionKind, Reason};

/// `[[permission.network]]`: requests with some methods to what a URL pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct NetworkRequest {
    /// Where to.
    pub url: UrlPattern,
    /// With which methods.
    pub methods: MethodSet,
    /// Whether the host may have a loopback, private, link-local or otherwise special address.
    pub internal: bool,
    /// What it is used for.
    pub reason: Reason,
}

impl NetworkRequest {
    /// A request.
    ///
    /// # Errors
    ///
    /// [`PermissionError::InternalSuffix`] when `internal` stands with a `*.` pattern, and
    /// [`PermissionError::NotMarkedInternal`] when the host is plainly internal and `internal` is not set.
    pub fn new(
        url: UrlPattern,
        methods: MethodSet,
        internal: bool,
        reason: Reason,
    ) -> Result<Self, PermissionError> {
        match (url.host(), internal) {
            (HostPattern::Suffix(_), true) => Err(PermissionError::InternalSuffix(url.to_string())),
            (host, false) if host.is_plainly_internal() => {
                Err(PermissionError::NotMarkedInternal(url.to_string()))
            }
            _ => Ok(Self { url, methods, internal, reason }),
        }
    }

    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        if self.internal { PermissionKind::NetworkInternal } else { PermissionKind::NetworkExternal }
    }

    /// Whether this asks at least what `other` asks.
    pub fn covers(&self, other: &NetworkRequest) -> bool {
        self.url.covers(&other.url)
            && self.methods.covers(&other.methods)
            && (self.internal || !other.internal)
    }
}

/// A request as it is stored, before its parts are held against each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: UrlPattern,
    methods: MethodSet,
    #[serde(default)]
    internal: bool,
    reason: Reason,
}

impl TryFrom<Written> for NetworkRequest {
    type Error = PermissionError;

    fn try_from(written: Written) -> Result<Self, PermissionError> {
        Self::new(written.url, written.methods, written.internal, written.reason)
    }
}
