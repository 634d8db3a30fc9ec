//! From the text of a URL to everything a request needs of it, remembered.
//!
//! Parsing a URL costs more than all other work on a small request together, and programs request the same few
//! again and again. So a text that was seen before is looked up.

use crate::error::Error;
use crate::fast_map::Fold;
use crate::header_set::HeaderSet;
use crate::proxies::{Choice, Proxies};
use crate::settings::{Base, Settings};
use crate::url::{self, Userinfo};
use ::url::{Position, Url};
use http_wire::RequestHead;
use pool::{Origin, Route, Tls};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// A URL and the way to its origin. Shared by requests and answers.
pub(crate) struct Target {
    url: Url,
    way: Arc<Way>,
    /// The head of a GET with these headers and nothing else.
    head: Mutex<Option<(Arc<HeaderSet>, Arc<RequestHead>)>>,
}

/// The ways to one origin.
struct Way {
    direct: Route,
    tls: Option<Tls>,
    /// The way that was chosen last, and what said so.
    last: Mutex<Option<Chosen>>,
}

struct Chosen {
    set: Option<Proxies>,
    environment: Option<Proxies>,
    route: Route,
}

/// Longer heads are not remembered: they are seldom, and each target may have one.
const MAX_HEAD: usize = 2048;

impl Target {
    /// A URL that [`url::parse`] has let through: http or https, with a host, without userinfo.
    pub(crate) fn new(url: Url, tls: Option<&Tls>) -> Result<Self, Error> {
        // The pool checks what a host may look like; the shape of the text is the URL parser's.
        let origin: Origin = url[..Position::BeforePath].parse().map_err(|why: pool::Error| {
            Error::request_error(format!("the URL {:?} has an impossible host", url::redacted(url.as_str())))
                .with_source(why)
        })?;
        let direct = match tls {
            Some(tls) => Route::with_tls(origin, tls.clone()),
            None => Route::direct(origin),
        };
        let way = Arc::new(Way { direct, tls: tls.cloned(), last: Mutex::default() });
        Self::on(way, url)
    }

    /// Another URL, on the same way if it is of the same origin.
    pub(crate) fn sibling(&self, url: Url, tls: Option<&Tls>) -> Result<Self, Error> {
        if url[..Position::BeforePath] == self.url[..Position::BeforePath] {
            return Self::on(self.way.clone(), url);
        }
        Self::new(url, tls)
    }

    fn on(way: Arc<Way>, url: Url) -> Result<Self, Error> {
        match url::outgrown(&url) {
            Some(why) => Err(Error::request_error(why)),
            None => Ok(Self { url, way, head: Mutex::default() }),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The way to the origin by these settings: straight, or through the proxy that is chosen for it.
    pub(crate) fn route(&self, settings: &Settings) -> Result<Route, Error> {
        if !settings.has_proxies() { Ok(self.way.direct.clone()) } else { self.way.chosen(settings) }
    }

    pub(crate) fn origin(&self) -> &Origin {
        self.way.direct.origin()
    }

    /// The request target in origin form: path and query (RFC 9112 §3.2.1).
    pub(crate) fn path(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// The URL as a proxy is told it (absolute form, RFC 9112 §3.2.2): without fragment, and there is no userinfo in it.
    pub(crate) fn absolute(&self) -> &str {
        &self.url[..Position::AfterQuery]
    }

    /// The head of a GET with nothing but these headers, if it was encoded before.
    pub(crate) fn head_with(&self, headers: &Arc<HeaderSet>) -> Option<Arc<RequestHead>> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        // As long as the set is held here it is copied where somebody changes it: the same one has the same fields.
        head.as_ref().filter(|(with, _)| Arc::ptr_eq(with, headers)).map(|(_, head)| head.clone())
    }

    /// Keeps such a head.
    pub(crate) fn remember_head(&self, headers: &Arc<HeaderSet>, head: &Arc<RequestHead>) {
        if head.as_bytes().len() <= MAX_HEAD {
            *self.head.lock().unwrap_or_else(PoisonError::into_inner) = Some((headers.clone(), head.clone()));
        }
    }

    /// The value of the `Host` field (RFC 9110 §7.2).
    pub(crate) fn host(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }
}

impl Way {
    fn chosen(&self, settings: &Settings) -> Result<Route, Error> {
        let (set, environment) = settings.proxy_layers();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // As long as they are held here they are copied where somebody changes them.
        let is_last = |last: &&Chosen| {
            unchanged(last.set.as_ref(), set) && unchanged(last.environment.as_ref(), environment)
        };
        if let Some(chosen) = last.as_ref().filter(is_last) {
            return Ok(chosen.route.clone());
        }
        let origin = self.direct.origin();
        let choice = [set, environment].into_iter().flatten().find_map(|proxies| proxies.choose(origin));
        let route = match choice {
            None | Some(Choice::Direct) => self.direct.clone(),
            // Whoever is trusted as an origin is trusted as a proxy (requests' rule); who we are is for the origin.
            Some(Choice::Via(proxy)) => self.direct.clone().via(match &self.tls {
                Some(tls) => proxy.with_tls(tls.clone().without_client_cert()),
                None => proxy,
            }),
            Some(Choice::Malformed(why)) => return Err(Error::config(&*why)),
        };
        *last = Some(Chosen { set: set.cloned(), environment: environment.cloned(), route: route.clone() });
        Ok(route)
    }
}

fn unchanged(before: Option<&Proxies>, now: Option<&Proxies>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => before.is_same(now),
        _ => false,
    }
}

/// The targets seen by a session and its clones.
#[derive(Default)]
pub(crate) struct Targets(Mutex<HashMap<Box<str>, Entry, Seeded>>);

/// Hashes texts from a seed of its own. Texts may be a stranger's choice (a crawler's), so the seed is random; and as
/// the table has at most [`MAX_TARGETS`] entries, even somebody who knew it could cost a lookup no more than that.
struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold::seeded(self.0)
    }
}

struct Entry {
    target: Arc<Target>,
    /// What else the target was made from: two clones of a session may differ in it.
    base: Option<Arc<Base>>,
    tls: Option<Tls>,
}

/// More texts than this are not remembered: the table is emptied then. Programs that crawl gain nothing from it,
/// programs that call an API stay far below.
const MAX_TARGETS: usize = 256;

/// Longer texts are not remembered, so that the table stays below two megabytes.
const MAX_TEXT: usize = 1024;

impl Targets {
    /// The target of a text, and the credentials that stood in it (such a text is not remembered).
    pub(crate) fn get(
        &self,
        text: &str,
        settings: &Settings,
    ) -> Result<(Arc<Target>, Option<Userinfo>), Error> {
        let (base, tls) = (settings.base_arc(), settings.tls_ref());
        {
            let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = entries.get(text)
                && same(entry.base.as_ref(), base)
                && entry.tls.as_ref() == tls
            {
                return Ok((entry.target.clone(), None));
            }
        }
        let (url, userinfo) = url::parse(text, base.map(|base| &base.url)).map_err(Error::request_error)?;
        let target = Arc::new(Target::new(url, tls)?);
        if userinfo.is_none() && text.len() <= MAX_TEXT {
            let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if entries.len() >= MAX_TARGETS {
                entries.clear();
            }
            let entry = Entry { target: target.clone(), base: base.cloned(), tls: tls.cloned() };
            entries.insert(text.into(), entry);
        }
        Ok((target, userinfo))
    }
}

fn same(a: Option<&Arc<Base>>, b: Option<&Arc<Base>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_seen_before_gives_the_same_target_unless_base_or_tls_differ() {
        let (targets, mut settings) = (Targets::default(), Settings::default());
        let get = |settings: &Settings| targets.get("http://a.example/x?y#z", settings).unwrap().0;
        let first = get(&settings);
        assert_eq!((first.path(), first.host()), ("/x?y", "a.example"));
        assert!(Arc::ptr_eq(&first, &get(&settings)));
        settings.set_tls(Tls::without_public_roots());
        assert!(!Arc::ptr_eq(&first, &get(&settings)));
        settings.set_base("http://b.example/").unwrap();
        assert!(Arc::ptr_eq(&get(&settings), &get(&settings)));
    }

    #[test]
    fn credentials_in_a_text_are_not_remembered_and_the_table_is_bounded() {
        let (targets, settings) = (Targets::default(), Settings::default());
        assert!(targets.get("http://u:p@a.example/", &settings).unwrap().1.is_some());
        assert!(targets.0.lock().unwrap().is_empty());
        for i in 0..1000 {
            targets.get(&format!("http://a.example/{i}"), &settings).unwrap();
        }
        assert!(targets.0.lock().unwrap().len() <= MAX_TARGETS);
    }

    #[test]
    fn a_host_that_cannot_be_is_refused_before_anything_is_sent() {
        let long = format!("http://{}.example/", "x".repeat(64));
        for text in ["http://a..b/", &long] {
            assert!(Targets::default().get(text, &Settings::default()).is_err(), "{text}");
        }
    }
}
