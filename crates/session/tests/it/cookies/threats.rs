//! The known attacks on cookie jars, by their numbers in the threat catalogue.

#[cfg(feature = "psl")]
use std::net::IpAddr;

use cookie::Cookie;
use proptest::prelude::*;
use session::{CookieError, CookieJar};

use super::{jar, now, sent, store, url};

#[test]
fn ck_1_an_address_is_no_domain_with_parents() {
    for (host, part) in [
        ("http://127.0.0.1/", "0.0.1"),
        ("http://192.168.0.1/", ".168.0.1"),
        ("http://127.0.0.1/", "127.0.0.2"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]/", "7f00:1]"),
    ] {
        assert!(jar(host, &[&format!("a=1; Domain={part}")]).is_empty(), "{host} {part}");
    }
    for (host, whole, others) in [
        ("http://127.0.0.1/", "127.0.0.1", ["http://127.0.0.2/", "http://1/"]),
        ("http://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]", ["http://127.0.0.1/", "http://[::1]/"]),
    ] {
        let jar = jar(host, &[&format!("a=1; Domain={whole}"), "b=2"]);
        assert_eq!(sent(&jar, host), "a=1; b=2");
        for other in others {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
    }
}

#[cfg(feature = "psl")]
#[test]
fn ck_2_a_public_suffix_is_refused_with_and_without_final_dot() {
    for host in ["http://a.co.uk/", "http://a.co.uk./"] {
        for domain in ["co.uk", "co.uk.", ".co.uk.", "uk", "uk.", ".", "co.uk..", "..co.uk"] {
            let jar = jar(host, &[&format!("a=1; Domain={domain}")]);
            assert!(jar.is_empty(), "{host} {domain}");
            assert_eq!(sent(&jar, "http://b.co.uk/") + &sent(&jar, "http://b.co.uk./"), "");
        }
    }
}

#[test]
fn ck_2_a_final_dot_makes_another_host_that_may_set_for_its_own_parents() {
    let jar = jar("http://www.a.test./", &["a=1; Domain=a.test.", "b=2; Domain=a.test"]);
    assert_eq!(sent(&jar, "http://www.a.test./"), "a=1");
    assert_eq!(sent(&jar, "http://b.a.test./"), "a=1");
    assert_eq!(sent(&jar, "http://www.a.test/"), "");
}

#[test]
fn ck_2_an_empty_label_makes_no_new_domain() {
    for domain in [".a.test", "..a.test", "..test", "...test", "test"] {
        for host in ["http://x..a.test/", "http://x..test/", "http://x.a..test/"] {
            let jar = jar(host, &[&format!("a=1; Domain={domain}")]);
            assert!(jar.iter().all(|cookie| cookie.domain() == Some("a.test")), "{host} {domain}");
        }
    }
}

#[cfg(feature = "psl")]
#[test]
fn ck_3_letter_case_does_not_hide_a_public_suffix() {
    for domain in ["co.UK", "CO.uk", ".Co.Uk"] {
        assert!(jar("http://curl.co.uk/", &[&format!("a=1; Domain={domain}")]).is_empty(), "{domain}");
    }
    let jar = jar("http://www.curl.co.uk/", &["a=1; Domain=CURL.co.UK"]);
    assert_eq!(sent(&jar, "http://doc.curl.co.uk/"), "a=1");
}

#[test]
fn ck_4_a_domain_of_dots_or_nothing_reaches_no_other_host() {
    for domain in [".", "..", "", "...", ". ."] {
        for host in ["http://setter.test/", "http://setter.test./"] {
            let jar = jar(host, &[&format!("a=1; Domain={domain}")]);
            for other in
                ["http://other.test/", "http://sub.setter.test/", "http://sub.setter.test./", "http://test/"]
            {
                assert_eq!(sent(&jar, other), "", "{domain:?} from {host} to {other}");
            }
        }
    }
    assert_eq!(sent(&jar("http://setter.test/", &["a=1; Domain="]), "http://setter.test/"), "a=1");
}

#[test]
fn ck_5_a_stranger_cannot_set_a_cookie() {
    for domain in [
        "good.test",
        ".good.test",
        "www.good.test",
        "l.test",
        "vil.test",
        "sub.evil.test",
        "evil.test.good.test",
    ] {
        let jar = jar("http://evil.test/", &[&format!("a=1; Domain={domain}")]);
        assert!(jar.is_empty(), "{domain}");
    }
}

/// Hosts that are strangers, parents and children of each other, and addresses that look like parts of others.
#[cfg(feature = "psl")]
const HOSTS: [&str; 22] = [
    "a.co.uk",
    "b.co.uk",
    "x.a.co.uk",
    "co.uk",
    "uk",
    "a.co.uk.",
    "x.a.co.uk.",
    "co.uk.",
    "a.test",
    "x.a.test",
    "y.x.a.test",
    "xa.test",
    "a.test.",
    "test",
    "a.github.io",
    "b.github.io",
    "github.io",
    "127.0.0.1",
    "127.0.0.2",
    "0.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
];

#[cfg(feature = "psl")]
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    /// What a host sets reaches itself, and others only below a domain that both are of and that is nobody's suffix.
    #[test]
    fn ck_1_to_ck_5_what_a_host_sets_reaches_only_what_is_below_a_domain_of_its_own(
        setter in proptest::sample::select(&HOSTS[..]),
        named in proptest::sample::select(&HOSTS[..]),
        skipped in 0..4_usize,
        before in "[ .\t]{0,3}",
        after in "[ .\t]{0,3}",
        shout in any::<bool>(),
        secure in any::<bool>(),
    ) {
        let start = named.match_indices('.').map(|(at, _)| at).nth(skipped).unwrap_or(0);
        let named = if shout { named[start..].to_uppercase() } else { named[start..].to_owned() };
        let attribute = format!("{before}{named}{after}");
        let scheme = if secure { "https" } else { "http" };
        let jar = jar(&format!("{scheme}://{setter}/"), &[&format!("a=1; Domain={attribute}")]);
        let domain = attribute.trim_matches([' ', '\t']).to_ascii_lowercase();
        let domain = domain.strip_prefix('.').unwrap_or(&domain);
        let is_suffix = ["uk", "co.uk", "test", "io", "github.io"].contains(&domain.trim_end_matches('.'));
        let is_domain = !domain.is_empty() && !is_suffix;
        // An address is below nothing.
        let is_name = |host: &str| !host.starts_with('[') && host.parse::<IpAddr>().is_err();
        let is_of = |host: &str| {
            let below = host.strip_suffix(domain).is_some_and(|labels| labels.is_empty() || labels.ends_with('.'));
            below && is_name(host)
        };
        for host in HOSTS {
            let reached = sent(&jar, &format!("{scheme}://{host}/")) == "a=1";
            let may = host == setter || is_domain && is_of(host) && is_of(setter);
            prop_assert!(!reached || may, "{setter} set Domain={attribute:?}, and {host} is sent it");
            // And what may be shared is.
            let plain = is_domain && is_of(setter) && !domain.starts_with('.') && !domain.ends_with("..");
            prop_assert!(reached || !(plain && is_of(host)), "{setter} set Domain={attribute:?}, and {host} lacks it");
        }
    }
}

#[test]
fn ck_7_fifty_cookies_of_one_response_are_taken() {
    let fields: Vec<_> = (0..100).map(|n| format!("c{n}=v")).collect();
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    for (given, taken) in [(50, 50), (51, 50), (100, 50)] {
        assert_eq!(jar("http://site.test/", &fields[..given]).len(), taken);
    }
    // What is refused has not been taken.
    let refused = ["", "=", "x=1; Secure", "x=1; Domain=other.test"];
    let mixed: Vec<_> = refused.iter().cycle().take(60).chain(&fields[..50]).copied().collect();
    assert_eq!(jar("http://site.test/", &mixed).len(), 50);
}

#[test]
fn ck_7_a_flood_leaves_a_bounded_jar_and_a_bounded_line() {
    let jar = CookieJar::new();
    let big = "v".repeat(4_000);
    for response in 0..700 {
        let fields: Vec<_> = (0..14).map(|n| format!("r{response}n{n}={big}; Domain=site.test")).collect();
        jar.store_response(&url("http://www.site.test/"), fields.iter().map(String::as_bytes), now());
    }
    assert_eq!(jar.len(), 180);
    let line = sent(&jar, "http://www.site.test/");
    assert!(!line.is_empty() && "Cookie: ".len() + line.len() <= 8_190);
}

#[test]
fn ck_8_values_are_opaque_and_come_back_as_they_are() {
    let jar =
        jar("http://a.test/", &["a=%0d%0aX:%20y", "q=\"a b\"", "z=a=b=c", "s=\\\"x\\\"", "u=+%u00e9,é"]);
    assert_eq!(sent(&jar, "http://a.test/"), "a=%0d%0aX:%20y; q=\"a b\"; z=a=b=c; s=\\\"x\\\"; u=+%u00e9,é");
    let octets = b"n\xff=\x80\xfe";
    jar.clear();
    jar.store_response(&url("http://a.test/"), [&octets[..]], now());
    assert_eq!(jar.header_for(&url("http://a.test/"), now()).unwrap(), octets);
    assert_eq!(jar.iter().next().unwrap().value(), "\u{fffd}\u{fffd}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a program sets is refused or read back, by the rules of the receiving side, as the same pair.
    #[test]
    fn ck_10_a_cookie_that_is_set_is_sent_as_that_one_pair(
        name in "[a-z=; \t\r\n\u{0}\u{7f},\"é_]{0,4}",
        value in "[a-z=; \t\r\n\u{0}\u{7f},\"é]{0,4}",
        domain in proptest::option::of("(a\\.test|\\.a\\.test|[a.;\r\n\t ]{0,5})"),
        path in proptest::option::of("(/|/[a;\r\n\t ]{0,3}|[a/;\n]{0,3})"),
    ) {
        let jar = CookieJar::new();
        let mut cookie = Cookie::new(name.clone(), value.clone());
        if let Some(domain) = &domain {
            cookie.set_domain(domain.clone());
        }
        if let Some(path) = &path {
            cookie.set_path(path.clone());
        }
        let outcome = jar.set(&url("http://a.test/aa"), cookie.clone());
        prop_assert_eq!(outcome.is_ok(), jar.len() == 1);
        // The other entrance, for cookies that have a domain.
        let inserted = CookieJar::new();
        let taken = inserted.insert(cookie).is_ok();
        prop_assert_eq!(taken, inserted.len() == 1);
        if domain.as_deref().is_some_and(|domain| domain.trim_start_matches('.') == "a.test") {
            prop_assert_eq!(taken, outcome.is_ok());
        }
        if let Some(stored) = inserted.iter().next() {
            prop_assert_eq!(stored.name_value(), (name.as_str(), value.as_str()));
            prop_assert_eq!(stored.to_string().split(';').count(), 3, "{}", stored);
            let to = format!("http://{}{}", stored.domain().unwrap(), stored.path().unwrap());
            prop_assert_eq!((inserted.copy().len(), sent(&inserted.copy(), &to)), (1, sent(&inserted, &to)));
        }
        if let Some(stored) = jar.iter().next() {
            prop_assert_eq!(stored.path(), path.as_deref().filter(|path| !path.is_empty()).or(Some("/")));
            prop_assert_eq!(stored.domain(), Some("a.test"));
            prop_assert!(!stored.to_string().contains(['\r', '\n', '\0']));
            prop_assert_eq!(stored.to_string().split(';').count(), 3, "{}", stored);
            if stored.path().is_some_and(|path| path.contains([' ', '\t'])) {
                return Ok(()); // No URL has such a path.
            }
            let line = sent(&jar, &format!("http://a.test{}", stored.path().unwrap()));
            let mut pairs = line.split(';').map(|pair| pair.trim_matches([' ', '\t']));
            let pair = pairs.next().unwrap();
            prop_assert_eq!(pair.split_once('=').unwrap_or(("", pair)), (name.as_str(), value.as_str()));
            prop_assert_eq!(pairs.next(), None);
        }
    }

    /// No octets make the parser panic or let anything through that would end a line.
    #[test]
    fn ck_10_no_response_can_forge_a_line(fields in proptest::collection::vec(
        proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"=; \tPathDomain-.1"[..])], 0..40), 0..4,
    )) {
        let jar = CookieJar::new();
        jar.store_response(&url("https://a.test/b/c"), fields.iter().map(Vec::as_slice), now());
        if let Some(line) = jar.header_for(&url("https://a.test/b/c"), now()) {
            prop_assert!(!line.iter().any(|octet| octet.is_ascii_control() && *octet != b'\t'));
        }
    }
}

#[test]
fn ck_10_set_names_the_rule_it_refuses_by() {
    let jar = CookieJar::new();
    let long = "v".repeat(4_096);
    let deep = "/".repeat(1_025);
    let cases: [(&str, Cookie<'_>, CookieError); 19] = [
        ("ftp://a.test/", Cookie::new("a", "1"), CookieError::Url),
        ("http://a.test/", Cookie::new("", ""), CookieError::Empty),
        ("http://a.test/", Cookie::new("a;b", "1"), CookieError::Octet),
        ("http://a.test/", Cookie::new("a=b", "1"), CookieError::Octet),
        ("http://a.test/", Cookie::new("", "b=1"), CookieError::Octet),
        ("http://a.test/", Cookie::new("a", "1\r\nX: y"), CookieError::Octet),
        ("http://a.test/", Cookie::new("a", " 1"), CookieError::Octet),
        ("http://a.test/", Cookie::build(("a", "1")).path("/;Domain=b").build(), CookieError::Octet),
        ("http://a.test/", Cookie::build(("a", "1")).domain("a.test;Path=/").build(), CookieError::Octet),
        ("http://a.test/", Cookie::new("a", &long), CookieError::TooLong),
        ("http://a.test/", Cookie::build(("a", "1")).path(&deep).build(), CookieError::TooLong),
        ("http://a.test/", Cookie::build(("a", "1")).domain("b.test").build(), CookieError::Domain),
        ("http://a.test/", Cookie::build(("a", "1")).domain("test").build(), CookieError::PublicSuffix),
        ("http://a.test/", Cookie::build(("a", "1")).path("x").build(), CookieError::Path),
        ("http://a.test/", Cookie::build(("a", "1")).path("/x ").build(), CookieError::Path),
        ("http://a.test/", Cookie::build(("a", "1")).secure(true).build(), CookieError::Secure),
        ("http://a.test/", Cookie::new("__Secure-a", "1"), CookieError::Prefix),
        ("https://a.test/", Cookie::build(("__host-a", "1")).secure(true).build(), CookieError::Prefix),
        ("https://a.test/", Cookie::new("", "__Host-a"), CookieError::Prefix),
    ];
    for (from, cookie, error) in cases {
        assert_eq!(jar.set(&url(from), cookie.clone()), Err(error), "{cookie}");
    }
    assert!(jar.is_empty());
    store(&jar, "https://a.test/", &["a=1; Secure; Path=/"]);
    assert_eq!(jar.set(&url("http://a.test/"), Cookie::new("a", "2")), Err(CookieError::OverlaysSecure));
}

#[test]
fn cpu_3_a_hostile_date_needs_no_stack() {
    let hostile = || {
        for filler in ["(", "1-Jan-", "((1"] {
            let field = format!("a=1; Expires={}", filler.repeat(65_536 / filler.len()));
            assert_eq!(sent(&jar("http://a.test/", &[&field]), "http://a.test/"), "a=1");
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(hostile).unwrap().join().unwrap();
}

#[test]
fn cpu_3_a_hostile_date_is_no_date() {
    for date in ["1-Jan-", "(((((", "Sat, 15-Apr-", "0:0:0 1 jan "] {
        for filler in [" ", "9", "(", ":", "1 "] {
            let field = format!("a=1; Expires={date}{}", filler.repeat(65_536));
            assert_eq!(sent(&jar("http://a.test/", &[&field]), "http://a.test/"), "a=1");
            let near = format!("a=1; Expires={date}{}", filler.repeat(400));
            let jar = jar("http://a.test/", &[&near]);
            assert_eq!(jar.iter().next().unwrap().expires(), None, "{date}{filler}");
        }
    }
}
