//! The jar by names alone, as Python programs use theirs.

use std::collections::BTreeMap;
use std::time::Duration;

use cookie::Cookie;
use session::{CookieError, CookieJar, SuffixList};

use super::{jar, now, sent, sent_at, store, url};

fn three() -> CookieJar {
    let jar = jar("http://www.a.test/x/y", &["sid=1; Path=/", "sid=2", "lang=en; Domain=a.test; Path=/"]);
    store(&jar, "http://b.test/", &["sid=3"]);
    jar
}

#[test]
fn c_1_a_value_is_found_by_name_and_several_are_a_conflict() {
    let jar = three();
    assert_eq!(jar.value("lang"), Ok(Some("en".to_owned())));
    assert_eq!(jar.value("none"), Ok(None));
    assert_eq!(jar.value("Lang"), Ok(None));
    assert_eq!(jar.value("sid"), Err(CookieError::Conflict));
    for (domain, path, found) in [
        (Some("b.test"), None, Ok(Some("3"))),
        (Some(".B.test"), None, Ok(Some("3"))),
        (Some("www.a.test"), None, Err(CookieError::Conflict)),
        (Some("www.a.test"), Some("/"), Ok(Some("1"))),
        (None, Some("/x"), Ok(Some("2"))),
        (Some("a.test"), None, Ok(None)),
        (Some("no domain at all"), None, Ok(None)),
        (Some(""), None, Ok(None)),
        (None, Some("/x/"), Ok(None)),
    ] {
        let got = jar.value_at("sid", domain, path);
        assert_eq!(got, found.map(|value| value.map(str::to_owned)), "{domain:?} {path:?}");
    }
}

#[test]
fn c_1_removing_by_name_takes_all_that_were_meant_and_the_next_header_knows() {
    let jar = three();
    assert_eq!(sent(&jar, "http://www.a.test/x/"), "sid=2; sid=1; lang=en");
    assert_eq!(jar.remove_named("sid", Some("www.a.test"), Some("/")), 1);
    assert_eq!(sent(&jar, "http://www.a.test/x/"), "sid=2; lang=en");
    assert_eq!(jar.remove_named("sid", None, None), 2);
    assert_eq!(jar.remove_named("sid", None, None), 0);
    assert_eq!(
        (sent(&jar, "http://www.a.test/x/"), sent(&jar, "http://b.test/")),
        ("lang=en".into(), "".into())
    );
}

#[test]
fn c_1_domains_paths_and_maps_are_listed() {
    let jar = three();
    assert_eq!(jar.list_domains(), ["www.a.test", "a.test", "b.test"]);
    assert_eq!(jar.list_paths(), ["/", "/x"]);
    let map = |domain, path| {
        let pairs: Vec<String> =
            jar.to_map(domain, path).iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" ")
    };
    assert_eq!(map(None, None), "lang=en sid=3");
    assert_eq!(map(Some("www.a.test"), None), "sid=2");
    assert_eq!(map(Some("www.a.test"), Some("/")), "sid=1");
    assert_eq!(jar.to_map(Some("c.test"), None), BTreeMap::new());
    let names: Vec<String> = (&jar).into_iter().map(|cookie| cookie.name().to_owned()).collect();
    assert_eq!(names, ["sid", "sid", "lang", "sid"]);
}

#[test]
fn c_1_a_jar_takes_over_another_and_a_copy_goes_its_own_way() {
    let jar = three();
    let other = self::jar("http://b.test/", &["sid=other", "new=1; Max-Age=60"]);
    let before = jar.copy();
    jar.update(&other);
    jar.update(&jar.clone());
    assert_eq!(sent(&jar, "http://b.test/"), "sid=other; new=1");
    assert_eq!(sent(&before, "http://b.test/"), "sid=3");
    assert_eq!(sent(&before, "http://www.a.test/x/"), sent(&jar, "http://www.a.test/x/"));
    // What was for one host still is.
    assert_eq!(sent(&before, "http://sub.b.test/") + &sent(&before, "http://sub.www.a.test/"), "lang=en");
    let later = now() + Duration::from_secs(60);
    assert_eq!(sent_at(&jar, "http://b.test/", later), "sid=other");
    assert_eq!(other.len(), 2);
}

#[test]
fn what_has_expired_deletes_nothing_when_jars_are_joined() {
    let (old, jar) = (jar("http://a.test/", &["a=old; Max-Age=10"]), jar("http://a.test/", &["a=1"]));
    jar.clear_expired(now() + Duration::from_secs(10));
    jar.update(&old);
    assert_eq!(sent_at(&jar, "http://a.test/", now()), "a=1");
}

#[test]
fn c_3_a_cookie_is_inserted_for_its_domain_and_everything_below() {
    let jar = CookieJar::new();
    jar.insert(Cookie::build(("a", "1")).domain("Example.COM").build()).unwrap();
    jar.insert(Cookie::build(("b", "2")).domain(".example.com").path("/x").secure(true).build()).unwrap();
    jar.insert(Cookie::build(("local", "3")).domain("localhost").build()).unwrap();
    jar.insert(Cookie::build(("ip", "4")).domain("::1").build()).unwrap();
    jar.insert(Cookie::build(("idn", "5")).domain("bücher.example").build()).unwrap();
    assert_eq!(sent(&jar, "https://example.com/x"), "b=2; a=1");
    assert_eq!(sent(&jar, "http://www.example.com/x"), "a=1");
    assert_eq!(sent(&jar, "http://localhost:8080/"), "local=3");
    assert_eq!(sent(&jar, "http://x.localhost/"), "");
    assert_eq!(sent(&jar, "http://[::1]/"), "ip=4");
    assert_eq!(sent(&jar, "http://xn--bcher-kva.example/"), "idn=5");
}

#[test]
fn d_10_a_cookie_for_no_domain_is_refused_instead_of_being_sent_to_everybody() {
    let jar = CookieJar::new();
    for domain in
        [None, Some(""), Some("."), Some(".."), Some("a b"), Some("a/b"), Some("user@a.test"), Some("a:80")]
    {
        let mut cookie = Cookie::new("a", "1");
        if let Some(domain) = domain {
            cookie.set_domain(domain);
        }
        assert_eq!(jar.insert(cookie), Err(CookieError::Domain), "{domain:?}");
    }
    assert!(jar.is_empty());
}

#[test]
fn many_are_inserted_or_none() {
    let jar = CookieJar::new();
    let cookie = |name: &'static str| Cookie::build((name, "1")).domain("a.test").build();
    assert_eq!(jar.extend([cookie("a"), cookie("b;"), cookie("c")]), Err(CookieError::Octet));
    assert!(jar.is_empty());
    jar.extend([cookie("a"), cookie("c")]).unwrap();
    assert_eq!(sent(&jar, "http://a.test/"), "a=1; c=1");
    assert_eq!(jar.insert(cookie("__Host-x")), Err(CookieError::Prefix));
}

#[test]
fn what_has_expired_and_what_has_no_end_can_be_cleared() {
    let jar = jar("http://a.test/", &["a=1", "b=2; Max-Age=60", "c=3; Max-Age=90"]);
    jar.clear_expired(now() + Duration::from_secs(60));
    assert_eq!(jar.len(), 2);
    jar.clear_session_cookies();
    assert_eq!(sent(&jar, "http://a.test/"), "c=3");
    jar.set(&url("http://a.test/"), Cookie::build(("d", "4")).max_age(time::Duration::MINUTE).build())
        .unwrap();
    jar.clear_expired(now());
    assert_eq!(sent_at(&jar, "http://a.test/", now() + Duration::from_secs(60)), "c=3");
}

#[test]
fn c_6_a_public_suffix_is_refused_also_where_jars_meet() {
    struct Everything;
    impl SuffixList for Everything {
        fn is_public_suffix(&self, _: &str) -> bool {
            true
        }
    }
    let lax = jar("http://www.a.test/", &["wide=1; Domain=a.test", "own=2"]);
    let strict = CookieJar::with_suffix_list(Everything);
    strict.update(&lax);
    assert_eq!(sent(&strict, "http://www.a.test/"), "own=2");
    // At that very host it may stay, as the RFC has it.
    assert_eq!(sent(&strict, "http://a.test/"), "wide=1");
}
