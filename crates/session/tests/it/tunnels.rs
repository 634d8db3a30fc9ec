//! Proxies that make tunnels: what they are told, what the origin is told, and what becomes of a refusal.

use crate::paths::{Path, for_each_first_try, for_each_path};
use crate::support::{Stage, redirect, value};
use pool::ErrorKind as PoolKind;
use pool::sim::{AskedKind, Reply};
use session::{ErrorKind, Phase, Proxies, Retry, Session, StatusCode, Tls};
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::thread;

/// `a.test` and `b.test`, and the proxy `proxy.test`.
fn stage() -> (Stage, pool::sim::SimProxy) {
    let stage = Stage::new();
    for host in ["a.test", "b.test"] {
        stage.host(host, |r| match r.target() {
            "/to-b" => redirect(302, "https://b.test/end"),
            _ => Reply::ok("ok"),
        });
    }
    let proxy = stage.world.proxy("proxy.test", ["10.2.0.1"]);
    (stage, proxy)
}

fn asked(proxy: &pool::sim::SimProxy) -> Vec<String> {
    proxy.seen().iter().map(|asked| format!("{:?} {}", asked.kind(), asked.target())).collect()
}

#[test]
fn px_1_the_credentials_of_a_proxy_are_never_sent_through_its_tunnel() {
    let (stage, proxy) = stage();
    proxy.require("u", "p");
    let session = stage.builder().proxy("http://u:p@proxy.test").build().unwrap();
    session.get("http://a.test/to-b").send().unwrap();
    assert_eq!(asked(&proxy), ["Forward http://a.test/to-b", "Connect b.test:443"]);
    for asked in proxy.seen() {
        assert_eq!(asked.credentials(), Some(("u".into(), "p".into())));
    }
    assert_eq!(stage.lines(), ["a.test GET /to-b", "b.test GET /end"]);
    assert_eq!(stage.values("proxy-authorization"), ["-", "-"]);
}

#[test]
fn t_7_a_proxy_authorization_set_by_hand_never_enters_a_tunnel() {
    for proxy_url in ["http://proxy.test", "http://u:p@proxy.test", "socks5h://proxy.test"] {
        let (stage, proxy) = stage();
        let mut session = stage.builder().proxy(proxy_url).build().unwrap();
        session.headers_mut().insert("proxy-authorization", "Basic b3duOm93bg==").unwrap();
        session.get("https://a.test/").send().unwrap();
        session
            .get("https://a.test/")
            .header("Proxy-Authorization", "Basic cDpw")
            .header("Host", "v")
            .send()
            .unwrap();
        session.post("https://a.test/").basic("u", "p").send().unwrap();
        assert_eq!(stage.values("proxy-authorization"), ["-", "-", "-"], "{proxy_url}");
        assert_eq!(stage.values("host"), ["a.test", "v", "a.test"]);
        assert_eq!(proxy.seen().len(), 1, "one tunnel for all");
    }
}

#[test]
fn x_5_a_tunnel_is_asked_for_with_host_and_port_and_the_request_inside_is_a_direct_one() {
    let (stage, proxy) = stage();
    let session = stage.builder().proxy("http://us3r:p4ss@proxy.test:3128").build().unwrap();
    let mut direct = Vec::new();
    for session in [&stage.session(), &session] {
        let request = session.get("https://a.test:8443/x?y#z").header("Cookie", "c=1").bearer("t");
        request.send().unwrap();
        direct.push(stage.last().head().as_bytes().to_vec());
    }
    assert_eq!(direct[0], direct[1]);
    assert_eq!(asked(&proxy), ["Connect a.test:8443"]);
    let seen = proxy.seen();
    let head = String::from_utf8_lossy(seen[0].head().unwrap().as_bytes()).into_owned();
    assert!(head.contains("Proxy-Authorization: Basic dXMzcjpwNHNz\r\n"), "{head}");
    for secret in ["Cookie", "\r\nAuthorization", "/x", "?y"] {
        assert!(!head.contains(secret), "{secret}: {head}");
    }
}

#[test]
fn x_6_tunnels_are_for_one_origin_each_and_are_kept() {
    let (stage, proxy) = stage();
    let session = stage.builder().proxy("proxy.test").build().unwrap();
    for url in ["https://a.test/", "https://b.test/", "https://a.test/", "https://a.test:8443/"] {
        session.get(url).send().unwrap();
    }
    assert_eq!(asked(&proxy), ["Connect a.test:443", "Connect b.test:443", "Connect a.test:8443"]);
}

#[test]
fn x_7_socks5_looks_hosts_up_here_and_socks5h_there_and_any_url_is_a_tunnel() {
    for (scheme, lookups, target) in [("socks5", 1, "10."), ("socks5h", 0, "a.test:80")] {
        let stage = Stage::new();
        let origin = stage.host("a.test", |_| Reply::ok("ok"));
        let proxy = stage.world.proxy("proxy.test", ["10.2.0.1"]);
        // In UTF-8, which RFC 1929 leaves open and PySocks sends.
        proxy.require("\u{fc} s", "p@");
        let session =
            stage.builder().proxy(format!("{scheme}://%C3%BC%20s:p%40@proxy.test")).build().unwrap();
        session.get("http://a.test/").send().unwrap();
        session.get("https://a.test/").send().unwrap();
        let seen = proxy.seen();
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|asked| asked.kind() == AskedKind::Socks5 && asked.was_granted()));
        assert!(seen[0].target().starts_with(target), "{scheme}: {seen:?}");
        // The simulated proxy finds hosts by itself, without a lookup.
        assert!(origin.lookups() >= lookups && (lookups > 0 || origin.lookups() == 0), "{scheme}");
        assert_eq!(stage.lines(), ["a.test GET /", "a.test GET /"]);
    }
}

#[test]
fn px_8_http_and_socks5h_proxies_leave_the_name_of_the_origin_to_the_proxy() {
    for_each_path(|trip| {
        let origin = trip.stage.host("a.test", |_| Reply::ok("ok"));
        trip.send(trip.session().get(trip.url("a.test/"))).unwrap();
        let here = matches!(trip.path, Path::Direct | Path::Socks5);
        assert_eq!(origin.lookups() > 0, here, "{:?}", trip.path);
    });
}

#[test]
fn px_6_a_refused_tunnel_is_an_error_and_never_an_answer() {
    let refusals: [(&str, u16); 2] = [
        ("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nSet-Cookie: x=1", 407),
        ("302 Found\r\nLocation: http://evil.test/\r\nSet-Cookie: x=1", 302),
    ];
    for (lines, status) in &refusals {
        for streamed in [false, true] {
            let stage = Stage::new();
            for host in ["a.test", "evil.test"] {
                stage.host(host, |_| Reply::ok("ok"));
            }
            let reply = format!("HTTP/1.1 {lines}\r\nContent-Length: 9\r\n\r\n<b>no</b>");
            stage.world.host("proxy.test", ["10.2.0.1"]).accept_all(move |_| Reply::raw(reply.clone()));
            let session =
                stage.builder().proxy("http://u:s3cret@proxy.test").retry(Retry::idempotent(3)).build();
            let session = session.unwrap();
            let request = session.get("https://a.test/").basic("u", "p").error_for_status(true);
            let error = if streamed { request.stream().err().unwrap() } else { request.send().unwrap_err() };
            assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
            assert_eq!(error.proxy_status().map(|status| status.as_u16()), Some(*status));
            assert_eq!(error.proxy_body(), Some(&b"<b>no</b>"[..]));
            assert!(error.response().is_none() && !error.may_have_been_processed() && error.is_connect());
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
            assert!(session.cookies().is_empty());
            assert!(stage.seen().is_empty(), "neither the origin nor anybody else was asked");
            assert_eq!(stage.world.connections(), 1, "what was forbidden is not tried again");
        }
    }
}

#[test]
fn px_6_wrong_credentials_end_in_the_status_of_the_proxy() {
    let (stage, proxy) = stage();
    proxy.require("u", "right");
    let session = stage.session();
    let error = session.get("https://a.test/").proxy("http://u:wr0ng@proxy.test").send().unwrap_err();
    assert_eq!(error.proxy_status(), Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
    assert!(!error.to_string().contains("wr0ng"));
    let error = session.get("https://a.test/").proxy("socks5h://u:wr0ng@proxy.test").send().unwrap_err();
    assert_eq!((error.kind(), error.proxy_status()), (ErrorKind::Proxy, None));
    assert!(stage.seen().is_empty());
}

#[test]
fn y_1_a_proxy_that_passes_is_a_reason_to_try_again_for_any_method() {
    for failure in ["503", "refuse", "lookup"] {
        let stage = Stage::new();
        let proxy = stage.world.host("proxy.test", ["10.2.0.1"]);
        match failure {
            "503" => proxy.accept_all(|_| Reply::status(503)),
            "refuse" => proxy.refuse(),
            _ => proxy.lookup_fails(io::ErrorKind::NotFound),
        }
        let session = stage.builder().proxy("http://proxy.test").retry(Retry::idempotent(2)).build().unwrap();
        let error = session.post("https://a.test/").body("x").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{failure}");
        assert_eq!(error.attempts().count(), 3, "{failure}");
        assert!(error.attempts().all(|attempt| attempt.error == Some(PoolKind::Proxy)));
        assert!(error.attempts().all(|attempt| attempt.bytes_sent == 0));
        let passing = [Some(Phase::Proxy), Some(Phase::Connect), Some(Phase::Resolve)];
        assert!(passing.contains(&error.phase()), "{failure}: {:?}", error.phase());
    }
}

#[test]
fn d_14_hops_of_both_schemes_each_go_their_own_way() {
    let (stage, proxy) = stage();
    let other = stage.world.proxy("other.test", ["10.2.0.2"]);
    other.require("x", "y");
    let proxies =
        Proxies::new().http("http://u:p@proxy.test").unwrap().https("socks5h://x:y@other.test").unwrap();
    let session = stage.builder().proxies(proxies).build().unwrap();
    let response = session.get("http://a.test/to-b").send().unwrap();
    assert_eq!(response.url().as_str(), "https://b.test/end");
    assert_eq!(asked(&proxy), ["Forward http://a.test/to-b"]);
    assert_eq!(asked(&other), ["Socks5 b.test:443"]);
    assert_eq!(other.seen()[0].credentials(), Some(("x".into(), "y".into())));
}

#[test]
fn a_5_requests_with_other_proxies_credentials_or_tls_never_share_a_connection() {
    let (stage, proxy) = stage();
    let session = stage.session();
    let with = |proxy: &str| session.get("https://a.test/").proxy(proxy);
    with("http://u1:p1@proxy.test").send().unwrap();
    with("http://u2:p2@proxy.test").send().unwrap();
    with("http://proxy.test").send().unwrap();
    session.get("https://a.test/").send().unwrap();
    with("http://u1:p1@proxy.test").tls(Tls::without_public_roots()).send().unwrap();
    let connections: Vec<usize> = stage.seen().iter().map(|received| received.connection()).collect();
    let mut distinct = connections.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 5, "{connections:?}");
    with("http://u1:p1@proxy.test").send().unwrap();
    assert_eq!(stage.last().connection(), connections[0]);
    assert_eq!(proxy.seen().len(), 4);
    assert_eq!(value(&stage.last(), "proxy-authorization"), "-");
}

#[test]
fn many_at_once_through_a_proxy_all_arrive() {
    for_each_first_try(|trip| {
        for host in ["a.test", "b.test", "c.test"] {
            trip.stage.host(host, |_| Reply::ok("ok"));
        }
        let session = trip.session();
        let requests =
            (0..60).map(|i| session.get(trip.url(&format!("{}.test/{i}", ["a", "b", "c"][i % 3]))));
        assert_eq!(session.send_all(requests).into_iter().filter(|result| result.is_ok()).count(), 60);
    });
}

#[test]
fn px_3_an_https_proxy_is_spoken_to_in_tls_or_not_at_all() {
    let urls = ["http://a.test/", "https://a.test/"];
    for (url, streamed) in urls.into_iter().flat_map(|url| [(url, false), (url, true)]) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("https://{}", listener.local_addr().unwrap());
        thread::scope(|scope| {
            let first = scope.spawn(move || {
                let (mut socket, _) = listener.accept().unwrap();
                let mut first = [0];
                socket.read_exact(&mut first).unwrap();
                first[0]
            });
            let session = Session::builder().ignore_environment().proxy(&proxy).build().unwrap();
            let request = session.get(url).retry(Retry::idempotent(1));
            let error = if streamed { request.stream().err().unwrap() } else { request.send().unwrap_err() };
            assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Proxy), "{error:?}");
            assert_eq!(first.join().unwrap(), 0x16, "a ClientHello, never the C of CONNECT or the G of GET");
        });
    }
}
