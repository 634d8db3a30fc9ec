//! The last few `Cookie` headers, so that a repeated request costs one copy.

use std::time::SystemTime;

use super::site::Site;

/// Headers remembered. A program that talks to more places than this at once builds them anew, at the price
/// of a sort of a few cookies.
const SIZE: usize = 8;

/// Headers as they were built from a store that has not changed since.
#[derive(Default)]
pub(super) struct Memo {
    entries: Vec<Entry>,
}

/// One header, for the URLs that get the same.
pub(super) struct Entry {
    pub(super) host: Box<str>,
    pub(super) is_ip: bool,
    path: Box<str>,
    secure: bool,
    header: Option<Box<[u8]>>,
    /// When the first of its cookies expires.
    until: Option<SystemTime>,
    /// The ids of its cookies, ascending.
    pub(super) cookies: Box<[u64]>,
    /// The store's tick at its last use, which its cookies are told when somebody asks.
    pub(super) used: u64,
}

impl Memo {
    /// The header for `site`, if it is known (`Some(None)`: that there is none) and holds at `now`.
    pub(super) fn find(
        &mut self,
        site: Site<'_>,
        now: Option<SystemTime>,
        tick: u64,
    ) -> Option<Option<&[u8]>> {
        let entry = self.entries.iter_mut().find(|entry| entry.is_for(site))?;
        if let (Some(now), Some(until)) = (now, entry.until)
            && until <= now
        {
            return None;
        }
        entry.used = tick;
        Some(entry.header.as_deref())
    }

    /// Remembers a header; gives back the entry that had to make room, whose use is not to be lost.
    pub(super) fn keep(
        &mut self,
        site: Site<'_>,
        header: Option<&[u8]>,
        until: Option<SystemTime>,
        mut cookies: Box<[u64]>,
        tick: u64,
    ) -> Option<Entry> {
        cookies.sort_unstable();
        let full = self.entries.len() >= SIZE;
        let oldest = || self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used).map(|(at, _)| at);
        let stale = self.entries.iter().position(|entry| entry.is_for(site));
        let out = stale.or_else(|| if full { oldest() } else { None }).map(|at| self.entries.swap_remove(at));
        self.entries.push(Entry {
            host: site.host.into(),
            is_ip: site.is_ip,
            path: site.path.into(),
            secure: site.secure,
            header: header.map(Into::into),
            until,
            cookies,
            used: tick,
        });
        out
    }

    /// What is remembered at present.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Forgets everything: the store has changed.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

impl Entry {
    fn is_for(&self, site: Site<'_>) -> bool {
        self.secure == site.secure && *self.path == *site.path && *self.host == *site.host
    }
}
