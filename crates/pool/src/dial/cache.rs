//! Addresses that were looked up a moment ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long an answer is used again. `getaddrinfo` does not tell the record's own time to live; curl and browsers
/// keep answers for a minute as well. Failures are not kept.
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// Hosts that are remembered; when full, what has expired goes, and if nothing has, everything.
const MAX_HOSTS: usize = 1024;

pub(crate) struct Cache<Q>(HashMap<Q, (Instant, Vec<IpAddr>)>);

impl<Q> Default for Cache<Q> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Q: Hash + Eq + Clone> Cache<Q> {
    pub(crate) fn get(&self, question: &Q, now: Instant) -> Option<&[IpAddr]> {
        let (since, addresses) = self.0.get(question)?;
        (now.saturating_duration_since(*since) < TTL).then_some(addresses)
    }

    pub(crate) fn put(&mut self, question: &Q, addresses: &[IpAddr], now: Instant) {
        if self.0.len() >= MAX_HOSTS {
            self.0.retain(|_, (since, _)| now.saturating_duration_since(*since) < TTL);
            if self.0.len() >= MAX_HOSTS {
                self.0.clear();
            }
        }
        self.0.insert(question.clone(), (now, addresses.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be had from the clock")]
    fn an_answer_is_used_for_a_minute_and_the_cache_stays_small() {
        let t0 = Instant::now();
        let mut cache = Cache::default();
        let home: IpAddr = [127, 0, 0, 1].into();
        cache.put(&"a.example".to_owned(), &[home], t0);
        assert_eq!(cache.get(&"a.example".to_owned(), t0 + TTL / 2), Some(&[home][..]));
        assert_eq!(cache.get(&"a.example".to_owned(), t0 + TTL), None);
        for n in 0..3000 {
            cache.put(&format!("{n}.example"), &[home], t0);
        }
        assert!(cache.0.len() <= MAX_HOSTS);
    }
}
