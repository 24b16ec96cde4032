//! How often one address may do something: a bucket of tokens for each.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// The most addresses that are remembered; when there are more, the full buckets go first.
const MAX_ADDRESSES: usize = 10_000;

/// Buckets by address. An IPv6 client has a whole /64 and gets one bucket for it.
#[derive(Debug)]
pub(super) struct RateLimit {
    capacity: f64,
    per_second: f64,
    buckets: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

impl RateLimit {
    /// Buckets of `capacity` tokens that fill by `per_second`.
    pub(super) fn new(capacity: u32, per_second: f64) -> Self {
        Self { capacity: f64::from(capacity), per_second, buckets: Mutex::default() }
    }

    /// Takes a token; false if there is none.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.capacity);
            if buckets.len() >= MAX_ADDRESSES {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(group(address)).or_insert((self.capacity, now));
        let tokens = self.filled(*bucket, now);
        let enough = tokens >= 1.0;
        *bucket = (if enough { tokens - 1.0 } else { tokens }, now);
        enough
    }

    /// Gives a token back that turned out not to be needed.
    pub(super) fn give_back(&self, address: IpAddr) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((tokens, _)) = buckets.get_mut(&group(address)) {
            *tokens = (*tokens + 1.0).min(self.capacity);
        }
    }

    fn filled(&self, (tokens, then): (f64, Instant), now: Instant) -> f64 {
        let gained = now.saturating_duration_since(then).as_secs_f64() * self.per_second;
        (tokens + gained).min(self.capacity)
    }
}

fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_address_runs_dry_and_the_others_do_not() {
        let limit = RateLimit::new(2, 1.0);
        let now = Instant::now();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let a = at("2001:db8::1");
        assert!(limit.take(a, now) && limit.take(at("2001:db8::2"), now));
        assert!(!limit.take(a, now));
        assert!(limit.take(at("192.0.2.1"), now));
        assert!(limit.take(a, now + Duration::from_secs(1)));
        assert!(!limit.take(a, now + Duration::from_secs(1)));
        limit.give_back(a);
        assert!(limit.take(a, now + Duration::from_secs(1)) && !limit.take(a, now + Duration::from_secs(1)));
    }
}
