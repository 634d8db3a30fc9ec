//! What a session holds from the start, and what becomes of it.

use crate::support::{Stage, answer, names, value};
use pool::Config;
use pool::sim::Reply;
use session::{
    Basic, CookieJar, ErrorKind, Head, Hook, Proxies, Redirect, Request, Response, Retry, Session, Timeouts,
    Tls,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testbed::Testbed;

/// Counts the heads it sees.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Hook for Counter {
    fn after(&self, _: &Request, _: Result<&Head, &session::Error>) -> Option<Response> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[test]
fn s_1_every_attribute_of_a_session_can_be_changed_between_requests() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target().split('?').next() {
        Some("/go") => answer("302 Go", &["Location: /"], ""),
        _ => Reply::ok("ok"),
    });
    let mut session = stage.session();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(value(&stage.last(), "authorization"), "-");

    let hook = Counter::default();
    session.headers_mut().insert("X-Own", "1").unwrap();
    session.set_auth(Basic::new("user", "pass"));
    session.settings_mut().params_mut().push(("key".into(), "v".into()));
    session.settings_mut().add_hook(hook.clone());
    session.settings_mut().set_redirect(Redirect::none());
    session.settings_mut().set_tls(Tls::without_public_roots());
    let url = session::Url::parse("http://a.example/").unwrap();
    session.cookies().set(&url, session::Cookie::new("kind", "oat")).unwrap();
    let response = session.get("http://a.example/go").send().unwrap();
    assert_eq!(response.status().as_u16(), 302, "max_redirects");
    let last = stage.last();
    assert_eq!(last.target(), "/go?key=v", "params");
    assert_eq!(value(&last, "x-own"), "1", "headers");
    assert_eq!(value(&last, "authorization"), "Basic dXNlcjpwYXNz", "auth");
    assert_eq!(value(&last, "cookie"), "kind=oat", "cookies");
    assert_eq!(hook.0.load(Ordering::Relaxed), 1, "hooks");
    assert_eq!(session.settings().tls(), Some(&Tls::without_public_roots()), "verify");

    session.settings_mut().clear_auth();
    session.settings_mut().set_redirect(Redirect::default());
    session.headers_mut().remove("x-own");
    session.settings_mut().params_mut().clear();
    session.settings_mut().hooks_mut().clear();
    session.get("http://a.example/go").send().unwrap();
    let last = stage.last();
    assert_eq!((last.target(), value(&last, "x-own").as_str()), ("/", "-"));
    assert_eq!((value(&last, "authorization").as_str(), hook.0.load(Ordering::Relaxed)), ("-", 1));

    session.set_cookie_jar(CookieJar::new());
    stage.host("p.example", |_| Reply::ok("the proxy's"));
    session.set_proxies(Proxies::all("http://p.example").unwrap());
    assert_eq!(session.get("http://a.example/").send().unwrap().text(), "the proxy's", "proxies");
    assert_eq!((stage.last().target(), value(&stage.last(), "cookie").as_str()), ("http://a.example/", "-"));
    let elsewhere = Stage::new();
    elsewhere.host("a.example", |_| Reply::ok("the other pool's"));
    session.set_proxies(Proxies::none());
    session.mount("http://a.example", elsewhere.world.pool(Config::default())).unwrap();
    assert_eq!(session.get("http://a.example/").send().unwrap().text(), "the other pool's", "adapters");
}

#[test]
fn s_2_a_new_session_has_four_headers_and_nothing_else() {
    let session = Session::builder().ignore_environment().build().unwrap();
    let headers: Vec<&str> = session.headers().iter().map(|(name, _)| name).collect();
    assert_eq!(headers, ["User-Agent", "Accept-Encoding", "Accept", "Connection"]);
    let settings = session.settings();
    assert!(settings.params().is_empty() && settings.hooks().is_empty() && session.cookies().is_empty());
    assert!(settings.tls().is_none() && settings.base().is_none() && settings.retry().is_none());
    assert!(settings.cookies() && settings.decode() && !settings.error_for_status());
    assert_eq!(format!("{:?}", Redirect::default()), "Redirect(limited 30)");
}

#[test]
fn s_5_closing_a_session_ends_its_idle_connections_and_it_can_be_used_again() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let session = stage.session();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.world.open(), 1);
    session.close_idle();
    assert_eq!(stage.world.open(), 0);
    session.get("http://a.example/").send().unwrap();
    assert_eq!((stage.world.open(), stage.world.connections()), (1, 2));
    drop(session);
    assert_eq!(stage.world.open(), 0, "the last handle closes them too");
}

#[test]
fn s_6_one_shot_functions_keep_neither_connections_nor_cookies() {
    let testbed = Testbed::start().unwrap();
    let url = |path: &str| format!("{}/{path}", testbed.http());
    session::get(url("cookies/set/kind/oat")).redirect(Redirect::none()).send().unwrap();
    let cookies: serde_json::Value = session::get(url("cookies")).send().unwrap().json().unwrap();
    assert_eq!(cookies["cookies"], serde_json::json!({}));
    let posted: serde_json::Value = session::post(url("post")).json(&7).send().unwrap().json().unwrap();
    assert_eq!(posted["json"], 7);
    for (builder, status) in [
        (session::put(url("put")), 200),
        (session::patch(url("patch")), 200),
        (session::delete(url("delete")), 200),
        (session::head(url("get")), 200),
        (session::options(url("get")), 200),
        (session::request("get", url("status/418")), 418),
    ] {
        assert_eq!(builder.send().unwrap().status().as_u16(), status);
    }
    assert_eq!(testbed.stats().plain_connections, 9, "one for each call");
}

#[test]
fn s_11_a_session_has_time_limits_a_base_url_and_a_redirect_policy() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/v2/slow" => Reply::ok("").delay(Duration::from_secs(5)),
        "/v2/go" => answer("302 Go", &["Location: /"], ""),
        _ => Reply::ok("ok"),
    });
    let session = stage
        .builder()
        .base("http://a.example/v2/")
        .unwrap()
        .timeouts(Timeouts::default().idle(Duration::from_secs(20)))
        .timeout(Duration::from_secs(2))
        .redirect(Redirect::none())
        .build()
        .unwrap();
    assert_eq!(session.get("go").send().unwrap().status().as_u16(), 302);
    let error = session.get("slow").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(session::Limit::Total));
    let patient = session.get("slow").timeout(Duration::from_secs(6)).send().unwrap();
    assert_eq!(patient.url().as_str(), "http://a.example/v2/slow");
}

#[test]
fn m_1_what_is_no_map_is_replaced_as_a_whole_and_maps_merge_by_name() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target().split('?').next() {
        Some("/go") => answer("302 Go", &["Location: /"], ""),
        Some("/busy") => answer("503 Busy", &[], ""),
        _ => Reply::ok("ok"),
    });
    let session = stage
        .builder()
        .header("X-A", "session")
        .header("X-B", "session")
        .query([("p", "session"), ("q", "session")])
        .auth(Basic::new("session", "x"))
        .redirect(Redirect::limited(0))
        .retry(Retry::idempotent(1))
        .error_for_status(true)
        .build()
        .unwrap();
    let response = session
        .get("http://a.example/go")
        .header("x-b", "request")
        .query([("q", "request"), ("r", "request")])
        .basic("request", "x")
        .redirect(Redirect::none())
        .error_for_status(false)
        .send()
        .unwrap();
    assert_eq!(response.status().as_u16(), 302);
    let last = stage.last();
    assert_eq!((value(&last, "x-a"), value(&last, "x-b")), ("session".into(), "request".into()));
    assert_eq!(last.target(), "/go?p=session&q=request&r=request");
    assert_eq!(value(&last, "authorization"), "Basic cmVxdWVzdDp4");
    let before = stage.seen().len();
    session.get("http://a.example/busy").retry(Retry::none()).error_for_status(false).send().unwrap();
    assert_eq!(stage.seen().len(), before + 1);
}

#[test]
fn m_3_a_default_header_that_is_left_out_is_not_sent_at_all() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let mut session = stage.session();
    session
        .get("http://a.example/")
        .without("User-Agent")
        .without("Accept-Encoding")
        .without("Accept")
        .without("Connection")
        .send()
        .unwrap();
    assert_eq!(names(&stage.last()), ["Host"]);
    session.headers_mut().remove("User-Agent");
    session.headers_mut().remove("Accept-Encoding");
    session.get("http://a.example/").without("Host").send().unwrap();
    assert_eq!(
        names(&stage.last()),
        ["Host", "Accept", "Connection"],
        "HTTP/1.1 has no request without Host"
    );
}

#[test]
fn m_4_values_may_be_lists_and_none_is_skipped_whole_or_inside() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let session = stage.builder().query([("s", "1"), ("t", "2")]).build().unwrap();
    session.get("http://a.example/").query([("a", Some("1")), ("b", None), ("t", Some("3"))]).send().unwrap();
    assert_eq!(stage.last().target(), "/?s=1&t=3&a=1");
    session.get("http://a.example/").query([("a", vec!["1", "2"]), ("b", vec![])]).send().unwrap();
    assert_eq!(stage.last().target(), "/?s=1&t=2&a=1&a=2");
    session
        .get("http://a.example/")
        .query([("a", [Some(1), None, Some(2)]), ("b", [None; 3])])
        .send()
        .unwrap();
    assert_eq!(stage.last().target(), "/?s=1&t=2&a=1&a=2");
    #[derive(serde::Serialize)]
    struct Page {
        a: Option<u8>,
        t: [Option<u8>; 2],
    }
    session.get("http://a.example/").query(Page { a: None, t: [None, Some(9)] }).send().unwrap();
    assert_eq!(stage.last().target(), "/?s=1&t=9");
}

#[test]
fn m_1_a_parameter_whose_merged_value_is_none_is_not_sent() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let session =
        stage.builder().query([("s", Some("1")), ("t", Some("2")), ("none", None)]).build().unwrap();
    let get = || session.get("http://a.example/");
    let none: Option<u8> = None;
    for (request, target) in [
        (get(), "/?s=1&t=2"),
        (get().query([("t", none)]), "/?s=1"),
        (get().query([("t", none), ("u", Some(3))]), "/?s=1&u=3"),
        (get().query([("t", Vec::<u8>::new())]), "/?s=1"),
        (get().query([("t", vec![none, none])]), "/?s=1"),
        (get().query([("t", none), ("t", Some(3))]), "/?s=1&t=3"),
        (get().query([("t", none)]).query([("t", 3)]), "/?s=1&t=3"),
        (get().query([("t", 3)]).query([("t", none)]), "/?s=1&t=3"),
        (get().query([("T", none)]), "/?s=1&t=2"),
        (get().query(std::collections::BTreeMap::from([("s", none), ("t", none)])), "/"),
        (get().query(serde_json::json!({"s": null, "t": "x"})), "/?t=x"),
        (get().query(()), "/?s=1&t=2"),
    ] {
        request.send().unwrap();
        assert_eq!(stage.last().target(), target);
    }
}

#[test]
fn a_4_the_number_of_connections_has_a_cap_and_those_who_wait_are_served() {
    // A batch leaves one connection to others.
    for (config, hosts, connections) in [
        (Config::default().max_per_origin(1), &["a"][..], 1),
        (Config::default().max_per_origin(3), &["a"], 2),
        (Config::default().max_per_origin(3), &["a", "b"], 4),
        (Config::default().max_total(4), &["a", "b", "c"], 3),
        (Config::default(), &["a"], 15),
    ] {
        let stage = Stage::new();
        for host in hosts {
            stage.host(&format!("{host}.example"), |_| Reply::ok("ok").delay(Duration::from_millis(10)));
        }
        let session = stage.with(config).build().unwrap();
        let url = |n: usize| format!("http://{}.example/{n}", hosts[n % hosts.len()]);
        let answers = session.send_all((0..48).map(|n| session.get(url(n))));
        assert!(answers.iter().all(Result::is_ok));
        // Nothing is opened beyond the limit and thrown away: all are kept, and served in turn.
        let rounds = 48_usize.div_ceil(connections) as u64;
        assert_eq!((stage.world.connections(), stage.world.open()), (connections, connections));
        assert_eq!(stage.world.elapsed(), Duration::from_millis(10 * rounds), "{connections}");
    }
    // Streams leave one too, or nothing could be sent beside them.
    for (config, cap) in [(Config::default().max_per_origin(2), 2), (Config::default().max_total(4), 4)] {
        let stage = Stage::new();
        stage.host("a.example", |_| answer("200 OK", &[], "x".repeat(300_000)));
        let session = stage.with(config).build().unwrap();
        let get =
            || session.get("http://a.example/").timeouts(Timeouts::default().wait(Duration::from_secs(9)));
        let mut held: Vec<_> = (1..cap).map(|_| get().stream().unwrap()).collect();
        let error = get().stream().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        assert_eq!((stage.world.connections(), stage.world.elapsed().as_secs()), (cap - 1, 9));
        get().send().unwrap();
        held.pop().unwrap().into_response().unwrap();
        get().stream().unwrap().into_response().unwrap();
        assert_eq!(stage.world.connections(), cap, "what came back is used");
    }
    assert_eq!((Config::default().origin_limit(), Config::default().total_limit()), (16, 128));
}
