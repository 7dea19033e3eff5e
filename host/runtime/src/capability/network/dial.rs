//! Opening the connection of a permitted request: to an address of its host that was checked, and to no other.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime_wasi_http::Error;

use super::grants::{CheckedAddr, Permitted, Unresolved};
use super::meter::Account;
use super::resolve::Resolve;
use crate::capability::{Capability, Denial};

/// Opens connections: this process itself, or the one that it works for.
#[async_trait]
pub(crate) trait Dial: Send + Sync {
    /// Connects to where a permitted request goes, by the given time.
    async fn dial(&self, permitted: &Permitted, by: Instant) -> Result<Dialled, DialError>;
}

/// A connection for a permitted request.
#[derive(Debug)]
pub(crate) enum Dialled {
    /// To an address of its host.
    Direct(TcpStream),
    /// To the host of this worker, which sends the request on itself, with the secrets that it carries: in the clear,
    /// for between the two there is nobody.
    Relayed(UnixStream),
}

/// Why a permitted request has no connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum DialError {
    /// Its host has only addresses that it may not go to.
    Denied(Denial),
    /// Its host has no address.
    NotFound,
    /// The resolver failed.
    Lookup,
    /// The resolver did not answer in time.
    LookupTimeout,
    /// No address answered in time.
    Timeout,
    /// Nobody listens there.
    Refused,
    /// No way leads there.
    Unroutable,
    /// Anything else.
    Unavailable,
}

impl DialError {
    /// What the guest is told; a denial is noted.
    pub(super) fn told(self, account: &Account) -> Error {
        match self {
            Self::Denied(denial) => {
                let is_secret = denial.capability == Capability::Secret;
                account.deny(denial);
                if is_secret { Error::HttpRequestDenied } else { Error::DestinationIpProhibited }
            }
            Self::NotFound => Error::DestinationNotFound,
            Self::Lookup => Error::DnsError { rcode: None, info_code: None },
            Self::LookupTimeout => Error::DnsTimeout,
            Self::Timeout => Error::ConnectionTimeout,
            Self::Refused => Error::ConnectionRefused,
            Self::Unroutable => Error::DestinationIpUnroutable,
            Self::Unavailable => Error::DestinationUnavailable,
        }
    }
}

impl From<&io::Error> for DialError {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unroutable,
            _ => Self::Unavailable,
        }
    }
}

/// Connections of this process's own.
pub(crate) struct Direct {
    resolver: Arc<dyn Resolve>,
}

impl Direct {
    /// Connections to what a resolver answers.
    pub(crate) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver }
    }
}

#[async_trait]
impl Dial for Direct {
    async fn dial(&self, permitted: &Permitted, by: Instant) -> Result<Dialled, DialError> {
        let resolved = timeout_at(by, permitted.resolve(self.resolver.as_ref())).await;
        let addresses =
            resolved.map_err(|_| DialError::LookupTimeout)?.map_err(|unresolved| match unresolved {
                Unresolved::Denied(denial) => DialError::Denied(denial),
                Unresolved::NotFound => DialError::NotFound,
                Unresolved::Lookup(error) => {
                    tracing::debug!(%error, "name resolution failed");
                    DialError::Lookup
                }
            })?;
        open(addresses, by).await.map(Dialled::Direct)
    }
}

/// Connects to the first address that answers.
async fn open(addresses: Vec<CheckedAddr>, by: Instant) -> Result<TcpStream, DialError> {
    let mut failure = DialError::NotFound;
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        // An address that swallows packets must leave time for those after it.
        let share = by.saturating_duration_since(Instant::now()) / untried.max(1);
        untried = untried.saturating_sub(1);
        failure = match timeout(share, TcpStream::connect(address.socket())).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| DialError::from(&error))?;
                return Ok(stream);
            }
            Ok(Err(error)) => DialError::from(&error),
            Err(_) => DialError::Timeout,
        };
    }
    Err(failure)
}
