//! The known attacks around proxies, redirected and retried, read whole and as streams.

use crate::paths::{FIRST, Path, Trip, for_each_path};
use crate::support::{First, Stage, answer, redirect, value};
use pool::sim::{AskedKind, Reply};
use session::{Digest, Error, ErrorKind, Hook, Proxies, Request, Response, Retry, Session, StatusCode};

/// The schemes of proxies that are told whom to ask.
const SCHEMES: [&str; 3] = ["http", "socks5", "socks5h"];

/// Answers are read whole or as streams, at the first try and after a retry.
fn ways() -> impl Iterator<Item = (bool, Option<First>)> {
    FIRST.into_iter().flat_map(|first| [(false, first), (true, first)])
}

fn session(stage: &Stage, proxies: Proxies) -> Session {
    stage.builder().proxies(proxies).retry(Retry::idempotent(100)).build().unwrap()
}

fn send(session: &Session, url: &str, streamed: bool) -> Result<Response, Error> {
    let request = session.get(url);
    if streamed { request.stream()?.into_response() } else { request.send() }
}

#[test]
fn px_1_no_hop_into_a_tunnel_takes_the_credentials_of_the_proxy_along() {
    for (streamed, first) in ways() {
        for scheme in SCHEMES {
            let stage = Stage::at_second(first);
            for host in ["a.test", "b.test"] {
                stage.host(host, |r| match r.target() {
                    "/to-b" => redirect(302, "https://b.test/to-a"),
                    "/to-a" => redirect(302, "http://a.test/end"),
                    _ => Reply::ok("end"),
                });
            }
            let proxy = stage.world.proxy("proxy.test", ["10.2.0.1"]);
            proxy.require("us3r", "s3cret");
            let all = Proxies::all(format!("{scheme}://us3r:s3cret@proxy.test")).unwrap();
            let response = send(&session(&stage, all), "http://a.test/to-b", streamed).unwrap();
            assert_eq!(response.text(), "end");
            assert_eq!(stage.lines(), ["a.test GET /to-b", "b.test GET /to-a", "a.test GET /end"]);
            for received in stage.seen().iter().chain(&stage.refused()) {
                let head = String::from_utf8_lossy(received.head().as_bytes()).to_ascii_lowercase();
                // The second is `us3r:s3cret` in base64.
                for secret in ["proxy-", "dxmzcjpzm2nyzxq", "s3cret", "us3r"] {
                    assert!(!head.contains(secret), "{scheme}: {head}");
                }
            }
            for asked in proxy.seen() {
                assert_eq!(asked.credentials(), Some(("us3r".into(), "s3cret".into())), "{scheme}");
            }
            let tunnels = proxy.seen().iter().filter(|asked| asked.kind() == AskedKind::Connect).count();
            // One for the https hop, and another one where the first was closed.
            let needed = if first == Some(First::Close) { 2 } else { 1 };
            assert_eq!(tunnels, if scheme == "http" { needed } else { 0 }, "{first:?}");
        }
    }
}

/// What `set_auth` takes as a closure: credentials for a proxy.
fn for_the_proxy(request: &mut Request) -> Result<(), Error> {
    request.set_header("proxy-authorization", "Basic b3duOm93bg==")
}

/// Sets them too.
struct ForTheProxy;

impl Hook for ForTheProxy {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        for_the_proxy(request)
    }
}

#[test]
fn px_1_whoever_sets_credentials_for_a_proxy_by_hand_sets_none_for_an_origin() {
    for_each_path(|trip| {
        let path = trip.path;
        trip.stage.host("a.test", move |r| match r.target() {
            "/to-b" => redirect(307, &path.url("b.test/")),
            _ => Reply::ok("ok"),
        });
        trip.stage.host("b.test", |_| Reply::ok("ok"));
        let session = trip.session();
        for way in ["header", "credentials", "hook"] {
            let request = session.post(trip.url("a.test/to-b")).header("X-Own", "0wn").body("b0dy");
            let request = match way {
                "header" => request.header("PROXY-Authorization", "Basic b3duOm93bg=="),
                "credentials" => request.auth(for_the_proxy),
                _ => request.hook(ForTheProxy),
            };
            trip.send(request.cookie("c", "c00kie")).unwrap();
        }
        // What is handed to a proxy as a whole has the userinfo of the proxy instead; see `Trip::check`.
        for received in trip.stage.seen().iter().filter(|_| path != Path::Direct) {
            let head = String::from_utf8_lossy(received.head().as_bytes()).to_ascii_lowercase();
            assert!(!head.contains("proxy-") && !head.contains("b3duom93bg"), "{path:?}: {head}");
        }
        for head in trip.proxy.seen().iter().filter_map(|asked| asked.head().cloned()) {
            let head = String::from_utf8_lossy(head.as_bytes()).into_owned();
            assert!(!head.contains("b3duOm93bg"), "{path:?}: {head}");
            for own in ["X-Own", "0wn", "c00kie", "b0dy", "/to-b", "Content-", "Accept"] {
                assert!(path == Path::Forward || !head.contains(own), "{path:?}: {own}: {head}");
            }
        }
    });
}

#[test]
fn px_2_what_was_said_to_one_proxy_is_not_said_to_another_on_any_way() {
    for_each_path(|trip| {
        trip.stage.host("a.test", |_| Reply::ok("ok"));
        let other = trip.stage.world.proxy("other.test", ["10.2.0.2"]);
        let mut session = trip.session();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        // From no proxy to one, and from one to another of its kind.
        let scheme = trip.scheme_of_proxy().unwrap_or("http");
        // Another one for a request, for the session, and with credentials of its own.
        let url = |userinfo: &str| format!("{scheme}://{userinfo}other.test");
        trip.send(session.get(trip.url("a.test/")).proxy(url(""))).unwrap();
        session.set_proxies(Proxies::all(url("")).unwrap());
        trip.send(session.get(trip.url("a.test/x"))).unwrap();
        assert!(other.seen().iter().all(|asked| asked.credentials().is_none()), "{:?}", trip.path);
        other.require("x", "y");
        session.set_proxies(Proxies::all(url("x:y@")).unwrap());
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        assert_eq!(other.seen().pop().unwrap().credentials(), Some(("x".into(), "y".into())));
        for asked in other.seen() {
            let head = asked.head().map(|head| String::from_utf8_lossy(head.as_bytes()).into_owned());
            assert!(!head.unwrap_or_default().contains("dXMzcjpwcjB4eXB3"), "{:?}", trip.path);
        }
    });
}

#[test]
fn px_5_no_proxy_means_hosts_in_any_spelling_and_nothing_else_on_every_way() {
    let said = "localhost,127.0.0.1,::1,.example.test,10.0.0.0/8";
    let past = ["localhost", "LOCALHOST.", "[::1]", "127.0.0.1", "a.example.test", "10.1.2.3"];
    let through = ["notexample.test", "example.test.evil", "110.0.0.1"];
    for (streamed, first) in ways() {
        for scheme in SCHEMES {
            let stage = Stage::at_second(first);
            for (name, addr) in [
                ("localhost", "10.4.0.1"),
                ("localhost.", "10.4.0.2"),
                ("six", "::1"),
                ("four", "127.0.0.1"),
                ("a.example.test", "10.4.0.5"),
                ("ten", "10.1.2.3"),
                ("notexample.test", "10.4.0.7"),
                ("example.test.evil", "10.4.0.8"),
                ("hundred-and-ten", "110.0.0.1"),
            ] {
                stage.host_at(name, addr, |_| Reply::ok("ok"));
            }
            let proxy = stage.world.proxy("proxy.test", ["10.2.0.1"]);
            let proxies = Proxies::all(format!("{scheme}://proxy.test")).unwrap().no_proxy(said).unwrap();
            for url_scheme in ["http", "https"] {
                let asked = proxy.seen().len();
                let one = session(&stage, proxies.clone());
                for host in past {
                    send(&one, &format!("{url_scheme}://{host}/"), streamed).unwrap();
                }
                assert_eq!(proxy.seen().len(), asked, "{scheme}: {:?}", proxy.seen());
                let other = session(&stage, proxies.clone());
                for host in through {
                    let before = proxy.seen().len();
                    send(&other, &format!("{url_scheme}://{host}/"), streamed).unwrap();
                    assert!(proxy.seen().len() > before, "{scheme}: {url_scheme}://{host}/");
                }
                let error = send(&other, &format!("{url_scheme}://[::1%25.example.test]/"), streamed);
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Request);
            }
        }
    }
}

#[test]
fn px_6_a_tunnel_refused_after_a_redirect_is_an_error_and_never_an_answer() {
    let refusals = [
        ("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nSet-Cookie: x=1", 407),
        ("302 Found\r\nLocation: http://evil.test/\r\nSet-Cookie: x=1", 302),
        ("401 No\r\nWWW-Authenticate: Basic realm=x\r\nSet-Cookie: x=1", 401),
        ("503 Later\r\nRetry-After: 1\r\nSet-Cookie: x=1", 503),
    ];
    for (lines, status) in refusals {
        for (streamed, first) in ways() {
            let stage = Stage::new();
            for host in ["b.test", "evil.test"] {
                stage.host(host, |_| Reply::ok("ok"));
            }
            let refusal = format!("HTTP/1.1 {lines}\r\nContent-Length: 9\r\n\r\n<b>no</b>");
            let mut at_first = first;
            stage.world.host("proxy.test", ["10.2.0.1"]).accept_all(move |r| match r.method().as_str() {
                "CONNECT" => Reply::raw(refusal.clone()),
                _ => match at_first.take() {
                    Some(First::Refuse) => answer("503 Later", &["Retry-After: 1"], ""),
                    Some(First::Close) => Reply::raw([]).close(),
                    None => redirect(302, "https://b.test/"),
                },
            });
            let mut session = session(&stage, Proxies::all("http://u:s3cret@proxy.test").unwrap());
            session.settings_mut().set_retry(Retry::idempotent(2));
            session.set_auth(Digest::new("d", "d"));
            let error = send(&session, "http://a.test/", streamed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Proxy, "{status}: {error}");
            assert_eq!(error.proxy_status(), StatusCode::from_u16(status).ok());
            assert!(error.response().is_none_or(|response| response.text() != "<b>no</b>"), "{status}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{status}");
            assert!(session.cookies().is_empty(), "{status}: {:?}", session.cookies());
            assert!(stage.seen().is_empty(), "{status}: {:?}", stage.lines());
        }
    }
}

#[test]
fn px_6_nothing_a_proxy_says_with_its_consent_is_of_the_origin() {
    for (streamed, status) in [200, 201, 299].into_iter().flat_map(|status| [(false, status), (true, status)])
    {
        let stage = Stage::new();
        for host in ["b.test", "evil.test"] {
            stage.host(host, |_| Reply::ok("evil"));
        }
        stage.world.host("proxy.test", ["10.2.0.1"]).accept_all(move |r| match r.method().as_str() {
            "CONNECT" => Reply::raw(format!(
                "HTTP/1.1 103 Early\r\nSet-Cookie: e=1\r\n\r\nHTTP/1.1 {status} Go\r\nSet-Cookie: x=1\r\n\
                 Location: http://evil.test/\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
            )),
            _ => Reply::ok("of b"),
        });
        let session = session(&stage, Proxies::all("http://proxy.test").unwrap());
        for _ in 0..2 {
            let response = send(&session, "https://b.test/", streamed).unwrap();
            assert_eq!((response.status().as_u16(), response.text().as_ref()), (200, "of b"), "{status}");
            assert!(response.history().is_empty() && response.headers().get("location").is_none());
        }
        assert!(session.cookies().is_empty() && stage.seen().is_empty(), "{status}: {:?}", stage.lines());
        assert_eq!(stage.world.connections(), 1, "what is said of the connection is said of nothing else");
    }
}

#[test]
fn px_6_one_of_many_whose_tunnel_is_refused_is_an_error_and_the_others_are_answered() {
    let stage = Stage::new();
    stage.host("a.test", |_| Reply::ok("of a"));
    for status in [100_u16, 300, 304, 307, 400, 404, 407, 417, 421, 502] {
        let refusal = format!(
            "HTTP/1.1 {status} No\r\nSet-Cookie: x=1\r\nLocation: /x\r\nContent-Length: 4\r\n\r\n<p/>"
        );
        stage.world.host("proxy.test", ["10.2.0.1"]).accept_all(move |_| Reply::raw(refusal.clone()).close());
        let https = Proxies::new().https("http://u:s3cret@proxy.test").unwrap();
        let session = session(&stage, https);
        let urls = ["http://a.test/", "https://b.test/", "http://a.test/", "https://c.test/"];
        let mut results = session.send_all(urls.map(|url| session.get(url))).into_iter();
        for url in urls {
            match results.next().unwrap() {
                Ok(response) => assert_eq!((response.text().as_ref(), &url[..5]), ("of a", "http:")),
                Err(error) => {
                    assert_eq!((error.kind(), &url[..5]), (ErrorKind::Proxy, "https"), "{status}: {error}");
                    assert!(error.response().is_none() && !error.may_have_been_processed(), "{status}");
                }
            }
        }
        assert!(session.cookies().is_empty(), "{status}");
    }
}

#[test]
fn px_8_no_hop_looks_up_a_name_that_is_the_proxys_to_look_up() {
    for_each_path(|trip| {
        let path = trip.path;
        let a = trip.stage.host("a.test", move |_| redirect(302, &path.url("b.test/")));
        let b = trip.stage.host("b.test", |_| Reply::ok("ok"));
        trip.send(trip.session().get(trip.url("a.test/"))).unwrap();
        let here = usize::from(matches!(trip.path, Path::Direct | Path::Socks5));
        assert_eq!((a.lookups().min(1), b.lookups().min(1)), (here, here), "{:?}", trip.path);
    });
}

#[test]
fn cr_7_a_challenge_of_another_origin_is_the_callers_to_see_on_every_way() {
    for_each_path(|trip| {
        let path = trip.path;
        let challenge = "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"";
        trip.stage.host("a.test", move |r| match (r.target(), value(r, "authorization").as_str()) {
            ("/to-b", _) => redirect(302, &path.url("b.test/")),
            ("/to-port", _) => redirect(307, &path.url("a.test:8081/away")),
            ("/away", _) => answer("401 No", &[challenge], "no"),
            (_, "-") => answer("401 No", &[challenge], ""),
            _ => Reply::ok("in"),
        });
        trip.stage.host("b.test", move |_| answer("401 No", &[challenge], "no"));
        let mut session = trip.session();
        session.set_auth(Digest::new("user", "p:w"));
        assert_eq!(trip.send(session.get(trip.url("a.test/"))).unwrap().text(), "in");
        let response = trip.send(session.get(trip.url("a.test/to-b"))).unwrap();
        assert_eq!((response.status().as_u16(), response.text().as_ref()), (401, "no"), "{path:?}");
        assert_eq!(trip.stage.lines().last().unwrap(), "b.test GET /");
        assert_eq!(trip.stage.lines().iter().filter(|line| line.starts_with("b.test")).count(), 1);
        assert_eq!(value(&trip.stage.last(), "authorization"), "-", "{path:?}");
        // Another port is another origin, whoever holds the credentials.
        let response = trip.send(session.get(trip.url("a.test/to-port"))).unwrap();
        assert_eq!((response.status().as_u16(), response.text().as_ref()), (401, "no"), "{path:?}");
        let fresh = trip.session();
        for place in ["a.test/to-b", "a.test/to-port"] {
            let request = fresh.get(trip.url(place)).auth(Digest::new("user", "p:w"));
            assert_eq!(trip.send(request).unwrap().status(), 401, "{path:?}");
        }
        for place in ["b.test", "a.test:8081"] {
            trip.keeps_from(place, &["\r\nauthorization", "digest", "user\""]);
        }
    });
}

#[test]
fn ru_5_challenges_that_are_about_a_connection_are_the_callers_to_see_on_every_way() {
    for_each_path(|trip| {
        for (host, field) in [("a.test", "Negotiate"), ("b.test", "NTLM")] {
            let field = format!("WWW-Authenticate: {field}");
            trip.stage.host(host, move |_| answer("401 No", &[&field], "no"));
            let session = trip.session();
            let request = session.get(trip.url(&format!("{host}/"))).auth(Digest::new("u", "p"));
            assert_eq!(trip.send(request).unwrap().status(), 401);
            trip.send(session.get(trip.url(&format!("{host}/"))).basic("second", "s")).unwrap();
            trip.send(session.get(trip.url(&format!("{host}/")))).unwrap();
        }
        let basic = "Basic c2Vjb25kOnM=";
        assert_eq!(trip.stage.values("authorization"), ["-", basic, "-", "-", basic, "-"], "{:?}", trip.path);
    });
}

#[test]
fn ru_3_other_credentials_another_proxy_or_none_make_other_connections_on_every_way() {
    for_each_path(|trip| {
        trip.stage.host("a.test", |_| Reply::ok("ok"));
        let session = trip.session();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        let kept = trip.stage.last().connection();
        if let Some(scheme) = trip.scheme_of_proxy() {
            let others = ["u1:p1@other.test", "u2:p2@other.test", "other.test"];
            trip.stage.world.proxy("other.test", ["10.2.0.2"]);
            let mut seen = vec![kept];
            for other in others {
                trip.send(session.get(trip.url("a.test/")).proxy(format!("{scheme}://{other}"))).unwrap();
                seen.push(trip.stage.last().connection());
            }
            trip.send(session.get(trip.url("a.test/")).proxies(Proxies::none())).unwrap();
            seen.push(trip.stage.last().connection());
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 5, "{:?}", trip.path);
        }
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        let used_again = trip.stage.last().connection() == kept;
        assert_eq!(used_again, trip.keeps_connections(), "{:?}", trip.path);
    });
}

impl Trip {
    /// The scheme of a proxy's URL on this way, if there is one.
    fn scheme_of_proxy(&self) -> Option<&'static str> {
        match self.path {
            Path::Direct => None,
            Path::Forward | Path::Connect => Some("http"),
            Path::Socks5 => Some("socks5"),
            Path::Socks5h => Some("socks5h"),
        }
    }
}
