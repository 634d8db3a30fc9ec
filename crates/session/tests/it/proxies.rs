//! Proxies that are handed requests as a whole, and which of them a request goes to.

use crate::support::{Stage, answer, names, redirect, value};
use pool::Config;
use pool::sim::Reply;
use session::{Error, ErrorKind, Hook, Proxies, Request, Retry, Session, Timeouts};
use std::time::Duration;

/// `a.example` and `b.example`, and the proxies `p.example` and `q.example`, which answer themselves.
fn stage() -> Stage {
    let stage = Stage::new();
    for host in ["a.example", "b.example", "p.example", "q.example"] {
        stage.host(host, |r| match r.target() {
            "http://a.example/to-b" | "/to-b" => redirect(302, "http://b.example/end"),
            "http://a.example/to-a" | "/to-a" => redirect(302, "/end"),
            _ => Reply::ok("ok"),
        });
    }
    stage
}

fn through(stage: &Stage, proxy: &str) -> Session {
    stage.builder().proxy(proxy).build().unwrap()
}

#[test]
fn x_5_a_forwarding_proxy_is_told_the_whole_url_without_fragment_and_userinfo() {
    let stage = stage();
    let session = through(&stage, "http://us3r:s3cret%20@p.example:3128");
    let response = session.get("http://u:p@a.example:8080/x?y=1#frag").send().unwrap();
    assert_eq!(stage.lines(), ["p.example GET http://a.example:8080/x?y=1"]);
    let seen = stage.last();
    assert_eq!(seen.addr().port(), 3128);
    assert_eq!(value(&seen, "host"), "a.example:8080");
    assert_eq!(value(&seen, "authorization"), "Basic dTpw");
    assert_eq!(value(&seen, "proxy-authorization"), "Basic dXMzcjpzM2NyZXQg");
    assert_eq!(names(&seen).pop().unwrap(), "Proxy-Authorization");
    assert_eq!(response.url().as_str(), "http://a.example:8080/x?y=1#frag");
    assert_eq!(response.request().target(), "/x?y=1");
    assert!(!response.request().headers().contains("proxy-authorization"), "it is the proxy's");
}

#[test]
fn x_5_bodies_queries_and_methods_are_those_of_a_direct_request() {
    let stage = stage();
    let session = through(&stage, "p.example");
    session.post("http://a.example").query([("k", "v w")]).form([("a", "b")]).send().unwrap();
    session.request("OPTIONS", "http://a.example/").send().unwrap();
    session.head("http://a.example/h").send().unwrap();
    assert_eq!(
        stage.lines(),
        [
            "p.example POST http://a.example/?k=v+w",
            "p.example OPTIONS http://a.example/",
            "p.example HEAD http://a.example/h"
        ]
    );
    assert_eq!(stage.seen()[0].body(), b"a=b");
    assert_eq!(stage.values("proxy-authorization"), ["-", "-", "-"]);
}

#[test]
fn x_6_origins_behind_a_forwarding_proxy_share_its_connections() {
    let stage = stage();
    let session = through(&stage, "http://p.example:3128");
    for url in ["http://a.example/", "http://b.example/", "http://c.example/"] {
        session.get(url).send().unwrap();
    }
    assert_eq!(stage.world.connections(), 1);
    session.get("http://a.example/").proxy("http://u:p@p.example:3128").send().unwrap();
    session.get("http://a.example/").proxies(Proxies::none()).send().unwrap();
    assert_eq!(stage.world.connections(), 3, "other credentials, or none, never meet on a connection");
}

#[test]
fn a_batch_through_a_proxy_never_waits_for_itself() {
    let stage = Stage::new();
    stage.host("p.example", |_| Reply::ok("")).latency(Duration::from_millis(50));
    let session = stage.with(Config::default().max_per_origin(3)).proxy("http://p.example:3128");
    let session = session.timeouts(Timeouts::default().wait(Duration::from_millis(1))).build().unwrap();
    let hosts = (0..40).map(|i| session.get(format!("http://h{i}.example/")));
    for result in session.send_all(hosts) {
        result.unwrap();
    }
    assert_eq!(stage.world.connections(), 2, "less the one that is kept for others");
}

#[test]
fn m_9_what_a_request_says_goes_before_what_the_session_says() {
    let stage = stage();
    let mut session = stage.session();
    session.set_proxies(Proxies::all("http://p.example").unwrap());
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").proxy("http://q.example").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    let clone = session.clone();
    session.set_proxies(Proxies::new().http("http://q.example").unwrap());
    session.get("http://a.example/").send().unwrap();
    clone.get("http://a.example/").send().unwrap();
    let mut request = clone.get("http://a.example/").build().unwrap();
    request.settings_mut().set_proxies(Proxies::none());
    clone.send(request).unwrap();
    let asked: Vec<String> =
        stage.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(asked, ["p.example", "q.example", "p.example", "q.example", "p.example", "a.example"]);
}

#[test]
fn m_10_a_key_without_a_proxy_takes_the_one_of_the_session_away_for_this_request() {
    let stage = stage();
    let session = through(&stage, "p.example");
    let none = Proxies::from_pairs([("http", "")]).unwrap();
    for proxies in [none, Proxies::new().direct("http").unwrap(), Proxies::none()] {
        session.get("http://a.example/").proxies(proxies).send().unwrap();
    }
    session.get("http://a.example/").send().unwrap();
    assert_eq!(
        stage.lines(),
        ["a.example GET /", "a.example GET /", "a.example GET /", "p.example GET http://a.example/"]
    );
}

#[test]
fn m_11_a_prepared_request_keeps_its_proxies_whoever_sends_it() {
    let stage = stage();
    let request = through(&stage, "p.example").get("http://a.example/").build().unwrap();
    stage.session().send(request.clone()).unwrap();
    through(&stage, "q.example").send(request).unwrap();
    assert_eq!(stage.lines(), ["p.example GET http://a.example/", "p.example GET http://a.example/"]);
}

#[test]
fn d_14_the_proxy_is_chosen_for_each_hop() {
    let stage = stage();
    let per_host = Proxies::from_pairs([("http://a.example", "http://u:p@p.example"), ("http", "q.example")]);
    let session = stage.builder().proxies(per_host.unwrap()).build().unwrap();
    session.get("http://a.example/to-b").send().unwrap();
    let excepted = Proxies::all("http://u:p@p.example").unwrap().no_proxy("b.example").unwrap();
    session.get("http://a.example/to-b").proxies(excepted).send().unwrap();
    let only = Proxies::none().set("http://b.example", "http://u:p@p.example").unwrap();
    session.get("http://a.example/to-b").proxies(only).send().unwrap();
    assert_eq!(
        stage.lines(),
        [
            "p.example GET http://a.example/to-b",
            "q.example GET http://b.example/end",
            "p.example GET http://a.example/to-b",
            "b.example GET /end",
            "a.example GET /to-b",
            "p.example GET http://b.example/end",
        ]
    );
    let basic = "Basic dTpw";
    assert_eq!(stage.values("proxy-authorization"), [basic, "-", basic, "-", "-", basic]);
}

#[test]
fn t_7_a_proxy_authorization_set_by_hand_is_for_a_proxy_that_reads_the_head_and_for_nobody_else() {
    let stage = stage();
    let mut session = through(&stage, "p.example");
    session.headers_mut().insert("Proxy-Authorization", "Basic b3duOm93bg==").unwrap();
    session.get("http://a.example/to-a").send().unwrap();
    assert_eq!(
        stage.values("proxy-authorization"),
        ["Basic b3duOm93bg==", "-"],
        "a redirect drops it: it is for the proxy of the first hop"
    );
    session.get("http://a.example/").proxy("http://u:p@p.example").send().unwrap();
    assert_eq!(
        stage.values("proxy-authorization")[2..],
        ["Basic dTpw"],
        "userinfo of the proxy goes before it"
    );
    session.get("http://a.example/").proxies(Proxies::none()).send().unwrap();
    let excepted = Proxies::all("p.example").unwrap().no_proxy("a.example").unwrap();
    session.get("http://a.example/").proxies(excepted).send().unwrap();
    assert_eq!(stage.values("proxy-authorization")[3..], ["-", "-"]);
    assert_eq!(stage.lines()[3..], ["a.example GET /", "a.example GET /"]);
}

#[test]
fn px_2_the_credentials_of_one_proxy_never_reach_another() {
    let stage = stage();
    let mut session = through(&stage, "http://u:p@p.example");
    session.get("http://a.example/").send().unwrap();
    session.set_proxies(Proxies::all("http://q.example").unwrap());
    session.get("http://a.example/").send().unwrap();
    session.set_proxies(Proxies::all("http://x:y@q.example").unwrap());
    session.get("http://a.example/").send().unwrap();
    session.set_proxies(Proxies::all("http://p.example").unwrap());
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("proxy-authorization"), ["Basic dTpw", "-", "Basic eDp5", "-"]);
}

#[test]
fn nr_2_credentials_are_those_of_a_request_and_not_of_the_connection_to_the_proxy() {
    let stage = stage();
    let session = through(&stage, "p.example");
    session.get("http://a.example/to-b").basic("u", "p").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Basic dTpw", "-", "-"]);
    assert_eq!(stage.lines()[1], "p.example GET http://b.example/end");
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn px_8_only_the_name_of_a_forwarding_proxy_is_looked_up() {
    let stage = Stage::new();
    let proxy = stage.host("p.example", |_| Reply::ok(""));
    let origin = stage.host("a.example", |_| Reply::ok(""));
    through(&stage, "p.example").get("http://a.example/").send().unwrap();
    assert_eq!((proxy.lookups(), origin.lookups()), (1, 0));
}

#[test]
fn a_proxy_that_cannot_be_reached_is_an_error_and_never_a_direct_request() {
    let ways = ["http", "https", "socks5", "socks5h"].map(|scheme| [(scheme, "http"), (scheme, "https")]);
    for ((scheme, url_scheme), streamed) in
        ways.concat().into_iter().flat_map(|way| [(way, false), (way, true)])
    {
        for how in ["refused", "unknown", "silent", "closed"] {
            let stage = Stage::new();
            let origin = stage.host("a.example", |_| Reply::ok(""));
            let proxy = stage.host("p.example", |_| Reply::raw([]).close());
            match how {
                "refused" => proxy.refuse(),
                "unknown" => proxy.lookup_fails(std::io::ErrorKind::NotFound),
                "silent" => proxy.blackhole(),
                _ => {}
            }
            let session = through(&stage, &format!("{scheme}://u:s3cret@p.example"));
            let request = session.get(format!("{url_scheme}://a.example/")).retry(Retry::idempotent(2));
            let error =
                if streamed { request.stream().map(drop) } else { request.send().map(drop) }.unwrap_err();
            let forwarded = scheme.starts_with("http") && url_scheme == "http";
            assert!(error.is_connect() || (forwarded && how == "closed"), "{scheme} {how}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
            assert!(forwarded || !error.may_have_been_processed(), "{scheme} {how}: {error:?}");
            let told: Vec<String> =
                stage.lines().into_iter().filter(|line| !line.starts_with("p.")).collect();
            assert!(told.is_empty() && origin.connections() == 0, "{scheme} {url_scheme} {how}: {told:?}");
        }
    }
}

#[test]
fn px_8_a_name_that_is_not_found_where_it_is_looked_up_is_not_looked_up_elsewhere() {
    for (scheme, url_scheme) in [("socks5", "http"), ("socks5", "https")] {
        let stage = Stage::new();
        let origin = stage.host("a.example", |_| Reply::ok(""));
        origin.lookup_fails(std::io::ErrorKind::NotFound);
        let proxy = stage.world.proxy("p.example", ["10.2.0.1"]);
        let session = through(&stage, &format!("{scheme}://p.example"));
        let error = session.get(format!("{url_scheme}://a.example/")).send().unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert!(proxy.seen().is_empty() && stage.seen().is_empty(), "{:?}", proxy.seen());
    }
    for (scheme, url_scheme) in
        [("http", "http"), ("http", "https"), ("socks5h", "http"), ("socks5h", "https")]
    {
        let stage = Stage::new();
        let elsewhere = stage.host("a.example", |_| Reply::ok(""));
        // The proxy finds nobody of this name.
        stage.world.host("p.example", ["10.2.0.1"]).accept_all(|_| Reply::status(502));
        let session = through(&stage, &format!("{scheme}://p.example"));
        let result = session.get(format!("{url_scheme}://a.example/")).send();
        assert!(result.is_err() || (scheme, url_scheme) == ("http", "http"), "{result:?}");
        assert_eq!((elsewhere.lookups(), elsewhere.connections()), (0, 0), "{scheme} {url_scheme}");
    }
}

/// Says `407` without asking for anything that could be answered.
#[test]
fn a_407_of_a_forwarding_proxy_is_an_answer_like_others() {
    let stage = Stage::new();
    stage.host("p.example", |_| answer("407 No", &["Proxy-Authenticate: Basic realm=x"], "who are you"));
    let response = through(&stage, "p.example").get("http://a.example/").send().unwrap();
    assert_eq!((response.status().as_u16(), response.text().as_ref()), (407, "who are you"));
}

#[test]
fn x_1_what_names_no_proxy_is_an_error_wherever_it_is_said() {
    let stage = stage();
    let error = stage.builder().proxy("http://").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let error =
        stage.session().get("http://a.example/").proxy("socks4://u:s3cret@p.example").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("only socks5 and socks5h"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"));
    assert!(stage.seen().is_empty());
}

/// Chooses a proxy.
struct Via(&'static str);

impl Hook for Via {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        request.settings_mut().set_proxies(Proxies::all(self.0)?);
        Ok(())
    }
}

#[test]
fn a_hook_may_choose_the_proxy() {
    let stage = stage();
    stage.session().get("http://a.example/").hook(Via("q.example")).send().unwrap();
    assert_eq!(stage.lines(), ["q.example GET http://a.example/"]);
}

#[test]
fn px_5_a_host_with_a_zone_is_refused_as_a_url() {
    let stage = stage();
    let session =
        stage.builder().proxies(Proxies::all("p.example").unwrap().no_proxy("::1").unwrap()).build().unwrap();
    let error = session.get("http://[::1%25.example.test]/").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(stage.seen().is_empty());
}
