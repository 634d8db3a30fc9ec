//! Texts that would be more than they are: a host, a target, a field, a proxy that would write lines of its own.

use crate::support::fetch;
use pool::sim::{Received, Reply, World};
use pool::{Config, Error, ErrorKind, Method, Origin, Proxy, ProxyKind, Request, Route};

const EVIL: [&str; 6] = [
    "x\r\nX-Inj: 1",
    "x\nX-Inj: 1",
    "x\rX-Inj: 1",
    "x\r\n X-Inj: 1",
    "x HTTP/1.1\r\nX-Inj: 1",
    "x\0\r\n\r\nGET /smuggled HTTP/1.1\r\nX-Inj: 1\r\n\r\n",
];

/// Every way to hand a text to a request that takes this route.
fn said(route: &Route, text: &str) -> Vec<Result<Request, Error>> {
    let build = |target: &str| Request::build(Method::GET, route.clone(), target);
    let to = |origin: Origin| match route.proxy() {
        Some(proxy) => Request::get(Route::direct(origin).via(proxy.clone()), "/"),
        None => Request::get(origin, "/"),
    };
    vec![
        Request::get(route.clone(), text),
        Request::get(route.clone(), &format!("/{text}")),
        Request::get(route.clone(), &format!("/?{text}")),
        build("/").header("X-A", text).finish(),
        build("/").header(text, "1").finish(),
        build("/").header("User-Agent", text).finish(),
        build("/").header("Host", text).finish(),
        build("/").header("Connection", text).finish(),
        build("/").header("Upgrade", text).finish(),
        to(Origin::http(text)),
        to(Origin::https(text)),
        to(Origin::http(format!("a.example{text}"))),
        to(Origin::https(format!("a.example{text}"))),
        to(Origin::http(format!("[{text}]"))),
    ]
}

#[test]
fn inj_3_no_text_of_a_request_or_of_its_route_makes_a_second_line() {
    for evil in EVIL {
        for kind in [None, Some(ProxyKind::Http), Some(ProxyKind::Socks5), Some(ProxyKind::Socks5h)] {
            for origin in ["http://a.example", "https://a.example"] {
                let direct = Route::direct(origin.parse().unwrap());
                let route = |proxy: Option<Proxy>| proxy.map_or(direct.clone(), |p| direct.clone().via(p));
                let own = route(kind.map(|kind| Proxy::new(kind, "p.example", 3128)));
                for result in said(&own, evil) {
                    assert_eq!(result.unwrap_err().kind(), ErrorKind::Config, "{kind:?}: {evil:?}");
                }
                assert!(format!("http://{evil}").parse::<Origin>().is_err());
                let Some(kind) = kind else { continue };
                for host in [evil, &format!("p.example{evil}"), &format!("[{evil}]")] {
                    let error = Request::get(route(Some(Proxy::new(kind, host, 3128))), "/").unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Config, "{host:?}");
                }
            }
        }
    }
}

/// User and password may be any octets: what is sent is made of them, and is one line.
#[test]
fn inj_3_credentials_of_a_proxy_are_one_line_whatever_is_in_them() {
    for evil in EVIL {
        for (kind, origin) in [
            (ProxyKind::Http, "http://a.example"),
            (ProxyKind::Http, "https://a.example"),
            (ProxyKind::Socks5, "http://a.example"),
        ] {
            let world = World::new(7);
            world.host("a.example", ["10.1.0.1"]).accept_all(|_: &Received| Reply::ok("in"));
            let proxy = world.proxy("p.example", ["10.0.0.1"]);
            let user = evil.replace(':', "");
            proxy.require(&user, evil);
            let credentials = Proxy::new(kind, "p.example", 3128).with_credentials(&user, evil).unwrap();
            let route = Route::direct(origin.parse().unwrap()).via(credentials);
            let answer = fetch(&world.pool(Config::default()), Request::get(route, "/").unwrap()).unwrap();
            assert_eq!(answer.status(), 200);
            let [asked] = &*proxy.seen() else { panic!("{:?}", proxy.seen()) };
            assert_eq!(asked.credentials(), Some((user, evil.to_owned())));
            if let Some(head) = asked.head() {
                let lines = head.as_bytes().split(|octet| *octet == b'\n');
                let fields = lines.filter(|line| line.starts_with(b"Proxy-Authorization: Basic ")).count();
                let text = String::from_utf8_lossy(head.as_bytes());
                assert!(fields == 1 && !text.contains("X-Inj"), "{text}");
            }
        }
    }
}
