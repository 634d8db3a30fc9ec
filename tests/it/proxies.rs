//! TLS through proxies: who is verified, what is shared, and what a proxy cannot slip in.

use crate::proxy_server::ProxyServer;
use crate::support::{HANG, builder, loopback, ok, only, to};
use crate::tls_peer::{Authority, Peer};
use session::pool::{
    Attempt, Body, Config, Error, ErrorKind, Method, Origin, Phase, Pool, Proxy, ProxyKind, Request, Route,
    Timeouts,
};
use session::{Session, Tls};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use testbed::raw::{RawServer, Script};
use testbed::{Ca, Testbed};

const KINDS: [ProxyKind; 4] = [ProxyKind::Http, ProxyKind::Https, ProxyKind::Socks5, ProxyKind::Socks5h];

fn pool() -> Pool {
    Pool::new(Config::default().resolver(loopback).timeouts(Timeouts::default().total(HANG)))
}

/// A proxy of each kind, the authority behind the one that speaks TLS, and how to reach it.
fn start(kind: ProxyKind) -> (ProxyServer, Proxy) {
    let authority = Authority::new();
    let tls = (kind == ProxyKind::Https).then(|| authority.server(&["localhost"], "the proxy"));
    let server = ProxyServer::start(tls);
    let proxy = Proxy::new(kind, "localhost", server.port()).with_tls(only(&authority.pem()));
    (server, proxy)
}

fn secure(testbed: &Testbed, tls: Tls) -> Route {
    Route::with_tls(Origin::https("localhost").with_port(testbed.tls_addr().port()), tls)
}

/// Sends it, and reads the whole answer.
fn fetch(pool: &Pool, request: Request) -> Result<(Vec<u8>, Attempt), Error> {
    let (_, mut reader) = pool.send(request)?.into_parts();
    let mut body = Vec::new();
    let mut buf = vec![0; 64 * 1024];
    loop {
        match reader.read_some(&mut buf)? {
            0 => break,
            n => body.extend_from_slice(&buf[..n]),
        }
    }
    let summary = reader.summary().unwrap();
    Ok((body, summary.attempts.last().clone()))
}

fn get(pool: &Pool, route: Route, target: &str) -> Result<(Vec<u8>, Attempt), Error> {
    fetch(pool, Request::get(route, target).unwrap())
}

#[test]
fn tls_runs_through_every_kind_of_proxy_and_the_tunnel_is_kept() {
    let testbed = Testbed::start().unwrap();
    for kind in KINDS {
        let (server, proxy) = start(kind);
        let (pool, route) = (pool(), secure(&testbed, only(testbed.ca_pem())).via(proxy));
        for reused in [false, true, true] {
            let (_, facts) = get(&pool, route.clone(), "/get").unwrap();
            assert_eq!((facts.reused, facts.peer.unwrap().port()), (reused, server.port()), "{kind:?}");
            assert_eq!((facts.tls.is_some(), facts.tunneled.is_some()), (true, !reused));
        }
        let asked = server.seen().pop().unwrap();
        let port = testbed.tls_addr().port();
        let expected = match kind {
            ProxyKind::Socks5 => "SOCKS 127.0.0.1".to_owned(),
            ProxyKind::Socks5h => "SOCKS localhost".to_owned(),
            _ => format!("CONNECT localhost:{port} HTTP/1.1"),
        };
        assert_eq!(asked, expected);
    }
}

#[test]
fn an_http_origin_is_forwarded_or_tunnelled_through_every_kind_of_proxy() {
    let testbed = Testbed::start().unwrap();
    let origin = Origin::http("localhost").with_port(testbed.addr().port());
    for kind in KINDS {
        let (server, proxy) = start(kind);
        let pool = pool();
        for route in [
            Route::direct(origin.clone()).via(proxy.clone()),
            Route::direct(origin.clone()).via_tunnel(proxy),
        ] {
            let (body, facts) = get(&pool, route, "/get").unwrap();
            assert!(body.starts_with(b"{"));
            assert_eq!(facts.tls.is_some(), kind == ProxyKind::Https);
        }
        let last = server.seen().pop().unwrap();
        assert_eq!(
            last.starts_with("SOCKS"),
            matches!(kind, ProxyKind::Socks5 | ProxyKind::Socks5h),
            "{last}"
        );
    }
}

#[test]
fn large_bodies_go_both_ways_through_tls_within_tls() {
    let testbed = Testbed::start().unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
    for kind in KINDS {
        let (_server, proxy) = start(kind);
        let (pool, route) = (pool(), secure(&testbed, only(testbed.ca_pem())).via(proxy));
        let sink = Request::build(Method::POST, route.clone(), "/sink").body(Body::bytes(bytes.clone()));
        let (counted, facts) = fetch(&pool, sink.finish().unwrap()).unwrap();
        assert!(String::from_utf8(counted).unwrap().contains("3000000"), "{kind:?}");
        assert!(facts.bytes_sent > bytes.len() as u64);
        for target in ["/bench/3000000", "/chunked/3000000/100000"] {
            let (body, facts) = get(&pool, route.clone(), target).unwrap();
            assert_eq!((body.len(), facts.reused), (bytes.len(), true), "{kind:?} {target}");
        }
    }
}

#[test]
fn tl_4_an_origin_is_verified_the_same_on_every_path() {
    let testbed = Testbed::start().unwrap();
    let other = Ca::new().unwrap();
    let mut paths = vec![(None, None)];
    paths.extend(
        KINDS
            .map(|kind| Some(start(kind)))
            .map(|path| path.map_or((None, None), |(s, p)| (Some(s), Some(p)))),
    );
    for (_server, proxy) in paths {
        let via = |route: Route| match &proxy {
            Some(proxy) => route.via(proxy.clone()),
            None => route,
        };
        let pool = pool();
        let wrong_name = Route::with_tls(
            Origin::https("other.test").with_port(testbed.tls_addr().port()),
            only(testbed.ca_pem()),
        );
        for (route, words) in [
            (secure(&testbed, only(other.pem())), "signed by nobody we trust"),
            (secure(&testbed, Tls::default()), "signed by nobody we trust"),
            (wrong_name, "not for other.test"),
        ] {
            let error = get(&pool, via(route), "/get").unwrap_err();
            assert_eq!(
                (error.kind(), error.phase()),
                (ErrorKind::Tls, Some(Phase::Tls)),
                "{proxy:?} {error}"
            );
            assert!(error.to_string().contains(words) && error.nothing_sent(), "{error}");
        }
        assert!(get(&pool, via(secure(&testbed, only(testbed.ca_pem()))), "/get").is_ok());
    }
    assert_eq!(testbed.stats().requests, 5);
}

#[test]
fn tl_4_a_client_certificate_is_shown_to_the_origin_on_every_path() {
    let authority = Authority::new();
    let (certificate, key) = authority.client("me");
    let shown = only(&authority.pem()).client_cert_pem(certificate, key).unwrap();
    for kind in std::iter::once(None).chain(KINDS.map(Some)) {
        let peer = Peer::start("127.0.0.1", authority.requiring(&["localhost"]), Peer::answer);
        let url = peer.url("localhost");
        let route = Route::with_tls(url.parse().unwrap(), shown.clone());
        let between = kind.map(start);
        let route = match &between {
            Some((_, proxy)) => route.via(proxy.clone()),
            None => route,
        };
        let pool = pool();
        assert_eq!(get(&pool, route, "/").unwrap().0, b"over TLS", "{kind:?}");
        drop(pool);
        assert!(peer.seen().unwrap().certificates > 0);
    }
}

#[test]
fn l_2_the_client_certificate_of_a_session_is_not_shown_to_its_proxy() {
    let authority = Authority::new();
    let (certificate, key) = authority.client("me");
    let tls = only(&authority.pem()).client_cert_pem(certificate, key).unwrap();
    let proxy = Peer::start("127.0.0.1", authority.requiring(&["localhost"]), Peer::answer);
    let session = Session::builder().ignore_environment().resolver(loopback).timeout(HANG).tls(tls);
    let session = session.proxy(proxy.url("localhost")).build().unwrap();
    assert!(session.get("http://a.example/").send().is_err());
    assert!(proxy.seen().is_err(), "it asks for one, and ends the handshake without");
}

#[test]
fn px_1_connect_has_the_credentials_of_the_proxy_and_the_tls_server_behind_it_does_not() {
    let ca = Ca::new().unwrap();
    let b = [Script::new().answer(ok("of b")).answer(ok("of b")).wait_for_close()];
    let b = RawServer::start_tls(b, &ca.issue(&["b.test"]).unwrap()).unwrap();
    let b_url = format!("https://b.test:{}/", b.addr().port());
    let a = RawServer::start([Script::new().answer(to(302, &b_url)).wait_for_close()]).unwrap();
    let a_url = format!("http://a.test:{}/", a.addr().port());
    let server = ProxyServer::start(None);
    let session = builder().tls(only(ca.pem())).resolver(loopback);
    let session = session.proxy(format!("http://us3r:s3cret@proxy.test:{}", server.port())).build().unwrap();
    assert_eq!(session.get(a_url).send().unwrap().text(), "of b");
    assert_eq!(session.get(b_url).stream().unwrap().into_response().unwrap().text(), "of b");
    let heads = server.heads();
    assert_eq!(heads.len(), 2, "one is handed on, and one tunnel: {heads:?}");
    let port = b.addr().port();
    let version = env!("CARGO_PKG_VERSION");
    assert!(heads[0].contains("\r\nProxy-Authorization: Basic dXMzcjpzM2NyZXQ=\r\n"), "{heads:?}");
    assert_eq!(
        heads[1],
        format!(
            "CONNECT b.test:{port} HTTP/1.1\r\nHost: b.test:{port}\r\nProxy-Authorization: Basic \
             dXMzcjpzM2NyZXQ=\r\nUser-Agent: session/{version}\r\n\r\n"
        )
    );
    let heard = String::from_utf8(b.requests().concat()).unwrap().to_ascii_lowercase();
    assert_eq!(heard.matches("get / http/1.1\r\n").count(), 2, "{heard}");
    for secret in ["proxy-", "us3r", "s3cret", "dxmzcjpzm2nyzxq"] {
        assert!(!heard.contains(secret), "{heard}");
    }
}

#[test]
fn px_8_a_resolver_of_ones_own_is_asked_for_the_proxys_name_and_for_no_other_unless_socks5_is_meant() {
    let (ca, authority) = (Ca::new().unwrap(), Authority::new());
    for kind in KINDS {
        for scheme in ["http", "https"] {
            let script = [Script::new().answer(ok("here")).wait_for_close()];
            let origin = match scheme {
                "http" => RawServer::start(script),
                _ => RawServer::start_tls(script, &ca.issue(&["origin.test"]).unwrap()),
            };
            let origin = origin.unwrap();
            let tls = (kind == ProxyKind::Https).then(|| authority.server(&["proxy.test"], "the proxy"));
            let server = ProxyServer::start(tls);
            let asked = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&asked);
            let resolver = move |host: &str| {
                log.lock().unwrap().push(host.to_owned());
                loopback(host)
            };
            let both = only(ca.pem()).add_roots_pem(authority.pem()).unwrap();
            let proxy = match kind {
                ProxyKind::Http => "http",
                ProxyKind::Https => "https",
                ProxyKind::Socks5 => "socks5",
                _ => "socks5h",
            };
            let session = builder().tls(both).resolver(resolver);
            let session = session.proxy(format!("{proxy}://proxy.test:{}", server.port())).build().unwrap();
            let url = format!("{scheme}://origin.test:{}/", origin.addr().port());
            assert_eq!(session.get(url).send().unwrap().text(), "here", "{kind:?} {scheme}");
            let mut names = asked.lock().unwrap().clone();
            names.sort();
            let expected =
                if kind == ProxyKind::Socks5 { &["origin.test", "proxy.test"][..] } else { &["proxy.test"] };
            assert_eq!(names, expected, "{kind:?} {scheme}");
        }
    }
}

#[test]
fn px_3_an_https_proxy_that_we_do_not_trust_is_told_nothing() {
    let testbed = Testbed::start().unwrap();
    let (server, proxy) = start(ProxyKind::Https);
    let proxy = proxy.with_tls(only(testbed.ca_pem())).with_credentials("u", "s3cret").unwrap();
    let plain = Route::direct(Origin::http("localhost").with_port(testbed.addr().port()));
    for route in [secure(&testbed, only(testbed.ca_pem())), plain] {
        let error = get(&pool(), route.via(proxy.clone()), "/get").unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, Some(Phase::Proxy)), "{error}");
        assert!(error.to_string().contains("signed by nobody we trust"), "{error}");
    }
    assert!(server.seen().is_empty() && testbed.stats().requests == 0);
}

#[test]
fn px_3_an_https_proxy_is_spoken_to_in_tls_from_the_first_byte_or_not_at_all() {
    for origin in ["http://a.test", "https://a.test"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::new(ProxyKind::Https, "127.0.0.1", listener.local_addr().unwrap().port());
        let plain = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut heard = vec![0];
            socket.read_exact(&mut heard).unwrap();
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
            socket.read_to_end(&mut heard).map(|_| heard)
        });
        let route = Route::direct(origin.parse().unwrap()).via(proxy.with_credentials("u", "p").unwrap());
        let error = get(&pool(), route, "/").unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, Some(Phase::Proxy)), "{error}");
        let heard = plain.join().unwrap().unwrap();
        assert_eq!(heard[0], 0x16);
        assert!(!heard.windows(7).any(|window| window == b"CONNECT" || window == b"Proxy-A"));
    }
}

/// A proxy that answers whatever it is asked with these bytes, and then behaves so.
fn hostile(kind: ProxyKind, steps: Vec<Vec<u8>>, end: fn(TcpStream)) -> (Proxy, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::new(kind, "127.0.0.1", listener.local_addr().unwrap().port());
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(HANG)).unwrap();
        for step in steps {
            assert!(socket.read(&mut [0; 4096]).unwrap() > 0);
            socket.write_all(&step).unwrap();
        }
        end(socket);
    });
    (proxy, thread)
}

fn read_on(mut socket: TcpStream) {
    let _ = socket.read_to_end(&mut Vec::new());
}

#[test]
fn tl_7_bytes_behind_the_proxys_answer_belong_to_tls_and_never_to_http() {
    let evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    let connect = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], evil].concat();
    let socks = [&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], evil].concat();
    for (kind, steps) in [(ProxyKind::Http, vec![connect]), (ProxyKind::Socks5h, vec![vec![5, 0], socks])] {
        let (proxy, thread) = hostile(kind, steps, read_on);
        let error = get(&pool(), Route::direct(Origin::https("a.test")).via(proxy), "/").unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, Some(Phase::Tls)), "{error}");
        assert!(error.to_string().contains("not TLS") && !format!("{error:?}").contains("EVIL"), "{error}");
        thread.join().unwrap();
    }
}

#[test]
fn f16_a_proxy_that_ends_its_side_behind_its_answer_is_a_tls_error() {
    fn half_close(socket: TcpStream) {
        socket.shutdown(Shutdown::Write).unwrap();
        read_on(socket);
    }
    let steps = vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec()];
    let (proxy, thread) = hostile(ProxyKind::Http, steps, half_close);
    let error = get(&pool(), Route::direct(Origin::https("a.test")).via(proxy), "/").unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, Some(Phase::Tls)), "{error}");
    thread.join().unwrap();
}

#[test]
fn tickets_of_a_proxy_and_of_an_origin_of_the_same_name_are_kept_apart() {
    let testbed = Testbed::start().unwrap();
    let authority = Authority::new();
    let server = ProxyServer::start(Some(authority.server(&["localhost"], "the proxy")));
    let both = only(testbed.ca_pem()).add_roots_pem(authority.pem()).unwrap();
    let proxy = Proxy::new(ProxyKind::Https, "localhost", server.port()).with_tls(both.clone());
    let (pool, route) = (pool(), secure(&testbed, both).via(proxy));
    for again in [false, true, true] {
        let (_, facts) = get(&pool, route.clone(), "/get").unwrap();
        assert_eq!((facts.reused, facts.tls.unwrap().resumed), (false, again));
        pool.close_idle();
    }
    let seen = server.seen();
    let handshakes: Vec<_> =
        seen.iter().filter(|line| line.ends_with("handshake")).map(String::as_str).collect();
    assert_eq!(handshakes, ["full handshake", "resumed handshake", "resumed handshake"]);
}
