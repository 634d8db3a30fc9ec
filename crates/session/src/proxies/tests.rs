//! What is chosen for which URL, as tables.

use super::*;
use crate::error::ErrorKind;

/// What is used for this origin: nothing said (`-`), `direct`, the proxy, or `malformed`.
fn via(proxies: &Proxies, origin: &str) -> String {
    proxies.choose(&origin.parse().unwrap()).map_or("-".to_owned(), |choice| format!("{choice:?}"))
}

#[test]
fn x_1_the_keys_are_tried_from_the_closest_to_the_widest() {
    let keys = ["http://some.host", "http", "all://some.host", "all"];
    for start in 0..keys.len() {
        // In any order of setting them.
        for reversed in [false, true] {
            let mut pairs: Vec<(&str, String)> = keys[start..]
                .iter()
                .enumerate()
                .map(|(i, key)| (*key, format!("http://p{}", start + i)))
                .collect();
            if reversed {
                pairs.reverse();
            }
            let proxies = Proxies::from_pairs(pairs).unwrap();
            assert_eq!(via(&proxies, "http://some.host:8080"), format!("http://p{start}:80"));
            assert_eq!(via(&proxies, "http://SOME.host."), format!("http://p{start}:80"));
            let other = if start <= 1 { 1 } else { 3 };
            assert_eq!(via(&proxies, "http://other.host"), format!("http://p{other}:80"));
            let https = if start <= 2 { 2 } else { 3 };
            assert_eq!(via(&proxies, "https://some.host"), format!("http://p{https}:80"));
        }
    }
    let six = Proxies::new().set("https://[2001:DB8::1]", "p").unwrap();
    assert_eq!(via(&six, "https://[2001:db8:0::1]"), "http://p:80");
    assert_eq!(via(&six, "https://[2001:db8::2]"), "-");
}

#[test]
fn x_1_a_proxy_without_scheme_is_http_and_each_scheme_has_its_port() {
    for (text, shown) in [
        ("p.example:3128", "http://p.example:3128"),
        ("P.example", "http://p.example:80"),
        ("http://p.example/", "http://p.example:80"),
        ("HTTPS://p.example", "https://p.example:443"),
        ("https://p.example:80", "https://p.example:80"),
        ("socks5://P.example", "socks5://p.example:1080"),
        ("socks5://p.example:80", "socks5://p.example:80"),
        ("socks5h://[::1]:9050", "socks5h://[::1]:9050"),
        (" u:p@10.0.0.1:8080 ", "http://10.0.0.1:8080"),
    ] {
        assert_eq!(via(&Proxies::all(text).unwrap(), "https://a"), shown, "{text}");
    }
}

#[test]
fn x_5_userinfo_is_sent_in_the_charset_of_basic_elsewhere() {
    for (userinfo, value) in [
        ("%C3%BCser:p%C3%A4ss", "Basic /HNlcjpw5HNz"),
        ("\u{fc}ser:p\u{e4}ss", "Basic /HNlcjpw5HNz"),
        ("%FCser:p%E4ss", "Basic /HNlcjpw5HNz"),
        ("%C3%BC:%E2%82%AC", "Basic w7w64oKs"),
        ("u:p%3A%2F%40", "Basic dTpwOi9A"),
        ("u", "Basic dTo="),
        ("u:", "Basic dTo="),
        (":p", "Basic OnA="),
    ] {
        for scheme in ["http", "https"] {
            let proxies = Proxies::all(format!("{scheme}://{userinfo}@p.example")).unwrap();
            let Some(Choice::Via(proxy)) = proxies.choose(&"https://a".parse().unwrap()) else {
                panic!("{userinfo}")
            };
            assert_eq!(proxy.authorization(), Some(value), "{userinfo}");
        }
    }
}

#[test]
fn x_1_and_x_7_what_names_no_proxy_is_an_error_that_says_why_and_shows_no_password() {
    for (text, needle) in [
        ("http://", "has no host"),
        ("http://u:s3cret@", "has no host"),
        ("http://u:s3cret@:3128", "has no host"),
        ("http:///p.example:8080", "has no host"),
        ("https://", "has no host"),
        ("http://:8080", "has no host"),
        ("http:/p.example:3128", "behind host and port"),
        ("http://u:s3/cret@p.example", "port"),
        ("http://u:1/s3cret@p.example", "behind host and port"),
        ("http://p.example:65536", "port"),
        ("http://p.example?s3cret", "behind host and port"),
        ("socks4://u:s3cret@p.example", "SOCKS 4"),
        ("socks4a://p.example", "SOCKS 4"),
        ("ftp://u:s3cret@p.example", "none of http, https, socks5 and socks5h"),
        ("http://p .example", "space"),
        ("http://p\r\n.example", "control character"),
        ("http://a:b%3As3cret@p:x", "port"),
    ] {
        let error = Proxies::all(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{text}");
        assert!(error.to_string().contains(needle), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    for key in ["ftp", "htpp", "", "http://", "http://a:80", "http://u:s3cret@a", "https://a/b"] {
        let error = Proxies::new().set(key, "p").unwrap_err();
        assert!(error.to_string().contains("keys"), "{key}: {error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    let error = Proxies::new().no_proxy("a.example, 10.0.0.0/33").unwrap_err();
    assert!(error.to_string().contains("10.0.0.0/33"), "{error}");
}

#[test]
fn m_9_the_nearest_layer_that_says_something_about_a_url_decides() {
    let p = |pairs: &[(&str, &str)]| Proxies::from_pairs(pairs.iter().copied()).unwrap();
    let environment = p(&[("http", "env"), ("https", "env")]);
    for (request, session, http, https) in [
        (&[][..], &[][..], "http://env:80", "http://env:80"),
        (&[], &[("http", "session")], "http://session:80", "http://env:80"),
        (&[], &[("all", "session")], "http://session:80", "http://session:80"),
        (&[("all", "request")], &[("http://a", "session")], "http://request:80", "http://request:80"),
        (&[("https", "request")], &[("all", "session")], "http://session:80", "http://request:80"),
        (&[("http", "")], &[("all", "session")], "direct", "http://session:80"),
        (&[("no_proxy", "a")], &[("all", "session")], "direct", "direct"),
        (&[("http", "request")], &[("no_proxy", "a")], "http://request:80", "direct"),
    ] {
        let merged = p(request).over(&p(session).over(&environment));
        assert_eq!(via(&merged, "http://a"), http, "{request:?} {session:?}");
        assert_eq!(via(&merged, "https://a"), https, "{request:?} {session:?}");
        let otherwise = p(request).over(&p(session)).over(&environment);
        assert_eq!(via(&otherwise, "http://a"), http);
        assert_eq!(via(&otherwise, "https://a"), https);
    }
}

#[test]
fn m_10_none_undoes_what_is_below_and_so_does_a_key_without_a_proxy() {
    let session = Proxies::all("http://p").unwrap();
    assert_eq!(via(&Proxies::none().over(&session), "http://a"), "direct");
    let partly = Proxies::none().https("http://q").unwrap().over(&session);
    assert_eq!(
        (via(&partly, "http://a").as_str(), via(&partly, "https://a").as_str()),
        ("direct", "http://q:80")
    );
    let one = Proxies::new().direct("http").unwrap().over(&session);
    assert_eq!((via(&one, "http://a").as_str(), via(&one, "https://a").as_str()), ("direct", "http://p:80"));
    assert!(Proxies::new().is_empty() && !Proxies::none().is_empty());
}

#[test]
fn a_list_of_hosts_excepts_what_is_said_beside_it_and_below_but_not_above() {
    let session =
        Proxies::all("http://p").unwrap().no_proxy("a.example").unwrap().no_proxy("10.0.0.0/8").unwrap();
    assert_eq!(via(&session, "http://www.a.example"), "direct");
    assert_eq!(via(&session, "http://10.1.1.1"), "direct");
    assert_eq!(via(&session, "http://b.example"), "http://p:80");
    let request = Proxies::all("http://q").unwrap().over(&session);
    assert_eq!(via(&request, "http://www.a.example"), "http://q:80");
}

#[test]
fn what_is_shown_has_no_password() {
    let proxies = Proxies::from_pairs([
        ("http", "http://us3r:s3cret@p.example:3128"),
        ("https://a.example", "socks5h://us3r:s3cret@q.example"),
        ("no_proxy", "localhost"),
    ])
    .unwrap();
    let shown = format!("{:?}", Proxies::new().direct("all").unwrap().over(&proxies));
    assert_eq!(
        shown,
        "Proxies(all: direct, over Proxies(http: http://p.example:3128, https://a.example: socks5h://q.example:1080, \
         no_proxy: 1 entries))"
    );
}
