//! How many each has of what there is little of: one network never has all connections, however slowly it asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what each has now, by whatever tells one from another.
#[derive(Debug)]
pub struct Crowd<K: Eq + Hash> {
    most: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// One that is counted as long as this lives.
#[derive(Debug)]
pub struct Member<K: Eq + Hash> {
    key: K,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// Nobody has more than `most` at once.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// Counts one more; none where there are as many as may be.
    #[must_use]
    pub fn join(&self, key: K) -> Option<Member<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&key).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        counts.insert(key.clone(), count + 1);
        Some(Member { key, counts: Arc::clone(&self.counts) })
    }
}

impl<K: Eq + Hash> Drop for Member<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.key);
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
        let join = |address: &str| crowd.join(network(address.parse().unwrap()));
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
