//! The cookies themselves: RFC 6265bis §5.7 from the point where the store decides, and §5.8.3.
//!
//! Pure: no clock, no lock. What can be sent to a host lies in the buckets of the host and of its parents, so
//! sending never looks at the cookies of other sites.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::SystemTime;

use super::admit::Candidate;
use super::expiry::Expiry;
use super::memo::Memo;
use super::site::{Site, domain_matches, domains, path_matches};
use super::{CookieError, check_pair};

/// Cookies with one domain. RFC 6265 asks for at least 50; browsers keep 180.
const MAX_PER_DOMAIN: usize = 180;
/// Cookies altogether: the least RFC 6265 allows, and what browsers keep.
const MAX_TOTAL: usize = 3000;
/// Cookies in one request, as in curl.
const MAX_SENT: usize = 150;
/// Octets of the line `Cookie: …` without its end, as in curl: servers refuse lines not much longer.
const MAX_LINE: usize = 8190;

/// All cookies, by domain.
#[derive(Default)]
pub(super) struct Store {
    buckets: Buckets,
    /// Sum of the buckets' lengths.
    count: usize,
    /// The time last told.
    now: Option<SystemTime>,
    /// Some expiry has to be settled when the time is told.
    pending: bool,
    last_id: u64,
    tick: u64,
    memo: Memo,
}

/// One order for every run: nothing that is visible depends on a hash seed.
type Buckets = BTreeMap<Box<str>, Vec<Stored>>;

/// One stored cookie.
pub(super) struct Stored {
    pub(super) name: Box<[u8]>,
    pub(super) value: Box<[u8]>,
    pub(super) domain: Box<str>,
    pub(super) host_only: bool,
    pub(super) path: Box<[u8]>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) expiry: Expiry,
    /// The order of creation; a replacement keeps it (§5.7 step 23.3).
    id: u64,
    /// The store's tick when it was last stored or sent. Only the order is asked for, and wall clocks jump.
    access: Cell<u64>,
}

impl Store {
    /// The time to judge expiry by, until another one is told. It may go back: wrong clocks are set right.
    pub(super) fn tell(&mut self, now: SystemTime) {
        self.now = Some(now);
        if std::mem::take(&mut self.pending) {
            for cookie in self.buckets.values_mut().flatten() {
                cookie.expiry = cookie.expiry.settled(now);
            }
        }
    }

    /// Whether nothing is stored, not even what has expired.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every cookie that has not expired, in order of creation.
    pub(super) fn live(&self) -> Vec<&Stored> {
        let cookies = self.buckets.values().flatten();
        let mut live: Vec<_> = cookies.filter(|cookie| !cookie.expiry.over(self.now)).collect();
        live.sort_unstable_by_key(|cookie| cookie.id);
        live
    }

    /// What a request to `site` carries, in the order it is sent. Looking is not using: no access is noted.
    pub(super) fn sent(&self, site: Site<'_>) -> Vec<&Stored> {
        self.select(site, |_| false, Room::FULL)
    }

    /// The value of the `Cookie` field for `site`, remembered until the store changes or a cookie of it expires.
    pub(super) fn header(&mut self, site: Site<'_>) -> Option<Vec<u8>> {
        self.tick += 1;
        if let Some(known) = self.memo.find(site, self.now, self.tick) {
            return known.map(<[u8]>::to_vec);
        }
        let cookies = self.select(site, |_| false, Room::FULL);
        let header = join(cookies.iter().map(|cookie| cookie.pair()));
        let until = cookies.iter().filter_map(|cookie| cookie.expiry.end()).min();
        let ids = cookies.iter().map(|cookie| cookie.id).collect();
        if let Some(out) = self.memo.keep(site, header.as_deref(), until, ids, self.tick) {
            touch(&self.buckets, domains(&out.host, out.is_ip), &out.cookies, out.used);
        }
        header
    }

    /// The same with cookies of this request alone: they take the place of stored ones with their names and
    /// follow the others. They are the caller's wish, so the limits only leave out stored ones.
    pub(super) fn header_with(&mut self, site: Site<'_>, extra: &[(String, String)]) -> Option<Vec<u8>> {
        self.tick += 1;
        let extra = || {
            let valid = extra.iter().filter(|(name, value)| check_pair(name, value).is_ok());
            valid.map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        };
        let replaced = |cookie: &Stored| extra().any(|(name, _)| name == &*cookie.name);
        let room = extra().fold(Room::FULL, Room::less);
        let cookies = self.select(site, replaced, room);
        for cookie in &cookies {
            cookie.access.set(self.tick);
        }
        join(cookies.iter().map(|cookie| cookie.pair()).chain(extra()))
    }

    /// Stores, replaces or deletes: §5.7 step 16 and from step 23.
    ///
    /// A cookie that is there already, with the same value and no shorter life, only has its dates renewed: the
    /// headers made so far stay valid.
    pub(super) fn insert(&mut self, new: &Candidate<'_>) -> Result<(), CookieError> {
        if self.overlays_secure(new) {
            return Err(CookieError::OverlaysSecure);
        }
        let now = self.now;
        let expiry = now.map_or(new.expiry, |now| new.expiry.capped(now));
        if expiry.over(now) {
            if self.drop_from(new.domain, |cookie| cookie.is(new)) > 0 {
                self.changed();
            }
            return Ok(());
        }
        self.pending |= matches!(expiry, Expiry::After(_)) || now.is_none();
        self.tick += 1;
        let access = Cell::new(self.tick);
        let mut bucket = self.buckets.get_mut(new.domain).into_iter().flatten();
        if let Some(old) = bucket.find(|cookie| cookie.is(new) && !cookie.expiry.over(now)) {
            let same = *old.value == *new.value && old.secure == new.secure && expiry.outlasts(old.expiry);
            if *old.value != *new.value {
                old.value = new.value.into();
            }
            (old.secure, old.http_only, old.expiry, old.access) = (new.secure, new.http_only, expiry, access);
            if !same {
                self.changed();
            }
            return Ok(());
        }
        self.changed();
        self.drop_from(new.domain, |cookie| cookie.expiry.over(now));
        self.last_id += 1;
        self.count += 1;
        let id = self.last_id;
        self.buckets.entry(new.domain.into()).or_default().push(Stored::new(new, expiry, id, access));
        self.evict(new.domain);
        Ok(())
    }

    /// Removes the cookies called `name` that a request to `site` could carry; whether there were any.
    pub(super) fn remove(&mut self, site: Site<'_>, name: &[u8]) -> bool {
        let now = self.now;
        let gone = |cookie: &Stored| &*cookie.name == name && cookie.suits(site) && !cookie.expiry.over(now);
        let dropped: usize = site.domains().map(|domain| self.drop_from(domain, gone)).sum();
        if dropped > 0 {
            self.changed();
        }
        dropped > 0
    }

    /// Forgets some cookies; how many there were that had not expired.
    pub(super) fn remove_where(&mut self, gone: impl Fn(&Stored) -> bool) -> usize {
        let now = self.now;
        let mut live = 0;
        let before = self.count;
        self.buckets.retain(|_, bucket| {
            bucket.retain(|cookie| {
                let gone = gone(cookie);
                live += usize::from(gone && !cookie.expiry.over(now));
                !gone
            });
            !bucket.is_empty()
        });
        self.count = self.buckets.values().map(Vec::len).sum();
        if self.count < before {
            self.changed();
        }
        live
    }

    /// The time told last.
    pub(super) fn now(&self) -> Option<SystemTime> {
        self.now
    }

    /// Forgets every cookie.
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
        self.count = 0;
        self.memo.clear();
    }

    /// How many headers are remembered.
    #[cfg(test)]
    pub(super) fn memo_len(&self) -> usize {
        self.memo.entries().len()
    }

    /// §5.8.3: what matches, longer paths first, then by creation. Where that is too much, the cookies whose
    /// last use is longest ago are left out.
    fn select(&self, site: Site<'_>, skip: impl Fn(&Stored) -> bool, room: Room) -> Vec<&Stored> {
        let suits = |cookie: &&Stored| cookie.suits(site) && !cookie.expiry.over(self.now) && !skip(cookie);
        let buckets = site.domains().filter_map(|domain| self.buckets.get(domain));
        let mut cookies: Vec<_> = buckets.flatten().filter(suits).collect();
        let total: usize = cookies.iter().map(|cookie| size(cookie.pair())).sum();
        if total > room.octets || cookies.len() > room.cookies {
            self.settle();
            cookies.sort_unstable_by_key(|cookie| Reverse((cookie.access.get(), cookie.id)));
            let ends = cookies.iter().scan(0, |end, cookie| {
                *end += size(cookie.pair());
                Some(*end)
            });
            let fitting = ends.take(room.cookies).take_while(|end| *end <= room.octets).count();
            cookies.truncate(fitting);
        }
        cookies.sort_unstable_by_key(|cookie| (Reverse(cookie.path.len()), cookie.id));
        cookies
    }

    /// §5.7 step 16: without TLS nobody may set a cookie that a secure one could be mistaken for.
    fn overlays_secure(&self, new: &Candidate<'_>) -> bool {
        let related = |domain: &str| domain_matches(domain, new.domain) || domain_matches(new.domain, domain);
        let hidden = |old: &Stored| {
            let same_place = *old.name == *new.name && path_matches(new.path, &old.path);
            old.secure && same_place && !old.expiry.over(self.now)
        };
        let insecure = !new.from_https && !new.secure;
        insecure && self.buckets.iter().any(|(domain, bucket)| related(domain) && bucket.iter().any(hidden))
    }

    /// Keeps the limits after a cookie of `domain` came in (§5.7): what has expired goes first, then, of a
    /// domain with too many, what is not secure, and among equals what has not been used for longest.
    fn evict(&mut self, domain: &str) {
        while let Some(bucket) = self.buckets.get(domain)
            && bucket.len() > MAX_PER_DOMAIN
            && let Some(out) = bucket.iter().min_by_key(|cookie| (cookie.secure, cookie.access.get()))
        {
            let id = out.id;
            self.drop_from(domain, |cookie| cookie.id == id);
        }
        if self.count <= MAX_TOTAL {
            return;
        }
        let now = self.now;
        self.buckets.retain(|_, bucket| {
            bucket.retain(|cookie| !cookie.expiry.over(now));
            !bucket.is_empty()
        });
        self.count = self.buckets.values().map(Vec::len).sum();
        while self.count > MAX_TOTAL
            && let Some(out) = self.buckets.values().flatten().min_by_key(|cookie| cookie.access.get())
        {
            let (domain, id) = (out.domain.clone(), out.id);
            self.drop_from(&domain, |cookie| cookie.id == id);
        }
    }

    /// Removes some cookies of one domain; how many. Whether that changes a header is the caller's to say.
    fn drop_from(&mut self, domain: &str, gone: impl Fn(&Stored) -> bool) -> usize {
        let Some(bucket) = self.buckets.get_mut(domain) else { return 0 };
        let before = bucket.len();
        bucket.retain(|cookie| !gone(cookie));
        let dropped = before - bucket.len();
        if bucket.is_empty() {
            self.buckets.remove(domain);
        }
        self.count -= dropped;
        dropped
    }

    /// What has been remembered may no longer be what a request carries.
    fn changed(&mut self) {
        self.settle();
        self.memo.clear();
    }

    /// Tells the cookies of remembered headers when those were last sent.
    fn settle(&self) {
        for entry in self.memo.entries() {
            touch(&self.buckets, domains(&entry.host, entry.is_ip), &entry.cookies, entry.used);
        }
    }
}

impl Stored {
    fn new(new: &Candidate<'_>, expiry: Expiry, id: u64, access: Cell<u64>) -> Self {
        Self {
            name: new.name.into(),
            value: new.value.into(),
            domain: new.domain.into(),
            host_only: new.host_only,
            path: new.path.into(),
            secure: new.secure,
            http_only: new.http_only,
            expiry,
            id,
            access,
        }
    }

    /// Whether `new` takes this cookie's place: name, domain, host-only flag and path are its identity.
    fn is(&self, new: &Candidate<'_>) -> bool {
        *self.name == *new.name
            && *self.path == *new.path
            && self.host_only == new.host_only
            && *self.domain == *new.domain
    }

    /// Whether it may be sent to `site`, which one of [`Site::domains`] has led to.
    fn suits(&self, site: Site<'_>) -> bool {
        (!self.host_only || *self.domain == *site.host)
            && (!self.secure || site.secure)
            && path_matches(site.path.as_bytes(), &self.path)
    }

    /// Whether it has no end of its own.
    pub(super) fn is_session(&self) -> bool {
        matches!(self.expiry, Expiry::Never)
    }

    fn pair(&self) -> (&[u8], &[u8]) {
        (&self.name, &self.value)
    }
}

/// Notes that the cookies with these ids, in ascending order, were sent at `tick`.
fn touch<'a>(buckets: &Buckets, domains: impl Iterator<Item = &'a str>, ids: &[u64], tick: u64) {
    for cookie in domains.filter_map(|domain| buckets.get(domain)).flatten() {
        if ids.binary_search(&cookie.id).is_ok() {
            cookie.access.set(cookie.access.get().max(tick));
        }
    }
}

/// What one field has room for.
#[derive(Clone, Copy)]
struct Room {
    cookies: usize,
    /// By [`size`].
    octets: usize,
}

impl Room {
    /// The last pair has no separator.
    const FULL: Self = Self { cookies: MAX_SENT, octets: MAX_LINE - "Cookie: ".len() + "; ".len() };

    fn less(self, pair: (&[u8], &[u8])) -> Self {
        let octets = self.octets.saturating_sub(size(pair));
        Self { cookies: self.cookies.saturating_sub(1), octets }
    }
}

/// A pair as it is sent, with the separator after it.
fn size((name, value): (&[u8], &[u8])) -> usize {
    name.len() + usize::from(!name.is_empty()) + value.len() + "; ".len()
}

/// §5.8.3 step 4; `None` if there is nothing to send.
fn join<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Option<Vec<u8>> {
    let mut line = Vec::with_capacity(pairs.clone().map(size).sum());
    for (name, value) in pairs {
        if !line.is_empty() {
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(name);
        if !name.is_empty() {
            line.push(b'=');
        }
        line.extend_from_slice(value);
    }
    (!line.is_empty()).then_some(line)
}
