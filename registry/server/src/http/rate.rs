//! How often one address or one token may ask.

use std::net::IpAddr;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use openclaw_listen::network;

use crate::error::{Refusal, Result};
use crate::limits::Limits;

/// The address from which a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who asked how often.
pub struct RateLimits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    tokens: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
    trust_forwarded: bool,
}

impl RateLimits {
    /// Limits that nobody has used yet. Behind a proxy of ours the address is the last that the proxy names.
    pub fn new(limits: &Limits, trust_forwarded: bool) -> Self {
        Self {
            addresses: RateLimiter::dashmap(Quota::per_minute(limits.requests_per_minute)),
            tokens: RateLimiter::dashmap(Quota::per_minute(limits.writes_per_minute)),
            clock: DefaultClock::default(),
            trust_forwarded,
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`].
    pub(super) fn check_address(&self, peer: IpAddr, headers: &HeaderMap) -> Result<()> {
        let address = self.forwarded(headers).unwrap_or(peer);
        self.addresses.check_key(&network(address)).map_err(|early| {
            Refusal::RateLimited("from this address", early.wait_time_from(self.clock.now())).into()
        })
    }

    /// Counts a writing request of a token.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`].
    pub(super) fn check_token(&self, id: &String) -> Result<()> {
        self.tokens.check_key(id).map_err(|early| {
            Refusal::RateLimited("with this token", early.wait_time_from(self.clock.now())).into()
        })
    }

    /// Whether connections come from a proxy of ours, and not from clients.
    pub fn trusts_forwarded(&self) -> bool {
        self.trust_forwarded
    }

    /// Forgets who has not asked for long.
    pub fn forget_idle(&self) {
        self.addresses.retain_recent();
        self.tokens.retain_recent();
    }

    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.trust_forwarded {
            return None;
        }
        let last = headers.get_all("x-forwarded-for").iter().next_back()?;
        last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    }
}
