//! Every bound of the jar, at its value and one past it.

use std::time::Duration;

use cookie::Cookie;
use session::{CookieError, CookieJar};

use super::{DAY, jar, now, sent, sent_at, store, url};

#[test]
fn a_pair_has_at_most_4096_octets() {
    for (octets, kept) in [(4_096, true), (4_097, false)] {
        let value = "v".repeat(octets - 1);
        assert_eq!(!jar("http://a.test/", &[&format!("a={value}")]).is_empty(), kept);
        let set = CookieJar::new().set(&url("http://a.test/"), Cookie::new("a", value));
        assert_eq!(set, if kept { Ok(()) } else { Err(CookieError::TooLong) });
    }
}

#[test]
fn a_path_has_at_most_1024_octets_the_default_one_too() {
    for (octets, kept) in [(1_024, true), (1_025, false)] {
        let from = format!("http://a.test/{}/x", "p".repeat(octets - 1));
        let jar = jar(&from, &["a=v"]);
        assert_eq!(jar.len(), usize::from(kept));
        assert_eq!(jar.copy().len(), jar.len(), "what a jar takes, its copy has");
        let set = CookieJar::new().set(&url(&from), Cookie::new("a", "v"));
        assert_eq!(set, if kept { Ok(()) } else { Err(CookieError::TooLong) });
    }
}

#[test]
fn a_host_has_at_most_1024_octets() {
    for (octets, kept) in [(1_024, true), (1_025, false)] {
        let jar = jar(&format!("http://{}/", "x".repeat(octets)), &["a=v"]);
        assert_eq!((jar.len(), jar.copy().len()), (usize::from(kept), usize::from(kept)));
    }
}

#[test]
fn a_host_that_begins_with_a_dot_has_no_cookies_which_would_be_another_hosts_in_a_file() {
    for host in ["http://.a.test/", "http://./", "http://..a.test/"] {
        assert!(jar(host, &["a=v"]).is_empty(), "{host}");
        assert_eq!(CookieJar::new().set(&url(host), Cookie::new("a", "v")), Err(CookieError::Domain));
    }
}

#[test]
fn whatever_a_url_is_made_of_a_copy_and_a_file_have_its_cookies() {
    for host in [
        "http://a.test/app;jsessionid=1/x",
        "http://a.test/b'\"=,/",
        "http://;/",
        "http://a,b.test/",
        "http://a..test/",
        "http://a.test./",
        "http://[::1]/",
    ] {
        let (jar, mut file) = (jar(host, &["a=v"]), Vec::new());
        jar.write_netscape(&mut file).unwrap();
        let read = CookieJar::new();
        assert_eq!((jar.copy().len(), read.read_netscape(&*file).unwrap().stored()), (1, 1), "{host}");
        assert_eq!(sent(&read, host), "a=v");
    }
}

#[test]
fn a_domain_has_at_most_180_cookies_and_loses_the_one_unused_for_longest() {
    let jar = CookieJar::new();
    for n in 0..180 {
        store(&jar, "http://a.test/", &[&format!("c{n}=v; Path=/{n}")]);
    }
    assert_eq!(jar.len(), 180);
    // All but the third are used, the first so long ago that its header is no longer remembered.
    for n in [0, 0, 1, 1, 3, 4, 5, 6, 7, 8, 9, 1] {
        assert_eq!(sent(&jar, &format!("http://a.test/{n}")), format!("c{n}=v"));
    }
    store(&jar, "http://a.test/", &["new=v; Path=/new"]);
    assert_eq!(jar.len(), 180);
    assert_eq!(sent(&jar, "http://a.test/0"), "c0=v");
    assert_eq!(sent(&jar, "http://a.test/1"), "c1=v");
    assert_eq!(sent(&jar, "http://a.test/2"), "");
    assert_eq!(sent(&jar, "http://a.test/new"), "new=v");
}

#[test]
fn a_full_domain_loses_what_has_expired_then_what_is_not_secure() {
    let jar = CookieJar::new();
    store(&jar, "https://a.test/", &["first=v; Secure", "second=v"]);
    for n in 0..177 {
        store(&jar, "https://a.test/", &[&format!("c{n}=v; Secure")]);
    }
    store(&jar, "https://a.test/", &["short=v; Max-Age=10; Secure"]);
    assert_eq!(jar.len(), 180);
    let later = now() + Duration::from_secs(10);
    jar.store_response(&url("https://a.test/"), [&b"new1=v; Secure"[..]], later);
    let kept = |name: &str| jar.iter().any(|cookie| cookie.name() == name);
    assert!(kept("second") && !kept("short"));
    jar.store_response(&url("https://a.test/"), [&b"new2=v; Secure"[..]], later);
    assert!(kept("first") && !kept("second") && kept("new2"));
    assert_eq!(jar.len(), 180);
}

#[test]
fn a_jar_has_at_most_3000_cookies_and_loses_the_one_unused_for_longest() {
    let jar = CookieJar::new();
    for n in 0..3_000 {
        store(&jar, &format!("http://h{n}.test/"), &["a=1"]);
    }
    assert_eq!(jar.len(), 3_000);
    assert_eq!(sent(&jar, "http://h0.test/"), "a=1");
    store(&jar, "http://more.test/", &["a=1"]);
    assert_eq!(jar.len(), 3_000);
    assert_eq!(sent(&jar, "http://h0.test/"), "a=1");
    assert_eq!(sent(&jar, "http://h1.test/"), "");
    assert_eq!(sent(&jar, "http://more.test/"), "a=1");
}

#[test]
fn a_request_carries_at_most_150_cookies() {
    let jar = CookieJar::new();
    for n in 0..150 {
        store(&jar, "http://a.test/", &[&format!("c{n}=v")]);
    }
    assert_eq!(count(&sent(&jar, "http://a.test/")), 150);
    store(&jar, "http://a.test/", &["new=v; Path=/x"]);
    let line = sent(&jar, "http://a.test/x");
    assert_eq!(count(&line), 150);
    assert!(line.starts_with("new=v; ") && !line.contains("c0=v"), "{line}");
    assert_eq!(count(&sent(&jar, "http://a.test/y")), 150);
}

#[test]
fn a_cookie_line_has_at_most_8190_octets() {
    let rest = "Cookie: a=; b=; c=".len() + 4_000 + 4_000;
    for (octets, cookies) in [(8_190, 3), (8_191, 2)] {
        let jar = CookieJar::new();
        for (name, length) in [("a", octets - rest), ("b", 4_000), ("c", 4_000)] {
            store(&jar, "http://a.test/", &[&format!("{name}={}", "v".repeat(length))]);
        }
        let line = sent(&jar, "http://a.test/");
        assert_eq!(count(&line), cookies);
        assert_eq!("Cookie: ".len() + line.len() == 8_190, cookies == 3);
        assert_eq!(line.contains("a="), cookies == 3, "the one unused for longest stays behind");
    }
}

#[test]
fn no_cookie_lives_longer_than_400_days() {
    let far = "Fri, 07 Aug 2099 08:04:19 GMT";
    for attribute in ["Max-Age=99999999999999999999".to_owned(), format!("Expires={far}")] {
        let jar = jar("http://a.test/", &[&format!("a=1; {attribute}")]);
        assert_eq!(sent_at(&jar, "http://a.test/", now() + 400 * DAY - Duration::from_secs(1)), "a=1");
        assert_eq!(sent_at(&jar, "http://a.test/", now() + 400 * DAY), "");
    }
    let jar = CookieJar::new();
    let date = time::OffsetDateTime::from(now() + 4_000 * DAY);
    jar.set(&url("http://a.test/"), Cookie::build(("a", "1")).expires(date).build()).unwrap();
    assert_eq!(sent(&jar, "http://a.test/"), "a=1");
    assert_eq!(sent_at(&jar, "http://a.test/", now() + 400 * DAY), "");
}

/// Cookies in a header.
fn count(header: &str) -> usize {
    header.split("; ").filter(|pair| !pair.is_empty()).count()
}
