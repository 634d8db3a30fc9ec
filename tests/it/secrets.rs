//! Secrets of every kind, on every way and over real TLS: none is logged, and no value shows one.

use crate::proxy_server::ProxyServer;
use crate::support::{HANG, loopback, only};
use crate::tls_peer::{Authority, Peer, Wire};
use log::{LevelFilter, Log, Metadata, Record};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use session::pool::{Config, Method, Origin, Pool, Proxy, ProxyKind, Request, Route};
use session::{
    Basic, Bearer, Body, Canceller, Challenge, Cookie, CookieJar, Digest, Error, Form, Headers, Netrc, Part,
    Proxies, RequestBuilder, Response, Retry, Session, Tls, Url,
};
use std::error::Error as _;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::sync::Mutex;
use std::time::Duration;
use testbed::Testbed;

/// Keeps every message, whichever test it is from: the secrets below are this test's own.
struct Memory(Mutex<Vec<String>>);

static MEMORY: Memory = Memory(Mutex::new(Vec::new()));

impl Log for Memory {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

const SECRETS: [&str; 15] = [
    "lgkBasicPassword",
    "lgkBearer",
    "lgkCookieSent",
    "lgkCookieSet",
    "lgkCookieOfJar",
    "lgkProxyPassword",
    "lgkNetrcPassword",
    "lgkUrlPassword",
    "lgkLocationPassword",
    "lgkQuery",
    "lgkHeader",
    // The users of Basic in Base64, with what follows them.
    "bGdrQmFzaWNV",
    "bGdrUHJveHlV",
    "bGdrTmV0cmNV",
    "bGdrVXJsVXNl",
];

/// What a private key can be recognised by, however it is written.
fn marks(key: &str) -> Vec<String> {
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap().secret_der().to_vec();
    // The number in a key of P-256 (RFC 5915).
    let at = der.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    let secret = &der[at..at + 32];
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    // The first line begins as that of every key does.
    let mut marks: Vec<String> = lines.map(|line| line.chars().rev().take(16).collect::<String>()).collect();
    marks = marks.into_iter().map(|mark| mark.chars().rev().collect()).collect();
    for part in secret.chunks(8) {
        let decimal: Vec<String> = part.iter().map(u8::to_string).collect();
        let hex: String = part.iter().map(|octet| format!("{octet:02x}")).collect();
        marks.extend([decimal.join(", "), decimal.join(",\n        "), hex.to_uppercase(), hex]);
    }
    marks
}

/// Answers what comes on one connection by what is asked for.
fn answer(wire: &mut Wire) {
    loop {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(1) = wire.read(&mut byte) else { return Peer::read_end(wire) };
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let host = head.lines().find_map(|line| line.strip_prefix("Host: ")).unwrap();
        let place = |text: &str| head.starts_with(&format!("GET {text}"));
        let reply = match () {
            () if place("/go") => format!(
                "HTTP/1.1 302 Go\r\nLocation: https://lgkUrlUser:lgkLocationPassword@{host}/end?k=lgkQuery#lgkQuery\r\n\
                 Set-Cookie: s=lgkCookieSet\r\nContent-Length: 0\r\n\r\n"
            ),
            () if place("/busy") => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(),
            () if place("/cut") => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nlgk".to_owned(),
            () if place("/bad") => "lgkBearer\r\n\r\n".to_owned(),
            () => "HTTP/1.1 200 OK\r\nSet-Cookie: s=lgkCookieSet\r\nContent-Length: 3\r\n\r\nend".to_owned(),
        };
        let answered = wire.write_all(reply.as_bytes()).and_then(|()| wire.flush());
        if answered.is_err() || place("/cut") || place("/bad") {
            return Peer::read_end(wire);
        }
    }
}

/// What was shown of everything there is.
#[derive(Default)]
struct Shown(Vec<String>);

impl Shown {
    fn see(&mut self, what: impl Debug) {
        self.0.push(format!("{what:?} {what:#?}"));
    }

    fn error(&mut self, error: &Error) {
        self.see(error);
        self.0.push(format!("{error} {error:#}"));
        self.see((error.request(), error.response(), error.attempts().collect::<Vec<_>>()));
        self.see(error.response().map(Response::history));
        let mut source = error.source();
        while let Some(cause) = source {
            self.0.push(format!("{cause} {cause:?} {cause:#?}"));
            source = cause.source();
        }
    }

    fn response(&mut self, response: &Response) {
        self.see((response, response.head(), response.headers(), response.history(), response.attempts()));
        self.see((response.request(), response.request().headers(), response.request().settings()));
        self.see(response.history().iter().map(|hop| (hop.head(), hop.request())).collect::<Vec<_>>());
        self.see(response.links());
    }

    /// Sends it, and sees all there is on the way.
    fn send(&mut self, session: &Session, request: RequestBuilder, streamed: bool) -> Option<u16> {
        self.see(&request);
        let request = request.build().unwrap();
        self.see((&request, request.headers(), request.settings(), request.body()));
        let result = if streamed {
            session.stream(request).and_then(|mut stream| {
                self.see(stream.chunks());
                self.see((&stream, stream.head(), stream.headers(), stream.history()));
                stream.into_response()
            })
        } else {
            session.send(request)
        };
        match result.and_then(Response::error_for_status) {
            Ok(response) => {
                self.response(&response);
                Some(response.status().as_u16())
            }
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }
}

#[test]
fn lg_1_no_secret_is_logged_or_shown_on_any_way() {
    log::set_logger(&MEMORY).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let (authority, testbed) = (Authority::new(), Testbed::start().unwrap());
    let (certificate, key) = authority.client("me");
    let tls = only(&authority.pem()).client_cert_pem(&certificate, &key).unwrap();
    let netrc = "machine localhost login lgkNetrcUser password lgkNetrcPassword";
    let mut shown = Shown::default();
    for kind in [None, Some("http"), Some("socks5"), Some("socks5h")] {
        let server = ProxyServer::start(None);
        let credentials = format!("lgkProxyUser:lgkProxyPassword@localhost:{}", server.port());
        let proxies = match kind {
            None => Proxies::none(),
            Some(kind) => Proxies::all(format!("{kind}://{credentials}")).unwrap(),
        };
        for (secure, place) in [
            (true, "/end"),
            (true, "/go"),
            (true, "/busy"),
            (true, "/cut"),
            (true, "/bad"),
            (false, "/get"),
            (false, "/redirect-to"),
            (false, "/status/503"),
            (false, "/cookies/set"),
        ] {
            for (streamed, who) in [false, true].into_iter().flat_map(|s| [(s, 0), (s, 1), (s, 2), (s, 3)]) {
                let peer = Peer::start("127.0.0.1", authority.requiring(&["localhost"]), answer);
                let base = if secure { peer.url("localhost") } else { format!("{}/", testbed.http()) };
                let base = base.replace("127.0.0.1", "localhost").replacen(
                    "://",
                    "://lgkUrlUser:lgkUrlPassword@",
                    1,
                );
                let url = format!(
                    "{}{place}?url=/get&s=lgkCookieSet&k=lgkQuery#lgkQuery",
                    base.trim_end_matches('/')
                );
                let builder = Session::builder().ignore_environment().resolver(loopback).timeout(HANG);
                let builder = builder.tls(tls.clone()).proxies(proxies.clone());
                // A server of one connection is not there a second time.
                let again = if matches!(place, "/cut" | "/bad") { 0 } else { 1 };
                let builder = builder.retry(Retry::idempotent(again).backoff(Duration::ZERO));
                let builder =
                    builder.sensitive_header("X-Api-Key", "lgkHeader").query([("also", "lgkQuery")]);
                shown.see(&builder);
                let session = builder.build().unwrap();
                session
                    .cookies()
                    .set(&Url::parse(&url).unwrap(), Cookie::new("own", "lgkCookieOfJar"))
                    .unwrap();
                let get = || session.get(&url).cookie("c", "lgkCookieSent");
                let plain = url.replace("lgkUrlUser:lgkUrlPassword@", "");
                let request = match who {
                    0 => get(),
                    1 => get().basic("lgkBasicUser", "lgkBasicPassword"),
                    2 => get().bearer("lgkBearer").tls(tls.clone()),
                    _ => session
                        .get(plain)
                        .netrc(Netrc::parse(netrc).unwrap())
                        .sensitive_header("X-Own", "lgkHeader"),
                };
                let status = shown.send(&session, request, streamed);
                let fine = !matches!(place, "/busy" | "/cut" | "/bad" | "/status/503");
                assert_eq!(status, fine.then_some(200), "{kind:?} {place} {who}: {:?}", shown.0.last());
                shown.see((&session, session.settings(), session.pool(), session.cookies()));
                drop(session);
                drop(peer.seen());
            }
        }
        assert_eq!(server.heads().is_empty(), kind.is_none());
    }
    shown_alone(&mut shown, &tls);
    let marks = marks(&key);
    let logged = MEMORY.0.lock().unwrap().clone();
    assert!(logged.iter().any(|line| line.contains("localhost")), "what happens is logged");
    for text in logged.iter().chain(&shown.0) {
        let found =
            SECRETS.into_iter().chain(marks.iter().map(String::as_str)).find(|mark| text.contains(mark));
        assert_eq!(found, None, "{text}");
    }
}

/// What holds a secret without being part of a request.
fn shown_alone(shown: &mut Shown, tls: &Tls) {
    let mut headers = Headers::new();
    headers.append("Authorization", "Bearer lgkBearer").unwrap();
    headers.append_sensitive("X-Own", "lgkHeader").unwrap();
    shown.see((&headers, headers.get("authorization"), headers.iter().collect::<Vec<_>>()));
    shown.see((Basic::new("lgkBasicUser", "lgkBasicPassword"), Bearer::new("lgkBearer")));
    shown.see(Digest::new("lgkBasicUser", "lgkBasicPassword"));
    shown.see(Netrc::parse("default login u password lgkNetrcPassword").unwrap());
    shown.see((tls, Canceller::new(), Body::from("lgkBearer")));
    for credentials in
        ["Basic bGdrQmFzaWNVc2Vy", "Bearer lgkBearer", "Own token=\"lgkBearer\", lgk=\"lgkHeader"]
    {
        shown.see(Challenge::parse(credentials));
    }
    shown.see(Form::new().text("name", "lgkBearer").part("f", Part::text("lgkBearer")));
    let jar = CookieJar::new();
    jar.insert(Cookie::build(("own", "lgkCookieOfJar")).domain("a.test").build()).unwrap();
    jar.insert(Cookie::build(("tab", "lgk\tCookie")).domain("a.test").build()).unwrap_or_default();
    shown.see((&jar, jar.write_netscape(std::io::sink())));
    let broken =
        "{\"version\":1,\"cookies\":[{\"name\":\"n\",\"value\":\"lgkCookieOfJar\",\"lgkCookieSet\":1}]}";
    let error = jar.read_json(broken.as_bytes()).unwrap_err();
    shown.0.push(format!("{error} {error:?}"));
    shown.error(&error.into());
    let proxy = Proxy::new(ProxyKind::Http, "p.test", 1);
    let proxy = proxy.with_credentials("lgkProxyUser", "lgkProxyPassword").unwrap();
    shown.0.push(format!("{proxy}"));
    let route = Route::with_tls(Origin::https("a.test"), tls.clone()).via(proxy.clone());
    let sent = Request::build(Method::GET, route.clone(), "/?k=lgkQuery");
    let sent = sent.header("Authorization", "Bearer lgkBearer").header("X-Own", "lgkHeader");
    shown.see((&proxy, &route, Pool::new(Config::default()), Config::default()));
    shown.see(sent.finish().unwrap());
    for wrong in [
        "http://u:lgkProxyPassword@p.test:99999",
        "http://u:lgkProxyPassword@p.test/path?lgkQuery#lgkQuery",
        "http://u:x/lgkProxyPassword@p.test",
        "http://u:x?lgkProxyPassword@p.test",
        "http://u:x#lgkProxyPassword@p.test",
        "http://u:lgkProxyPassword@p.test:x@",
        "lgkUrlUser:lgkUrlPassword@a.test",
        "ftp://lgkUrlUser:lgkUrlPassword@a.test/?lgkQuery",
    ] {
        match Proxies::all(wrong) {
            Ok(proxies) => shown.see(proxies),
            Err(error) => shown.error(&error),
        }
        shown.error(&Session::new().get(format!("{wrong}:")).send().unwrap_err());
    }
    for wrong in [
        "machine a login lgkNetrcUser password \"lgkNetrcPassword",
        "lgkNetrcPassword",
        "machine a pasword lgkNetrcPassword",
    ] {
        match Netrc::parse(wrong) {
            Ok(netrc) => shown.see(netrc),
            Err(error) => shown.error(&error),
        }
    }
}
