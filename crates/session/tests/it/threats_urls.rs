//! Whom a URL leads to: everybody who reads it reads the same host in it, or nobody goes anywhere. Asked for and
//! redirected to, on every way a request can take.

use crate::paths::{Path, Trip, for_each_first_try, for_each_path};
use crate::support::{answer, redirect, value};
use pool::sim::{Host, Reply};
use session::{Error, ErrorKind, Hook, Redirect, Request};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use url::{Host as UrlHost, Url};

/// The names that parsers may see in the texts below, and where they are.
const NAMES: [(&str, &str); 7] = [
    ("good", "10.4.0.1"),
    ("evil", "10.4.0.2"),
    ("a", "10.4.0.3"),
    ("b", "10.4.0.4"),
    ("a.test", "10.4.0.5"),
    ("host", "10.4.0.6"),
    ("start.example", "10.4.0.7"),
];

/// Hosts of these names. Each sets a cookie; `start.example` redirects to a URL.
fn hosts(trip: &Trip, url: &str) -> Vec<(&'static str, Host)> {
    let url = url.to_owned();
    let host = |(name, addr): (&'static str, &str)| {
        let url = url.clone();
        let host = trip.stage.host_at(name, addr, move |_| match name {
            "start.example" => redirect(302, &url),
            _ => answer("200 OK", &[&format!("Set-Cookie: from={name}; Path=/")], "ok"),
        });
        (name, host)
    };
    NAMES.map(host).into()
}

/// Which names were looked up here.
fn lookups(trip: &Trip) -> BTreeSet<String> {
    let log = trip.stage.world.log();
    log.iter().filter_map(|line| line.split_once("lookup of ")).map(|(_, name)| name.to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Whom proxies were told to connect to.
fn told(trip: &Trip) -> BTreeSet<String> {
    let seen = trip.proxy.seen();
    seen.iter()
        .map(|asked| asked.target().trim_start_matches("http://").split('/').next().unwrap().to_owned())
        .collect()
}

/// How a proxy on this way is told of that host.
fn as_told(path: Path, host: &str) -> String {
    match path {
        Path::Direct | Path::Forward => host.to_owned(),
        Path::Connect => format!("{host}:443"),
        Path::Socks5h => format!("{host}:80"),
        Path::Socks5 => format!("{}:80", NAMES.iter().find(|(name, _)| *name == host).unwrap().1),
    }
}

/// Both the text itself (behind its scheme) and a redirect to it lead to this host alone: in the URL of the answer, the
/// lookups, what proxies are told, `Host` and cookies. No `secret` is in any head.
fn leads_to(place: &str, host: &str, secret: &str) {
    for_each_first_try(|trip| {
        let (path, scheme) = (trip.path, trip.path.scheme());
        let text = format!("{scheme}:{place}");
        let hosts = hosts(trip, &text);
        let context = format!("{path:?}: {text}");
        for url in [&text, &trip.url("start.example/")] {
            let session = trip.session();
            let response = trip.send(session.get(url)).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(response.url().host_str(), Some(host), "{context}");
            assert_eq!(value(&trip.stage.last(), "host"), host, "{context}");
            for (name, _) in NAMES {
                let cookie = session.cookies().get(&Url::parse(&trip.url(name)).unwrap(), "from");
                assert_eq!(
                    cookie.as_deref(),
                    (name == host).then_some(host),
                    "{context}: a cookie of {name}"
                );
            }
            // And who goes there by its plain name goes there by the same connection.
            let before = trip.stage.world.connections();
            trip.send(session.get(trip.url(host))).unwrap();
            assert_eq!(trip.stage.world.connections(), before, "{context}");
        }
        for (name, other) in &hosts {
            assert_eq!(other.connections() > 0, [host, "start.example"].contains(name), "{context}: {name}");
        }
        assert_eq!(
            lookups(trip),
            match path {
                Path::Direct => set(&[host, "start.example"]),
                Path::Socks5 => set(&[host, "start.example", "proxy.example"]),
                Path::Forward | Path::Connect | Path::Socks5h => set(&["proxy.example"]),
            },
            "{context}"
        );
        assert_eq!(
            told(trip),
            if path == Path::Direct {
                set(&[])
            } else {
                set(&[&as_told(path, host), &as_told(path, "start.example")])
            },
            "{context}"
        );
        let heads = trip.stage.seen().into_iter().map(|received| received.head().clone());
        for head in heads.chain(trip.proxy.seen().iter().filter_map(|asked| asked.head().cloned())) {
            let head = String::from_utf8_lossy(head.as_bytes()).into_owned();
            assert!(secret.is_empty() || !head.contains(secret), "{context}: {head}");
        }
    });
}

#[test]
fn ur_1_everybody_agrees_on_the_host_of_a_confusing_url() {
    for (place, host) in [
        ("//good#@evil/", "good"),
        ("//good\\\\@evil/", "good"),
        ("//good\\@evil", "good"),
        ("//evil;@good/", "good"),
        ("//a:80@b/", "b"),
        ("//good／x@evil", "evil"),
        ("//good?@evil", "good"),
        ("//good/@evil/", "good"),
        ("\\\\good\\@evil/", "good"),
        ("//good%2F@evil/", "evil"),
        ("//good%23@evil/", "evil"),
        ("//good？@evil#@good", "evil"),
        ("//evil@b@good/?@evil", "good"),
        ("//GOOD:#@evil/", "good"),
        ("//%67ood/", "good"),
        ("//ｇｏｏｄ\\.evil/", "good"),
    ] {
        leads_to(place, host, "");
    }
    // What the characters of a host are mapped to ends no host, and begins no userinfo.
    refused_everywhere(&[
        "good／@evil@b：80\\",
        "good℀evil",
        "good＃evil/",
        "good？evil/",
        "evil＠good＼b/",
        "good：80/",
    ]);
}

/// Neither a call nor a `Location`, a base, a mount or a proxy leads to these places.
fn refused_everywhere(places: &[&str]) {
    for place in places {
        for_each_first_try(|trip| {
            let url = trip.url(place);
            let context = format!("{:?}: {url}", trip.path);
            let hosts = hosts(trip, &url);
            let session = trip.session();
            let error = trip.send(session.get(&url)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request, "{context}: {error}");
            assert_eq!(trip.stage.world.connections(), 0, "{context}");
            let error = trip.send(session.get(trip.url("start.example/"))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{context}: {error}");
            assert_eq!(error.response().unwrap().status().as_u16(), 302, "{context}");
            let unfollowed = session.get(trip.url("start.example/")).redirect(Redirect::none());
            let next = trip.send(unfollowed).unwrap().next().unwrap_err();
            assert_eq!(next.kind(), ErrorKind::Redirect, "{context}: {next}");
            for (name, host) in &hosts {
                assert_eq!(host.connections() > 0, *name == "start.example", "{context}: {name}");
            }
            assert!(lookups(trip).is_subset(&set(&["start.example", "proxy.example"])), "{context}");
            assert!(trip.builder().base(&url).is_err(), "{context}");
            assert!(session::Proxies::all(format!("http://{place}")).is_err(), "{context}");
            let mount = |prefix: &str| {
                trip.builder().mount(prefix, trip.stage.world.pool(pool::Config::default())).build()
            };
            assert!(mount(&url).is_err() && mount(&trip.url("good/")).is_ok(), "{context}");
        });
    }
}

#[test]
fn ur_2_a_separator_in_a_host_is_an_error_when_it_is_encoded_too() {
    refused_everywhere(&[
        "good.test%2F127.0.0.1/",
        "good.test%00.evil/",
        "a%3A80/",
        "a%40b/",
        "a%23b/",
        "a%0db/",
        "a%2fb/",
        "a%0D%0Ab/",
        "a%3Fb/",
        "a%5Cb/",
        "a%5b::1%5d/",
        "a%20b/",
        "a%25b/",
        "a%2525b/",
        "a%7fb/",
        "a%ffb/",
        "u:p@a%40b/",
    ]);
}

#[test]
fn ur_3_ports_and_brackets_that_cannot_be_are_errors() {
    refused_everywhere(&[
        "a:80x/",
        "a:-1/",
        "a:65536/",
        "[good.test]/",
        "[::1]x:80/",
        "::1/",
        "[::1]:80:80/",
        "[fe80::1%25lo]/",
        "a:+80/",
        "a: 80/",
        "a:8%30/",
        "a:８０/",
        "a:80:80/",
        "a:18446744073709551696/",
        "[::1/",
        "::1]/",
        "[[::1]]/",
        "[]/",
        "[::1]]/",
        "[::1]@/",
        "[v1.x]/",
        "[1:2:3:4:5:6:7:8:9]/",
    ]);
}

#[test]
fn ur_4_no_laxer_parser_is_asked_afterwards() {
    refused_everywhere(&[
        "[localhost]/",
        "[127.0.0.1]/",
        "[a]/",
        "256.1.1.1/",
        "1.2.3.4.5/",
        "0x100000000/",
        "a..0x/",
    ]);
}

#[test]
fn ur_5_an_at_sign_in_a_password_moves_nothing_into_the_host() {
    for place in ["//u:p@ss@a.test/", "//u:p@@ss@a.test", "//u:p%40ss@a.test/"] {
        leads_to(place, "a.test", "ss@");
    }
}

#[test]
fn ur_7_userinfo_ends_at_the_last_at_sign_of_the_authority() {
    for place in [
        "//a;b@host/",
        "//a%40b@host/",
        "//a;b@c;d@host/",
        "//!$&'()*+,;=:!$&'()*+,;=@host/",
        "//a[b]:c@host/",
    ] {
        leads_to(place, "host", "@host");
    }
}

/// Lets nobody go to addresses of this machine, however they are written, and writes down whom it was asked about.
struct Deny(Arc<Mutex<Vec<String>>>);

impl Hook for Deny {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        self.0.lock().unwrap().push(request.url().host_str().unwrap().to_owned());
        let local = match request.url().host() {
            Some(UrlHost::Ipv4(ip)) => ip.is_loopback(),
            // The last four octets of an address in transition.
            Some(UrlHost::Ipv6(ip)) => ip.octets()[12] == 127 || ip.is_loopback(),
            _ => false,
        };
        if local { Err(Error::other("not there")) } else { Ok(()) }
    }
}

#[test]
fn ur_6_an_address_in_any_spelling_is_one_address_and_its_final_form_is_what_is_asked_about() {
    for (place, host) in [
        ("0177.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        ("[64:ff9b::7f00:1]", "[64:ff9b::7f00:1]"),
        ("0x7F000001", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.0x1", "127.0.0.1"),
        ("①②⑦。⓪.0.1", "127.0.0.1"),
        ("%31%32%37.1", "127.0.0.1"),
        ("[0:0:0:0:0:FFFF:7F00:0001]", "[::ffff:7f00:1]"),
        ("[64:FF9B::127.0.0.1]", "[64:ff9b::7f00:1]"),
        ("[0::0:1]", "[::1]"),
    ] {
        for_each_path(|trip| {
            let context = format!("{:?}: {place}", trip.path);
            let ip: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().unwrap();
            let there = trip.stage.host_at(&ip.to_string(), &ip.to_string(), |_| Reply::ok("there"));
            let url = trip.url(place);
            let to = url.clone();
            trip.stage.host_at("start.example", "10.4.0.7", move |_| redirect(302, &to));
            for url in [&url, &trip.url("start.example/")] {
                let asked = Arc::default();
                let denied = trip.builder().hook(Deny(Arc::clone(&asked))).build().unwrap();
                let error = trip.send(denied.get(url)).unwrap_err();
                assert!(error.to_string().contains("not there"), "{context}: {error}");
                assert_eq!(
                    (asked.lock().unwrap().last().unwrap().as_str(), there.connections()),
                    (host, 0),
                    "{context}"
                );
            }
            for url in [&url, &trip.url("start.example/")] {
                let response = trip.send(trip.session().get(url)).unwrap();
                assert_eq!(
                    (response.url().host_str(), response.text().as_ref()),
                    (Some(host), "there"),
                    "{context}"
                );
                assert_eq!(value(&trip.stage.last(), "host"), host, "{context}");
                assert_eq!(trip.stage.last().addr().ip(), ip, "{context}");
            }
            assert!(
                lookups(trip).is_subset(&set(&["start.example", "proxy.example"])),
                "{context}: no name to look up"
            );
            let port = if trip.path == Path::Connect { 443 } else { 80 };
            let told = match trip.path {
                Path::Forward => format!("http://{host}/"),
                Path::Connect => format!("{host}:{port}"),
                _ => format!("{ip}:{port}"),
            };
            let tells = |asked: &pool::sim::Asked| asked.target() == told;
            assert_eq!(trip.proxy.seen().iter().any(tells), trip.path != Path::Direct, "{context}: {told}");
        });
    }
}
