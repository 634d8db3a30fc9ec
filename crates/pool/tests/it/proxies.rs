//! Proxies as routes: what is said to whom, who looks up what, and which requests share connections.

use crate::support::{Answer, counts, fetch, millis};
use pool::sim::{AskedKind, Reply, SimProxy, World, ok};
use pool::{
    Body, Config, Error, ErrorKind, Method, Origin, Phase, Pool, Proxy, ProxyKind, Request, RequestHead,
    Route,
};
use std::sync::{Arc, Mutex};

/// What a host saw: `path` and whether any field was meant for a proxy.
type Log = Arc<Mutex<Vec<String>>>;

/// A world with the proxies `p.example` and `q.example` and the hosts `a.example` and `b.example`, which answer
/// everything with their name.
fn world() -> (World, SimProxy, SimProxy, Log) {
    let world = World::new(7);
    let proxies = ["p", "q"].map(|name| {
        world.proxy(&format!("{name}.example"), [if name == "p" { "10.0.0.1" } else { "10.0.0.2" }])
    });
    let log = Log::default();
    for (name, addr) in [("a.example", "10.1.0.1"), ("b.example", "10.1.0.2")] {
        let log = log.clone();
        world.host(name, [addr]).accept_all(move |request| {
            let fields: Vec<String> =
                request.head().headers().iter().map(|(name, _)| name.to_string()).collect();
            log.lock().unwrap().push(format!(
                "{name} {} {} {}",
                request.method(),
                request.target(),
                fields.join(",")
            ));
            Reply::ok(name)
        });
    }
    let [p, q] = proxies;
    (world, p, q, log)
}

fn proxy(kind: ProxyKind) -> Proxy {
    Proxy::new(kind, "p.example", 3128)
}

fn paid(kind: ProxyKind, user: &str) -> Proxy {
    proxy(kind).with_credentials(user, "pw").unwrap()
}

fn route(origin: &str) -> Route {
    Route::direct(origin.parse().unwrap())
}

fn get(route: Route) -> Request {
    Request::build(Method::GET, route, "/x?y")
        .header("User-Agent", "porter/1")
        .header("Cookie", "c=d")
        .finish()
        .unwrap()
}

fn lines(request: &[u8]) -> Vec<&str> {
    std::str::from_utf8(request).unwrap().lines().filter(|line| !line.is_empty()).collect()
}

fn fetch_via(pool: &Pool, origin: &str, proxy: Proxy) -> Result<Answer, Error> {
    fetch(pool, get(route(origin).via(proxy)))
}

const KINDS: [ProxyKind; 4] = [ProxyKind::Http, ProxyKind::Https, ProxyKind::Socks5, ProxyKind::Socks5h];

#[test]
fn every_kind_of_proxy_leads_to_both_kinds_of_origins() {
    let (world, p, _, log) = world();
    let pool = world.pool(Config::default());
    for kind in KINDS {
        for origin in ["http://a.example", "https://b.example:8443", "http://10.1.0.2:81", "https://10.1.0.1"]
        {
            let answer = fetch_via(&pool, origin, proxy(kind)).unwrap();
            let expected = if origin.contains("a.example") || origin.contains("10.1.0.1") {
                "a.example"
            } else {
                "b.example"
            };
            assert_eq!(answer.text(), expected, "{origin} via {kind:?}");
            assert_eq!(answer.attempts.last().peer.unwrap().to_string(), "10.0.0.1:3128");
            let tunnel =
                matches!(kind, ProxyKind::Socks5 | ProxyKind::Socks5h) || origin.starts_with("https");
            assert_eq!(answer.attempts.last().tunneled.is_some(), tunnel);
        }
    }
    assert_eq!(p.seen().len(), 16);
    assert!(p.seen().iter().all(|asked| asked.was_granted() && asked.credentials().is_none()));
    assert!(
        log.lock().unwrap().iter().all(|line| line.ends_with(" GET /x?y Host,User-Agent,Cookie")),
        "{log:?}"
    );
    drop(pool);
    world.assert_quiet();
}

#[test]
fn x_5_an_http_target_goes_to_the_proxy_in_absolute_form_with_the_credentials_on_the_request() {
    let world = World::new(7);
    let host = world.host("p.example", ["10.0.0.1"]);
    let peer = host.accept().expect("GET http://a.example:81/x?y HTTP/1.1").reply(ok("one"));
    let pool = world.pool(Config::default());
    fetch_via(&pool, "http://a.example:81", paid(ProxyKind::Http, "u")).unwrap();
    let received = peer.received();
    assert_eq!(
        lines(&received),
        [
            "GET http://a.example:81/x?y HTTP/1.1",
            "Host: a.example:81",
            "Proxy-Authorization: Basic dTpwdw==",
            "User-Agent: porter/1",
            "Cookie: c=d",
        ]
    );
    drop(pool);
    world.assert_quiet();
}

#[test]
fn x_5_an_https_target_is_a_connect_with_host_credentials_and_agent_and_nothing_of_them_inside() {
    let world = World::new(7);
    let host = world.host("p.example", ["10.0.0.1"]);
    let peer = host.accept().expect("CONNECT a.example:443 HTTP/1.1");
    peer.reply("HTTP/1.1 200 Connection established\r\n\r\n").expect("GET /x?y").reply(ok("one"));
    let pool = world.pool(Config::default());
    assert_eq!(fetch_via(&pool, "https://a.example", paid(ProxyKind::Http, "u")).unwrap().text(), "one");
    let received = peer.received();
    assert_eq!(
        lines(&received),
        [
            "CONNECT a.example:443 HTTP/1.1",
            "Host: a.example:443",
            "Proxy-Authorization: Basic dTpwdw==",
            "User-Agent: porter/1",
            "GET /x?y HTTP/1.1",
            "Host: a.example",
            "User-Agent: porter/1",
            "Cookie: c=d",
        ]
    );
    drop(pool);
    world.assert_quiet();
}

#[test]
fn x_5_a_tunnel_may_be_asked_for_an_http_target_too() {
    let (world, p, _, log) = world();
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, get(route("http://a.example").via_tunnel(paid(ProxyKind::Http, "u")))).unwrap();
    assert_eq!(answer.text(), "a.example");
    assert_eq!((p.seen()[0].kind(), p.seen()[0].target()), (AskedKind::Connect, "a.example:80"));
    assert_eq!(*log.lock().unwrap(), ["a.example GET /x?y Host,User-Agent,Cookie"]);
}

#[test]
fn x_6_forwarded_origins_share_the_connections_of_the_proxy_and_tunnels_those_of_their_target() {
    let (world, p, _, _) = world();
    let pool = world.pool(Config::default());
    for (n, origin) in ["http://a.example", "http://b.example", "http://a.example:81"].into_iter().enumerate()
    {
        let answer = fetch_via(&pool, origin, proxy(ProxyKind::Http)).unwrap();
        assert_eq!((answer.reused(), counts(&pool)), (n > 0, (1, 1, 0)));
    }
    for (n, origin) in
        ["https://a.example", "https://b.example", "https://a.example:81"].into_iter().enumerate()
    {
        assert!(!fetch_via(&pool, origin, proxy(ProxyKind::Http)).unwrap().reused());
        assert!(fetch_via(&pool, origin, proxy(ProxyKind::Http)).unwrap().reused());
        assert_eq!(counts(&pool), (n + 2, n + 2, 0));
    }
    assert_eq!(p.host().connections(), 4);
    let (kinds, targets): (Vec<_>, Vec<_>) =
        p.seen().iter().map(|a| (a.kind(), a.target().to_owned())).unzip();
    assert_eq!(kinds[..3], [AskedKind::Forward; 3]);
    assert_eq!(targets[3..], ["a.example:443", "b.example:443", "a.example:81"]);
}

#[test]
fn x_6_the_limit_of_an_origin_holds_for_a_proxy_that_forwards() {
    let (world, p, _, _) = world();
    let pool = world.pool(Config::default().max_per_origin(2));
    let mut run = crate::support::Run::new(&pool);
    for n in 0..8 {
        let origin = ["http://a.example", "http://b.example"][n % 2];
        run.start(get(route(origin).via(proxy(ProxyKind::Http))));
    }
    run.finish();
    assert_eq!((p.host().connections(), p.seen().len()), (2, 8));
}

#[test]
fn x_7_socks5_looks_the_target_up_here_and_socks5h_there_with_user_and_password() {
    let (world, p, _, _) = world();
    p.require("u", "pw");
    let pool = world.pool(Config::default());
    for (kind, target) in [(ProxyKind::Socks5, "10.1.0.1:80"), (ProxyKind::Socks5h, "a.example:80")] {
        assert_eq!(fetch_via(&pool, "http://a.example", paid(kind, "u")).unwrap().text(), "a.example");
        let asked = p.seen().pop().unwrap();
        assert_eq!((asked.kind(), asked.target()), (AskedKind::Socks5, target));
        assert_eq!(asked.credentials(), Some(("u".into(), "pw".into())));
    }
    for (kind, words) in
        [(proxy(ProxyKind::Socks5h), "none are set"), (paid(ProxyKind::Socks5h, "w"), "not accept")]
    {
        let error = fetch_via(&pool, "http://a.example", kind).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, Some(Phase::Proxy)));
        assert!(error.to_string().contains(words) && error.into_request().is_some());
    }
}

#[test]
fn x_7_socks5_takes_the_first_address_of_the_local_lookup() {
    let (world, p, _, _) = world();
    world.host("b.example", ["10.1.0.3", "fd00::2"]);
    let pool = world.pool(Config::default());
    fetch_via(&pool, "http://b.example", proxy(ProxyKind::Socks5)).unwrap();
    fetch_via(&pool, "http://10.1.0.3", proxy(ProxyKind::Socks5)).unwrap();
    fetch_via(&pool, "http://[fd00::2]", proxy(ProxyKind::Socks5h)).unwrap();
    let targets: Vec<_> = p.seen().iter().map(|asked| asked.target().to_owned()).collect();
    assert_eq!(targets, ["10.1.0.2:80", "10.1.0.3:80", "fd00::2:80"]);
}

#[test]
fn px_1_credentials_of_the_proxy_are_on_connect_or_the_forwarded_request_and_nowhere_else() {
    let (world, p, _, log) = world();
    p.require("u", "pw");
    let pool = world.pool(Config::default());
    for kind in KINDS {
        for origin in ["http://a.example", "https://b.example"] {
            fetch_via(&pool, origin, paid(kind, "u")).unwrap();
            let asked = p.seen().pop().unwrap();
            assert_eq!(asked.credentials(), Some(("u".into(), "pw".into())), "{kind:?} {origin}");
        }
    }
    assert!(log.lock().unwrap().iter().all(|line| !line.to_lowercase().contains("proxy-")), "{log:?}");
    let answer = fetch_via(&pool, "http://a.example", proxy(ProxyKind::Http)).unwrap();
    assert_eq!((answer.status(), answer.text()), (407, "who are you"));
}

#[test]
fn px_2_credentials_of_one_proxy_never_reach_another() {
    let (world, p, q, _) = world();
    let pool = world.pool(Config::default());
    for origin in ["http://a.example", "https://a.example"] {
        for kind in KINDS {
            fetch_via(&pool, origin, paid(kind, "u")).unwrap();
            fetch_via(&pool, origin, Proxy::new(kind, "q.example", 3128)).unwrap();
            fetch_via(
                &pool,
                origin,
                Proxy::new(kind, "q.example", 3128).with_credentials("own", "pw").unwrap(),
            )
            .unwrap();
        }
    }
    assert_eq!((p.seen().len(), q.seen().len()), (8, 16));
    let told = |asked: &pool::sim::Asked| asked.credentials().map(|(user, _)| user);
    // A proxy of SOCKS that asks for none is told none.
    assert!(
        p.seen().iter().all(|asked| asked.kind() == AskedKind::Socks5 || told(asked).as_deref() == Some("u"))
    );
    assert!(q.seen().iter().all(|asked| told(asked).is_none_or(|user| user == "own")));
}

#[test]
fn ru_3_other_credentials_another_proxy_or_none_make_other_connections() {
    for (kind, origin) in
        KINDS.into_iter().flat_map(|kind| [(kind, "http://a.example"), (kind, "https://a.example")])
    {
        let (world, p, q, _) = world();
        let pool = world.pool(Config::default());
        let other = Proxy::new(kind, "q.example", 3128);
        let routes = [
            route(origin).via(paid(kind, "u1")),
            route(origin).via(paid(kind, "u2")),
            route(origin).via(proxy(kind)),
            route(origin).via(other),
            route(origin),
        ];
        for reused in [false, true] {
            for route in &routes {
                assert_eq!(fetch(&pool, get(route.clone())).unwrap().reused(), reused, "{route:?}");
            }
        }
        assert_eq!((p.host().connections(), q.host().connections(), pool.counts().open), (3, 1, 5));
    }
}

#[test]
fn ru_3_a_tunnel_is_used_for_its_target_only() {
    let (world, p, _, log) = world();
    let pool = world.pool(Config::default());
    for origin in ["https://a.example", "https://b.example", "https://a.example:444", "http://a.example:443"]
    {
        let answer = fetch(&pool, get(route(origin).via_tunnel(proxy(ProxyKind::Http)))).unwrap();
        assert!(!answer.reused(), "{origin}");
    }
    let targets: Vec<_> = p.seen().iter().map(|asked| asked.target().to_owned()).collect();
    assert_eq!(targets, ["a.example:443", "b.example:443", "a.example:444", "a.example:443"]);
    assert_eq!(log.lock().unwrap().iter().filter(|line| line.starts_with("b.example")).count(), 1);
}

#[test]
fn a_5_a_pool_of_another_proxy_is_another_key_and_tls_settings_stay_part_of_it() {
    let (world, _, _, _) = world();
    let pool = world.pool(Config::default());
    let trusting = |tls| Route::with_tls(Origin::https("a.example"), tls).via(proxy(ProxyKind::Http));
    let (default, own) = (pool::Tls::default(), pool::Tls::without_public_roots());
    for (tls, reused) in [(&default, false), (&own, false), (&default, true), (&own, true)] {
        assert_eq!(fetch(&pool, get(trusting(tls.clone()))).unwrap().reused(), reused);
    }
    let secure = |tls| proxy(ProxyKind::Https).with_tls(tls);
    for (tls, reused) in [(&default, false), (&own, false), (&default, true)] {
        let answer = fetch_via(&pool, "http://a.example", secure(tls.clone())).unwrap();
        assert_eq!(answer.reused(), reused);
    }
}

#[test]
fn px_8_only_the_proxys_name_is_looked_up_here_unless_socks5_is_asked_to() {
    for (kind, here) in KINDS.into_iter().zip([0, 0, 1, 0]) {
        for origin in ["http://a.example", "https://a.example"] {
            let (world, p, _, _) = world();
            let a = world.host("a.example", []);
            let pool = world.pool(Config::default());
            fetch_via(&pool, origin, proxy(kind)).unwrap();
            assert_eq!((p.host().lookups(), a.lookups()), (1, here), "{kind:?} {origin}");
        }
    }
}

#[test]
fn px_6_a_refusal_of_connect_is_a_proxy_error_and_nothing_of_it_is_an_answer() {
    for (status, fields) in [
        (407, "Set-Cookie: x=1\r\nProxy-Authenticate: Basic realm=\"r\"\r\n"),
        (302, "Location: http://evil.example/\r\n"),
        (101, ""),
        (500, ""),
    ] {
        let world = World::new(7);
        let host = world.host("p.example", ["10.0.0.1"]);
        let evil = world.host("evil.example", ["10.6.6.6"]);
        let reply = format!("HTTP/1.1 {status} No\r\n{fields}Content-Length: 13\r\n\r\n<h1>evil</h1>");
        host.accept().expect("CONNECT a.example:443").reply(reply).expect_close();
        let pool = world.pool(Config::default());
        let error = fetch_via(&pool, "https://a.example", paid(ProxyKind::Http, "u")).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, Some(Phase::Proxy)), "{error}");
        if status != 101 {
            assert_eq!(error.proxy_status().unwrap().as_u16(), status);
            assert_eq!(error.proxy_body(), b"<h1>evil</h1>");
            assert!(
                error.to_string().contains(&format!("refused a tunnel to a.example:443: {status}")),
                "{error}"
            );
        }
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("dTpwdw") && !shown.contains("x=1"), "{shown}");
        assert!(error.nothing_sent() && !error.may_have_been_processed());
        assert_eq!((evil.lookups(), counts(&pool), world.connections()), (0, (0, 0, 0), 1));
        assert_eq!(error.into_request().unwrap().method(), Method::GET);
        world.assert_quiet();
    }
}

#[test]
fn what_a_proxy_that_forwards_answers_itself_is_the_answer() {
    let (world, p, _, log) = world();
    p.require("u", "pw");
    let pool = world.pool(Config::default());
    assert_eq!(fetch_via(&pool, "http://a.example", paid(ProxyKind::Http, "w")).unwrap().status(), 407);
    assert_eq!(fetch_via(&pool, "http://nowhere.example", paid(ProxyKind::Http, "u")).unwrap().status(), 502);
    assert!(log.lock().unwrap().is_empty());
}

#[test]
fn a_head_that_does_not_fit_its_route_is_refused() {
    let head =
        |target: &str| RequestHead::builder(Method::GET, target).header("Host", "a.example").build().unwrap();
    let forwarded = || route("http://a.example").via(proxy(ProxyKind::Http));
    let tunnel = || route("http://a.example").via_tunnel(proxy(ProxyKind::Http));
    for (route, target, fits) in [
        (route("http://a.example"), "/x", true),
        (route("http://a.example"), "http://a.example/x", false),
        (tunnel(), "/x", true),
        (tunnel(), "http://a.example/x", false),
        (forwarded(), "/x", false),
        (forwarded(), "http://a.example/x", true),
        (forwarded(), "http://b.example/x", false),
    ] {
        match Request::new(route, head(target), Body::Empty) {
            Ok(_) => assert!(fits, "{target}"),
            Err(error) => assert!(!fits && error.kind() == ErrorKind::Config, "{target}: {error}"),
        }
    }
    assert!(Request::build(Method::CONNECT, forwarded(), "a.example:80").finish().is_err());
    assert!(Request::get(route("http://a.example").via(Proxy::new(ProxyKind::Http, "p p", 1)), "/").is_err());
    let options = Request::build(Method::OPTIONS, forwarded(), "*").finish().unwrap();
    assert_eq!(options.head().target(), "http://a.example");
}

#[test]
fn bodies_go_both_ways_through_every_kind_of_proxy() {
    for kind in KINDS {
        for origin in ["http://a.example", "https://a.example"] {
            let world = World::new(7);
            world.fragment(pool::sim::Fragments::Random);
            world.short_writes(pool::sim::Fragments::Random);
            world.proxy("p.example", ["10.0.0.1"]).host().latency(millis(5));
            world.host("a.example", ["10.1.0.1"]).accept_all(|request| {
                Reply::raw(
                    [
                        ok("").strip_suffix(b"0\r\n\r\n").unwrap(),
                        format!("{}\r\n\r\n", request.body().len()).as_bytes(),
                        request.body(),
                    ]
                    .concat(),
                )
            });
            let pool = world.pool(Config::default());
            let bytes = crate::support::pattern(200_000);
            let source = std::io::Cursor::new(bytes.clone());
            for body in [Body::from(bytes.clone()), Body::once(source)] {
                let request = Request::build(Method::POST, route(origin).via(proxy(kind)), "/")
                    .body(body)
                    .finish()
                    .unwrap();
                assert_eq!(fetch(&pool, request).unwrap().body, bytes, "{kind:?} {origin}");
            }
        }
    }
}
