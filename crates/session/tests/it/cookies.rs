//! The cookie jar by itself: what it sends where, and what its API does.

use std::time::{Duration, SystemTime};

use cookie::Cookie;
use session::{CookieJar, SuffixList};
use url::Url;

mod dict;
mod files;
mod formats;
mod limits;
mod sessions;
mod threats;

const DAY: Duration = Duration::from_secs(86_400);

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn store(jar: &CookieJar, from: &str, fields: &[&str]) {
    jar.store_response(&url(from), fields.iter().map(|field| field.as_bytes()), now());
}

fn sent_at(jar: &CookieJar, to: &str, now: SystemTime) -> String {
    String::from_utf8(jar.header_for(&url(to), now).unwrap_or_default()).unwrap()
}

fn sent(jar: &CookieJar, to: &str) -> String {
    sent_at(jar, to, now())
}

fn jar(from: &str, fields: &[&str]) -> CookieJar {
    let jar = CookieJar::new();
    store(&jar, from, fields);
    jar
}

// Sending.

#[test]
fn a_repeated_header_follows_every_change_of_the_jar() {
    let jar = jar("http://a.test/", &["a=1", "b=2; Max-Age=60"]);
    let twice = |to: &str, at: SystemTime| {
        let (first, second) = (sent_at(&jar, to, at), sent_at(&jar, to, at));
        assert_eq!(first, second);
        first
    };
    assert_eq!(twice("http://a.test/", now()), "a=1; b=2");
    assert_eq!(twice("http://sub.a.test/", now()), "");
    store(&jar, "http://a.test/", &["a=3"]);
    assert_eq!(twice("http://a.test/", now()), "a=3; b=2");
    store(&jar, "http://a.test/", &["d=4; Domain=a.test"]);
    assert_eq!(twice("http://sub.a.test/", now()), "d=4");
    assert!(jar.remove(&url("http://a.test/"), "a"));
    assert_eq!(twice("http://a.test/", now()), "b=2; d=4");
    store(&jar, "http://a.test/", &["d=; Domain=a.test; Max-Age=0"]);
    assert_eq!(twice("http://a.test/", now()), "b=2");
    assert_eq!(twice("http://a.test/", now() + Duration::from_secs(59)), "b=2");
    assert_eq!(twice("http://a.test/", now() + Duration::from_secs(60)), "");
    jar.clear();
    jar.set(&url("http://a.test/"), Cookie::new("e", "5")).unwrap();
    assert_eq!(twice("http://a.test/", now()), "e=5");
    jar.clear();
    assert_eq!(twice("http://a.test/", now()), "");
}

#[test]
fn a_shortened_life_shortens_what_is_sent() {
    for (before, after) in [("", "; Max-Age=5"), ("; Max-Age=60", "; Max-Age=5")] {
        let jar = jar("http://a.test/", &[&format!("a=1{before}")]);
        assert_eq!(sent(&jar, "http://a.test/"), "a=1");
        store(&jar, "http://a.test/", &[&format!("a=1{after}")]);
        assert_eq!(sent(&jar, "http://a.test/"), "a=1");
        assert_eq!(sent_at(&jar, "http://a.test/", now() + Duration::from_secs(5)), "");
    }
    let jar = jar("http://a.test/", &["a=1; Max-Age=5"]);
    assert_eq!(sent(&jar, "http://a.test/"), "a=1");
    store(&jar, "http://a.test/", &["a=1; Max-Age=60"]);
    assert_eq!(sent_at(&jar, "http://a.test/", now() + Duration::from_secs(59)), "a=1");
}

#[test]
fn a_secure_cookie_is_sent_over_https_only_loopback_included() {
    for host in ["a.test", "localhost", "127.0.0.1", "[::1]"] {
        let jar = jar(&format!("https://{host}/"), &["a=1; Secure", "b=2"]);
        assert_eq!(sent(&jar, &format!("https://{host}/")), "a=1; b=2");
        assert_eq!(sent(&jar, &format!("http://{host}/")), "b=2");
        assert!(jar_is_empty_after(&format!("http://{host}/"), "a=1; Secure"));
    }
}

fn jar_is_empty_after(from: &str, field: &str) -> bool {
    jar(from, &[field]).is_empty()
}

#[test]
fn a_cookie_made_secure_or_plain_again_is_sent_accordingly() {
    let jar = jar("https://a.test/", &["a=1"]);
    assert_eq!(sent(&jar, "http://a.test/"), "a=1");
    store(&jar, "https://a.test/", &["a=1; Secure"]);
    assert_eq!(sent(&jar, "http://a.test/"), "");
    store(&jar, "https://a.test/", &["a=1"]);
    assert_eq!(sent(&jar, "http://a.test/"), "a=1");
}

#[test]
fn no_cookies_travel_with_other_schemes() {
    let jar = jar("http://a.test/", &["a=1; Domain=a.test"]);
    assert_eq!(jar.header_for(&url("ftp://a.test/"), now()), None);
    store(&jar, "ftp://a.test/", &["b=1"]);
    store(&jar, "data:text/plain,x", &["b=1"]);
    assert_eq!(jar.len(), 1);
    assert!(jar.matching(&url("ftp://a.test/"), now()).is_empty());
}

#[test]
fn the_clock_may_go_back() {
    let jar = CookieJar::new();
    let wrong = now() + 1_000 * DAY;
    jar.store_response(&url("http://a.test/"), [&b"a=1"[..]], wrong);
    store(&jar, "http://a.test/", &["b=2; Max-Age=60"]);
    assert_eq!(sent(&jar, "http://a.test/"), "a=1; b=2");
    assert_eq!(jar.len(), 2);
}

// The API.

#[test]
fn get_returns_what_a_request_would_send_first() {
    let jar = jar("http://www.a.test/x/y", &["a=root; Path=/", "a=deep", "b=2; Domain=a.test; Path=/"]);
    assert_eq!(jar.get(&url("http://www.a.test/x/z"), "a").as_deref(), Some("deep"));
    assert_eq!(jar.get(&url("http://www.a.test/"), "a").as_deref(), Some("root"));
    assert_eq!(jar.get(&url("http://a.test/"), "a"), None);
    assert_eq!(jar.get(&url("http://a.test/"), "b").as_deref(), Some("2"));
    assert_eq!(jar.get(&url("http://www.a.test/"), "B"), None);
}

#[test]
fn remove_takes_away_all_that_get_could_find_and_nothing_else() {
    let jar = jar(
        "http://www.a.test/x/y",
        &["a=1; Path=/", "a=2", "a=3; Domain=a.test; Path=/", "a=4; Path=/q", "b=5"],
    );
    let here = url("http://www.a.test/x/");
    assert!(jar.remove(&here, "a"));
    assert_eq!(jar.get(&here, "a"), None);
    assert!(!jar.remove(&here, "a"));
    assert_eq!(sent(&jar, "http://www.a.test/x/"), "b=5");
    assert_eq!(sent(&jar, "http://www.a.test/q"), "a=4");
    assert!(!jar.remove(&url("ftp://www.a.test/"), "b"));
}

#[test]
fn set_follows_the_rules_for_responses() {
    let jar = CookieJar::new();
    let here = url("https://www.a.test/x/y");
    jar.set(&here, Cookie::new("host", "1")).unwrap();
    jar.set(&here, Cookie::build(("all", "2")).domain("a.test").path("/").secure(true).build()).unwrap();
    jar.set(&here, Cookie::new("", "bare")).unwrap();
    assert_eq!(sent(&jar, "https://www.a.test/x/z"), "host=1; bare; all=2");
    assert_eq!(sent(&jar, "https://a.test/x/z"), "all=2");
    assert_eq!(sent(&jar, "http://www.a.test/x/z"), "host=1; bare");
    jar.set(&here, Cookie::build(("host", "")).max_age(time::Duration::ZERO).build()).unwrap();
    assert_eq!(sent(&jar, "https://www.a.test/x/z"), "bare; all=2");
}

#[test]
fn a_max_age_that_is_set_begins_when_the_jar_next_learns_the_time() {
    let minute = || Cookie::build(("a", "1")).max_age(time::Duration::MINUTE).build();
    let jar = CookieJar::new();
    jar.set(&url("http://a.test/"), minute()).unwrap();
    assert_eq!(jar.get(&url("http://a.test/"), "a").as_deref(), Some("1"));
    assert_eq!(jar.iter().next().unwrap().max_age(), Some(time::Duration::MINUTE));
    assert_eq!(sent(&jar, "http://a.test/"), "a=1");
    assert_eq!(sent_at(&jar, "http://a.test/", now() + Duration::from_secs(59)), "a=1");
    assert_eq!(sent_at(&jar, "http://a.test/", now() + Duration::from_secs(60)), "");
    // The session has been idle for a day: the cookie is as good as one set before any request.
    jar.set(&url("http://a.test/"), minute()).unwrap();
    assert_eq!(sent_at(&jar, "http://a.test/", now() + DAY), "a=1");
    assert_eq!(sent_at(&jar, "http://a.test/", now() + DAY + Duration::from_secs(60)), "");
}

#[test]
fn expiry_is_judged_by_the_time_told_last() {
    let jar = jar("http://a.test/", &["a=1; Max-Age=60", "b=2"]);
    assert_eq!((jar.len(), jar.iter().count()), (2, 2));
    assert_eq!(jar.matching(&url("http://a.test/"), now() + Duration::from_secs(60)).len(), 1);
    assert_eq!((jar.len(), jar.iter().count()), (1, 1));
    assert_eq!(jar.get(&url("http://a.test/"), "a"), None);
}

#[test]
fn iter_shows_every_attribute_in_order_of_creation() {
    let jar = jar(
        "https://www.a.test/x/y",
        &["a=1", "b=2; Domain=a.test; Path=/; Secure; HttpOnly; Max-Age=60", "a=3"],
    );
    let all: Vec<_> = jar.iter().collect();
    assert_eq!(all.len(), 2);
    let (a, b) = (&all[0], &all[1]);
    assert_eq!((a.name(), a.value(), a.domain(), a.path()), ("a", "3", Some("www.a.test"), Some("/x")));
    assert_eq!((a.secure(), a.http_only(), a.expires()), (Some(false), Some(false), None));
    assert_eq!((b.name(), b.value(), b.domain(), b.path()), ("b", "2", Some("a.test"), Some("/")));
    assert_eq!((b.secure(), b.http_only()), (Some(true), Some(true)));
    assert_eq!(b.expires_datetime().unwrap().unix_timestamp(), 1_790_000_060);
}

#[test]
fn matching_lists_what_a_request_would_send() {
    let jar = jar("http://a.test/x/", &["a=1; Path=/", "b=2", "c=3; Path=/other"]);
    let names = |to: &str| {
        jar.matching(&url(to), now()).iter().map(|cookie| cookie.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("http://a.test/x/y"), ["b", "a"]);
    assert_eq!(names("http://b.test/"), [""; 0]);
}

#[test]
fn a_clone_is_the_same_jar_and_debug_shows_no_cookie() {
    let jar = CookieJar::default();
    let clone = jar.clone();
    store(&clone, "http://secret-host.test/", &["secret-name=secret-value; Path=/secret-path"]);
    assert_eq!(sent(&jar, "http://secret-host.test/secret-path"), "secret-name=secret-value");
    let shown = format!("{jar:?} {jar:#?}");
    assert!(shown.contains("cookies: 1") && !shown.contains("secret"), "{shown}");
}

#[test]
fn another_suffix_list_decides_on_canonical_names() {
    struct Only;
    impl SuffixList for Only {
        fn is_public_suffix(&self, domain: &str) -> bool {
            assert_eq!(domain, domain.to_ascii_lowercase().trim_matches('.'));
            domain == "shops.example"
        }
    }
    let jar = CookieJar::with_suffix_list(Only);
    store(&jar, "http://a.shops.example./", &["a=1; Domain=.SHOPS.example."]);
    assert!(jar.is_empty());
    store(&jar, "http://a.shops.example/", &["b=1; Domain=example", "c=1; Domain=A.shops.example"]);
    assert_eq!(sent(&jar, "http://z.example/"), "b=1");
    assert_eq!(sent(&jar, "http://z.a.shops.example/"), "b=1; c=1");
}

#[test]
fn a_cookie_of_one_minute_by_date_ends_after_that_minute() {
    let jar = jar("https://example.com/", &["a=1; Expires=Mon, 21 Sep 2026 14:14:20 GMT"]);
    assert_eq!(sent_at(&jar, "https://example.com/", now() + Duration::from_secs(59)), "a=1");
    assert_eq!(sent_at(&jar, "https://example.com/", now() + Duration::from_secs(60)), "");
}
