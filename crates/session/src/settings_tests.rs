//! The merge rule as a table.

use super::*;
use crate::auth::{Basic, Bearer};
use crate::target::Target;

/// One setting in all four layers: how it is set to the value of a layer, and how it reads.
struct Row {
    name: &'static str,
    set: fn(&mut Settings, usize),
    get: fn(&Settings) -> String,
    /// What it reads like when it comes from request, session, environment, default.
    reads: [&'static str; 4],
}

/// The `Authorization` header that credentials make.
fn authorized(auth: &dyn Auth) -> String {
    let mut request = crate::get("http://a.example/").build().unwrap();
    auth.authorize(&mut request).unwrap();
    request.headers().get("authorization").unwrap().to_str().unwrap().to_owned()
}

fn rows() -> Vec<Row> {
    struct Nothing;
    impl Hook for Nothing {}
    vec![
        Row {
            name: "base",
            set: |s, i| s.set_base(format!("http://{}.example/", "abc".chars().nth(i).unwrap())).unwrap(),
            get: |s| s.base().map(Url::to_string).unwrap_or_default(),
            reads: ["http://a.example/", "http://b.example/", "http://c.example/", ""],
        },
        Row {
            name: "auth",
            set: |s, i| s.set_auth(Bearer::new(format!("t{i}"))),
            get: |s| s.auth.as_ref().map(|auth| authorized(&**auth)).unwrap_or_default(),
            reads: ["Bearer t0", "Bearer t1", "Bearer t2", ""],
        },
        Row {
            name: "cookies",
            set: |s, i| s.set_cookies(i != 1),
            get: |s| s.cookies().to_string(),
            reads: ["true", "false", "true", "true"],
        },
        Row {
            name: "proxies",
            set: |s, i| s.set_proxies(Proxies::all(format!("http://p{i}.example")).unwrap()),
            get: |s| {
                let origin = "http://a.example".parse().unwrap();
                s.proxies().map(|proxies| format!("{:?}", proxies.choose(&origin))).unwrap_or_default()
            },
            reads: [
                "Some(http://p0.example:80)",
                "Some(http://p1.example:80)",
                "Some(http://p2.example:80)",
                "",
            ],
        },
        Row {
            name: "tls",
            set: |s, i| s.set_tls(if i == 1 { Tls::default() } else { Tls::without_public_roots() }),
            get: |s| s.tls().map_or("".into(), |tls| (*tls == Tls::default()).to_string()),
            reads: ["false", "true", "false", ""],
        },
        Row {
            name: "redirect",
            set: |s, i| s.set_redirect(Redirect::limited(i as u32)),
            get: |s| format!("{:?}", s.redirect()),
            reads: [
                "Some(Redirect(limited 0))",
                "Some(Redirect(limited 1))",
                "Some(Redirect(limited 2))",
                "None",
            ],
        },
        Row {
            name: "retry",
            set: |s, i| s.set_retry(Retry::idempotent(i as u32 + 1)),
            get: |s| s.retry().map_or(0, Retry::max).to_string(),
            reads: ["1", "2", "3", "0"],
        },
        Row {
            name: "timeouts",
            set: |s, i| s.set_timeouts(Timeouts::default().idle(Duration::from_secs(i as u64))),
            get: |s| format!("{:?}", s.timeouts().and_then(|t| t.idle)),
            reads: ["Some(0ns)", "Some(1s)", "Some(2s)", "None"],
        },
        Row {
            name: "total",
            set: |s, i| s.set_total(Duration::from_secs(i as u64)),
            get: |s| format!("{:?}", s.total()),
            reads: ["Some(0ns)", "Some(1s)", "Some(2s)", "None"],
        },
        Row {
            name: "max_body",
            set: |s, i| s.set_max_body(i),
            get: |s| s.max_body().to_string(),
            reads: ["0", "1", "2", "67108864"],
        },
        Row {
            name: "decode",
            set: |s, i| s.set_decode(i != 1),
            get: |s| s.decode().to_string(),
            reads: ["true", "false", "true", "true"],
        },
        Row {
            name: "hooks",
            set: |s, i| (0..=i).for_each(|_| s.add_hook(Nothing)),
            get: |s| s.hooks().len().to_string(),
            reads: ["1", "2", "3", "0"],
        },
        Row {
            name: "error_for_status",
            set: |s, i| s.set_error_for_status(i != 1),
            get: |s| s.error_for_status().to_string(),
            reads: ["true", "false", "true", "false"],
        },
        Row {
            name: "canceller",
            set: |s, i| {
                let canceller = Canceller::new();
                s.set_canceller(&canceller);
                if i == 1 {
                    canceller.cancel();
                }
            },
            get: |s| s.canceller().is_some_and(Canceller::is_canceled).to_string(),
            reads: ["false", "true", "false", "false"],
        },
        Row {
            name: "headers",
            set: |s, i| s.headers_mut().append("X-A", i.to_string()).unwrap(),
            get: |s| s.headers().get("x-a").map_or("", |v| v.to_str().unwrap()).to_owned(),
            reads: ["0", "1", "2", ""],
        },
        Row {
            name: "params",
            set: |s, i| s.params_mut().push(("a".into(), i.to_string())),
            get: |s| s.params().iter().map(|(_, v)| v.as_str()).collect(),
            reads: ["0", "1", "2", ""],
        },
    ]
}

#[test]
fn request_goes_over_session_over_environment_over_default_for_every_setting() {
    for row in rows() {
        for set in 0..8_usize {
            // Bit 0: the request sets it, bit 1: the session, bit 2: the environment.
            let layers: Vec<Settings> = (0..3)
                .map(|i| {
                    let mut layer = Settings::default();
                    if set & (1 << i) != 0 {
                        (row.set)(&mut layer, i);
                    }
                    layer
                })
                .collect();
            let merged = layers[0]
                .clone()
                .over(&layers[1].clone().over(&layers[2].clone().over(&Settings::default())));
            let from = (0..3).find(|i| set & (1 << i) != 0).unwrap_or(3);
            assert_eq!((row.get)(&merged), row.reads[from], "{} set in layers {set:03b}", row.name);
        }
    }
}

fn headers(pairs: &[(&str, &str)]) -> Arc<HeaderSet> {
    let mut headers = Headers::new();
    for (name, value) in pairs {
        headers.append(name, value).unwrap();
    }
    Arc::new(HeaderSet::new(headers))
}

#[test]
fn m_2_headers_merge_by_name_and_keep_their_slot_and_take_the_last_spelling() {
    let below = Settings {
        headers: headers(&[("User-Agent", "x"), ("Accept", "a"), ("X-Two", "1"), ("X-Two", "2")]),
        ..Settings::default()
    };
    for (set, without, expected) in [
        (&[("ACCEPT", "b"), ("New", "n")][..], &[][..], "User-Agent:x ACCEPT:b X-Two:1 X-Two:2 New:n"),
        (&[], &["accept", "x-two"], "User-Agent:x"),
        (&[("x-two", "3")], &[], "User-Agent:x Accept:a x-two:3"),
        (&[("x-two", "3"), ("X-TWO", "4")], &[], "User-Agent:x Accept:a x-two:3 X-TWO:4"),
        (&[("Accept", "c")], &["accept"], "User-Agent:x X-Two:1 X-Two:2 Accept:c"),
    ] {
        let mut above = Settings::default();
        without.iter().for_each(|name| above.leave_out(name));
        above.headers = headers(set);
        let merged = above.over(&below);
        let got: Vec<String> =
            merged.headers().iter().map(|(n, v)| format!("{n}:{}", v.to_str().unwrap())).collect();
        assert_eq!(got.join(" "), expected);
    }
    assert!(
        Arc::ptr_eq(&Settings::default().over(&below).headers, &below.headers),
        "nothing to merge, nothing copied"
    );
}

#[test]
fn m_4_params_keep_the_order_of_the_session_and_new_keys_come_behind() {
    let pairs = |text: &str| -> Vec<(String, String)> {
        text.split_whitespace()
            .map(|p| p.split_once('=').unwrap())
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    };
    for (below, above, expected) in [
        ("a=1 b=2", "b=3 c=4", "a=1 b=3 c=4"),
        ("a=1 a=2 b=3", "a=9 a=8", "a=9 a=8 b=3"),
        ("", "x=1 x=2", "x=1 x=2"),
        ("a=1", "", "a=1"),
    ] {
        assert_eq!(params_over(&pairs(below), pairs(above), &[]), pairs(expected), "{below} under {above}");
    }
}

#[test]
fn t_3_credentials_of_the_request_go_over_its_header_over_the_url_over_the_session() {
    let origin = Origin::http("a.example");
    let auth = |name: &str| -> Arc<dyn Auth> { Arc::new(Basic::new(name, "")) };
    for (request, header, without, url, session, expected) in [
        (1, 1, 0, 1, 1, Some("request")),
        (0, 1, 0, 1, 1, None),
        (0, 0, 1, 1, 1, None),
        (0, 0, 0, 1, 1, Some("url")),
        (0, 0, 0, 0, 1, Some("session")),
        (0, 0, 0, 0, 0, None),
    ] {
        let mut above = Settings { auth: (request == 1).then(|| auth("request")), ..Settings::default() };
        if header == 1 {
            above.headers = headers(&[("authorization", "x")]);
        }
        if without == 1 {
            above.leave_out("AUTHORIZATION");
        }
        let below = Settings { auth: (session == 1).then(|| auth("session")), ..Settings::default() };
        let url = (url == 1).then(|| auth("url"));
        let candidates =
            [("request", above.auth.clone()), ("url", url.clone()), ("session", below.auth.clone())];
        let chosen = above.credentials(url, &below, &origin);
        let name = chosen.map(|chosen| {
            let same = |auth: &Option<Arc<dyn Auth>>| auth.as_ref().is_some_and(|a| Arc::ptr_eq(a, &chosen));
            candidates.iter().find(|(_, auth)| same(auth)).unwrap().0
        });
        assert_eq!(name, expected);
    }
}

#[test]
fn cr_10_session_credentials_stay_where_they_were_set_for() {
    let (a, b) = (Origin::http("a.example"), Origin::http("b.example"));
    let none = Settings::default();
    let mut named = Settings::default();
    named.set_auth_for("http://a.example/any", Bearer::new("t")).unwrap();
    assert!(none.credentials(None, &named, &a).is_some());
    assert!(none.credentials(None, &named, &b).is_none());
    assert!(none.credentials(None, &named, &Origin::https("a.example")).is_none());
    let mut based = Settings::default();
    based.set_auth(Bearer::new("t"));
    assert!(none.credentials(None, &based, &b).is_some());
    based.set_base("http://a.example/v2/").unwrap();
    assert!(none.credentials(None, &based, &a).is_some());
    assert!(none.credentials(None, &based, &b).is_none());
    based.clear_auth();
    assert!(none.credentials(None, &based, &a).is_none());
}

#[test]
fn cr_1_a_policy_of_a_request_weakens_nothing_that_the_session_keeps_safe() {
    let with = |policy: Redirect| {
        let mut settings = Settings::default();
        settings.set_redirect(policy);
        settings
    };
    let below = with(Redirect::limited(1).https_only(true).secret_headers(["x-a"]));
    for (above, shown) in [
        (Redirect::none(), "Redirect(none, https only)"),
        (Redirect::limited(2).https_only(true), "Redirect(limited 2, https only)"),
        (Redirect::limited(2).https_only(false), "Redirect(limited 2)"),
    ] {
        let merged = with(above.secret_headers(["x-b"])).over(&below);
        let policy = merged.redirect().unwrap();
        assert_eq!(
            (format!("{policy:?}").as_str(), policy.secrets()),
            (shown, &["x-b".into(), "x-a".into()][..])
        );
    }
}

#[test]
fn s_3_the_default_headers_are_four_and_in_order() {
    let headers = default_headers();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["User-Agent", "Accept-Encoding", "Accept", "Connection"]);
}

#[test]
fn lg_1_settings_show_no_secret() {
    let mut settings = Settings::default();
    settings.headers_mut().append("X-Key", "s3cret").unwrap();
    settings.params_mut().push(("key".into(), "s3cret".into()));
    settings.set_auth(Basic::new("s3cret", "s3cret"));
    settings.set_base("http://a.example/?k=s3cret").unwrap();
    settings.set_proxies(Proxies::all("http://s3cret:s3cret@p.example").unwrap());
    let shown = format!("{settings:?}");
    assert!(shown.contains("X-Key") && !shown.contains("s3cret"), "{shown}");
}

/// Where a request of these settings goes.
fn goes(settings: &Settings, url: &str) -> String {
    let target = Target::new(Url::parse(url).unwrap(), None).unwrap();
    let route = |settings| {
        target.route(settings).map(|route| route.proxy().map_or("direct".into(), ToString::to_string))
    };
    let first = route(settings);
    let again = route(settings);
    assert_eq!(first.as_ref().ok(), again.as_ref().ok(), "what is remembered is the same");
    first.unwrap_or_else(|error| error.to_string())
}

#[test]
fn m_8_the_environment_says_what_request_and_session_leave_open() {
    let with = |set: Option<Proxies>, environment: Proxies| {
        let mut settings = Settings::default();
        settings.set_environment(environment);
        let mut session = Settings::default();
        if let Some(set) = set {
            session.set_proxies(set);
        }
        session.over(&settings)
    };
    let environment = || Proxies::all("http://env.example").unwrap().no_proxy("in.example").unwrap();
    let session = with(None, environment());
    assert_eq!(goes(&session, "http://a.example/"), "http://env.example:80");
    assert_eq!(goes(&session, "http://www.in.example/"), "direct");
    let mut session = with(Some(Proxies::new().http("http://own.example").unwrap()), environment());
    assert_eq!(
        goes(&session, "http://in.example/"),
        "http://own.example:80",
        "a variable undoes nothing that is set"
    );
    assert_eq!(goes(&session, "https://a.example/"), "http://env.example:80");
    session.set_proxies(Proxies::none());
    assert_eq!(goes(&session, "https://a.example/"), "direct");
    session.set_proxies(Proxies::new());
    assert_eq!(goes(&session, "https://a.example/"), "http://env.example:80", "it is still there");
    let mut request = Settings::default();
    request.set_proxies(Proxies::none());
    assert_eq!(goes(&request.over(&session), "https://a.example/"), "direct");
}

#[test]
fn m_8_a_request_can_leave_the_environment_out_and_keeps_the_proxies_of_its_session() {
    let origin = Origin::http("a.example");
    let chosen = |settings: &Settings| {
        let (set, environment) = settings.proxy_layers();
        [set, environment].into_iter().flatten().any(|proxies| proxies.choose(&origin).is_some())
    };
    let mut session = Settings::default();
    session.set_environment(Proxies::all("http://env.example").unwrap());
    assert!(session.has_proxies() && chosen(&session));
    let mut request = Settings::default();
    request.ignore_environment();
    let merged = request.clone().over(&session);
    assert!(!merged.has_proxies() && !chosen(&merged));
    session.set_proxies(Proxies::all("http://own.example").unwrap());
    let merged = request.over(&session);
    assert!(merged.has_proxies() && chosen(&merged));
}

#[test]
fn m_8_an_environment_that_says_nothing_leaves_no_trace() {
    let mut settings = Settings::default();
    settings.set_environment(Proxies::new().no_proxy("*").unwrap());
    assert!(!settings.has_proxies());
}
