//! How many connections each network has: one client never has all of them, however slowly it asks.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the connections of each network.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that is counted as long as this lives.
#[derive(Debug)]
pub struct Member {
    network: IpAddr,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Crowd {
    /// No network has more than `most` connections at once.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// Counts a connection of an address; none where its network has as many as it may.
    #[must_use]
    pub fn join(&self, address: IpAddr) -> Option<Member> {
        let network = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Member { network, counts: Arc::clone(&self.counts) })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// One subscriber of IPv6 has a network of 64 bits, and counts as one.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_never_has_all_connections() {
        let crowd = Crowd::new(2);
        let join = |address: &str| crowd.join(address.parse().unwrap());
        let (first, second) = (join("2001:db8::1"), join("2001:db8::2"));
        assert!(first.is_some() && second.is_some());
        assert!(join("2001:db8::3").is_none(), "a network counts as one");
        assert!(join("192.0.2.1").is_some());
        drop(first);
        assert!(join("2001:db8::3").is_some());
        drop(second);
        assert!(crowd.counts.lock().unwrap().is_empty(), "nothing is kept of who has gone");
    }
}
