//! Other pools for some URLs.

use crate::support::{Stage, answer, redirect};
use pool::Config;
use pool::net::Net;
use pool::sim::Reply;
use session::{Canceller, Error, ErrorKind, Hook, Limit, Pool, Request, Retry, Session, Timeouts};
use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A world in which every host says which world it is.
fn world(name: &'static str) -> Stage {
    let stage = Stage::new();
    for host in ["a.example", "b.example", "c.example"] {
        stage.host(host, move |r| match r.target() {
            "/to-a" => redirect(302, "http://a.example/end"),
            "/to-b" => redirect(302, "http://b.example/end"),
            "/slow" => Reply::ok(name).delay(4 * SECOND),
            "/slow-to-b" => redirect(302, "http://b.example/slow").delay(4 * SECOND),
            "/set" => answer(
                "302 Go",
                &["Set-Cookie: w=1; Domain=b.example", "Location: http://b.example/set2"],
                "",
            ),
            _ => Reply::ok(name),
        });
    }
    stage
}

fn pool(stage: &Stage) -> Pool {
    stage.world.pool(Config::default())
}

/// `b.example` is in another world than the rest, whose clock is an hour ahead.
fn two() -> (Stage, Stage, Session) {
    let (here, there) = (world("here"), world("there"));
    there.world.advance(3600 * SECOND);
    let session = here.builder().mount("http://b.example", pool(&there)).build().unwrap();
    (here, there, session)
}

#[test]
fn a_1_the_longest_prefix_counts_in_any_letter_case_and_order() {
    let stages = ["main", "scheme", "host", "path", "again"].map(world);
    let session = Session::builder()
        .ignore_environment()
        .with_pool(pool(&stages[0]))
        .mount("HTTP://A.example/API", pool(&stages[4]))
        .mount("http://", pool(&stages[1]))
        .mount("http://a.example/api", pool(&stages[3]))
        .mount("http://a.example", pool(&stages[2]))
        .build()
        .unwrap();
    for (url, which) in [
        ("https://a.example/api", "main"),
        ("http://b.example/", "scheme"),
        ("http://a.example/", "host"),
        ("http://a.example:8080/api", "host"),
        ("http://a.example/api", "path"),
        ("HTTP://A.EXAMPLE/Api/x?y", "path"),
    ] {
        assert_eq!(session.get(url).send().unwrap().text(), which, "{url}");
    }
    // There is a pool for every URL that is requested at all.
    for other in ["ftp://a.example/", "httpx://a.example/", "a.example/", "file:///a", "mailto:a@a.example"] {
        assert_eq!(session.get(other).send().unwrap_err().kind(), ErrorKind::Request, "{other}");
    }
}

#[test]
fn a_2_a_host_whose_name_only_begins_like_a_prefix_is_another_one() {
    let (main, mounted) = (world("main"), world("mounted"));
    for stage in [&main, &mounted] {
        let text = if std::ptr::eq(stage, &main) { "main" } else { "mounted" };
        stage.host("a.example.evil.test", move |_| Reply::ok(text));
    }
    let session = main.builder().mount("http://a.example", pool(&mounted)).build().unwrap();
    assert_eq!(session.get("http://a.example.evil.test/").send().unwrap().text(), "main");
    assert_eq!(session.get("http://a.example:81/").send().unwrap().text(), "mounted");
    let error = main.builder().mount("ftp://a.example", pool(&mounted)).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(main.session().mount("a.example", pool(&mounted)).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_3_a_pool_over_a_network_of_ones_own_can_be_mounted() {
    let (main, own) = (world("main"), world("own"));
    let net = own.world.clone();
    let mounted =
        Pool::with_net(Config::default(), move || -> std::io::Result<Box<dyn Net>> { Ok(net.net()) });
    let mut session = main.session();
    let clone = session.clone();
    session.mount("http://b.example/", mounted).unwrap();
    assert_eq!(session.get("http://b.example/").send().unwrap().text(), "own");
    assert_eq!(
        clone.get("http://b.example/").send().unwrap().text(),
        "main",
        "clones that exist keep theirs"
    );
    let results = session.send_all(["http://a.example/", "http://b.example/"].map(|url| session.get(url)));
    let texts: Vec<String> = results.into_iter().map(|r| r.unwrap().text().into_owned()).collect();
    assert_eq!(texts, ["main", "own"]);
}

#[test]
fn d_15_the_pool_is_chosen_for_each_hop() {
    let (here, there, session) = two();
    for (url, text) in [
        ("http://a.example/to-b", "there"),
        ("http://b.example/to-a", "here"),
        ("http://a.example/to-a", "here"),
    ] {
        assert_eq!(session.get(url).send().unwrap().text(), text);
        let mut streamed = String::new();
        session.get(url).stream().unwrap().read_to_string(&mut streamed).unwrap();
        assert_eq!(streamed, text);
        let results = session.send_all([session.get(url), session.get(url)]);
        assert!(results.into_iter().all(|result| result.unwrap().text() == text), "{url}");
    }
    assert!(here.lines().iter().all(|line| !line.contains("b.example")), "{:?}", here.lines());
    assert!(there.lines().iter().all(|line| line.starts_with("b.example")), "{:?}", there.lines());
}

#[test]
fn cookies_are_those_of_the_session_whatever_the_pool() {
    let (_, there, session) = two();
    session.get("http://b.example/set").send().unwrap();
    session.get("http://b.example/").send().unwrap();
    assert_eq!(there.values("cookie"), ["-", "w=1", "w=1"]);
}

#[test]
fn the_time_of_a_call_runs_on_from_net_to_net() {
    let (here, there, session) = two();
    let slow = || session.get("http://a.example/slow-to-b");
    let batch = |timeout| session.send_all([slow().timeout(timeout)]).pop().unwrap();
    for (timeout, enough) in [(9 * SECOND, true), (7 * SECOND, false)] {
        let before = (here.world.elapsed(), there.world.elapsed());
        for result in [slow().timeout(timeout).send(), batch(timeout)] {
            match result {
                Ok(response) => assert!(enough && response.text() == "there"),
                Err(error) => {
                    assert!(!enough, "{error}");
                    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Total));
                }
            }
        }
        assert_eq!(here.world.elapsed() - before.0, 8 * SECOND);
        assert_eq!(there.world.elapsed() - before.1, if enough { 8 } else { 6 } * SECOND);
    }
}

#[test]
fn a_pool_s_own_limits_hold_for_what_is_mounted() {
    let stage = world("main");
    let narrow = Config::default().max_per_origin(1);
    let patient = Config::default();
    let session = stage
        .builder()
        .mount("http://b.example", stage.world.pool(narrow))
        .mount("http://c.example", stage.world.pool(patient))
        .build()
        .unwrap();
    let all = |host: &str| {
        let before = stage.world.elapsed();
        let results = session.send_all((0..4).map(|_| session.get(format!("http://{host}/slow"))));
        assert!(results.iter().all(Result::is_ok));
        (stage.world.elapsed() - before).as_secs()
    };
    assert_eq!((all("a.example"), all("b.example"), all("c.example")), (4, 16, 4));
}

#[test]
fn pools_of_one_net_are_under_way_together() {
    let stage = world("main");
    let session = stage.builder().mount("http://b.example", pool(&stage)).build().unwrap();
    let urls = ["http://a.example/slow", "http://b.example/slow"];
    let results = session.send_all((0..10).map(|n| session.get(urls[n % 2])));
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(stage.world.elapsed(), 4 * SECOND);
    assert!(pool(&stage).shares_net(&pool(&stage)));
    assert!(!pool(&stage).shares_net(&pool(&world("other"))));
    assert!(Pool::new(Config::default()).shares_net(&Pool::new(Config::default())));
    assert!(!Pool::new(Config::default()).shares_net(&pool(&stage)));
}

#[test]
fn a_batch_over_two_nets_is_answered_completely_and_in_order() {
    let (here, there, session) = two();
    let url = |n: usize| match n % 3 {
        0 => "http://a.example/slow",
        1 => "http://b.example/slow",
        _ => "http://a.example/to-b",
    };
    let results = session.send_all((0..300).map(|n| session.get(url(n))));
    assert_eq!(results.len(), 300);
    for (n, result) in results.into_iter().enumerate() {
        assert_eq!(result.unwrap().text(), if n % 3 == 0 { "here" } else { "there" }, "{n}");
    }
    // What is for one net is still sent at once.
    assert!(here.world.elapsed() < 60 * SECOND, "{:?}", here.world.elapsed());
    assert!(there.world.elapsed() < 3660 * SECOND, "{:?}", there.world.elapsed());
}

#[test]
fn a_request_for_another_net_is_not_passed_by_without_end() {
    let (_, _, session) = two();
    let urls = std::iter::once("http://a.example/").chain(std::iter::once("http://b.example/"));
    let endless = urls.chain(std::iter::repeat("http://a.example/")).map(|url| session.get(url));
    let mut answers = session.as_completed(endless);
    let place = answers.by_ref().take(1_000).position(|(index, _)| index == 1);
    assert!(place.is_some(), "1000 answers came first");
    assert!(answers.take(1_000).all(|(_, result)| result.is_ok()), "and it goes on");
}

#[test]
fn what_waits_for_another_net_can_run_out_of_time_or_be_canceled() {
    let (here, there, session) = two();
    // The first needs 4 s here, in which the second one's time is over before its second hop.
    let results = session.send_all([
        session.get("http://a.example/slow").timeout(60 * SECOND),
        session.get("http://a.example/to-b").timeout(2 * SECOND),
    ]);
    assert!(results[0].is_ok());
    assert_eq!(results[1].as_ref().unwrap_err().kind(), ErrorKind::Timeout(Limit::Total));
    assert_eq!(there.seen().len(), 0);
    let canceller = Canceller::new();
    let trigger = canceller.clone();
    here.host("d.example", move |_| {
        trigger.cancel();
        Reply::ok("")
    });
    let results = session.send_all([
        session.get("http://d.example/"),
        session.get("http://a.example/slow"),
        session.get("http://b.example/").cancel_on(&canceller),
    ]);
    assert!(results[0].is_ok() && results[1].is_ok());
    assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(there.seen().len(), 0);
    // And on the other net, once it has got there.
    let canceller = Canceller::new();
    let trigger = canceller.clone();
    there.host("b.example", |_| Reply::ok(""));
    there.world.host("b.example", []).accept_all(move |_| {
        trigger.cancel();
        Reply::silence()
    });
    session.close_idle();
    let go = || session.get("http://a.example/to-b").cancel_on(&canceller);
    let results = session.send_all([go()]);
    assert_eq!(results[0].as_ref().unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(go().send().unwrap_err().kind(), ErrorKind::Canceled);
}

#[test]
fn a_call_is_canceled_on_the_net_it_went_to() {
    let (_, there, session) = two();
    let canceller = Canceller::new();
    let trigger = canceller.clone();
    there.world.host("b.example", []).accept_all(move |_| {
        trigger.cancel();
        Reply::silence()
    });
    let error = session.get("http://a.example/to-b").cancel_on(&canceller).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
}

#[test]
fn a_retry_waits_on_the_net_where_it_failed() {
    let (here, there, session) = two();
    there.world.host("b.example", []).refuse();
    let before = (here.world.elapsed(), there.world.elapsed());
    let error = session.get("http://a.example/to-b").retry(Retry::idempotent(3)).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.attempts().count(), 4);
    assert_eq!(here.world.elapsed(), before.0);
    assert!(there.world.elapsed() > before.1);
}

#[test]
fn s_5_closing_reaches_mounted_pools_and_the_session_goes_on() {
    let (here, there, session) = two();
    let both = || {
        for url in ["http://a.example/", "http://b.example/"] {
            session.get(url).send().unwrap();
        }
    };
    both();
    assert_eq!((here.world.open(), there.world.open()), (1, 1));
    session.close_idle();
    assert_eq!((here.world.open(), there.world.open()), (0, 0));
    both();
    drop(session);
    assert_eq!((here.world.open(), there.world.open()), (0, 0));
    here.world.assert_quiet();
    there.world.assert_quiet();
}

#[test]
fn a_pause_between_two_attempts_holds_up_no_other_net() {
    let (here, there) = (Stage::new(), world("there"));
    there.world.advance(3600 * SECOND);
    let busy = AtomicBool::new(true);
    here.host("a.example", move |_| {
        let busy = busy.swap(false, Ordering::Relaxed);
        if busy { answer("503 Busy", &["Retry-After: 100"], "") } else { Reply::ok("here") }
    });
    let session = here.builder().mount("http://b.example", pool(&there)).build().unwrap();
    let patient = session.get("http://a.example/").retry(Retry::idempotent(1));
    let others = ["/slow", "/slow-to-b"].map(|path| session.get(format!("http://b.example{path}")));
    let order: Vec<String> = session
        .as_completed([patient].into_iter().chain(others))
        .map(|(index, result)| format!("{index} {}", result.unwrap().text()))
        .collect();
    assert_eq!(order, ["1 there", "2 there", "0 here"]);
    let waited = (here.world.elapsed(), there.world.elapsed() - 3600 * SECOND);
    assert_eq!(waited.0 + waited.1, 100 * SECOND, "{waited:?}");
}

#[test]
fn a_pool_that_is_mounted_twice_is_one_pool_with_one_limit() {
    let stage = world("main");
    let pool = stage.world.pool(Config::default().max_total(3));
    let session = Session::builder()
        .ignore_environment()
        .with_pool(pool.clone())
        .mount("http://b.example", pool.clone())
        .mount("http://c.example", pool.clone())
        .build()
        .unwrap();
    let urls = ["http://a.example/slow", "http://b.example/slow", "http://c.example/slow"];
    // A batch waits for room in its own queue, where it waits as long as it takes.
    let impatient = || Timeouts::default().wait(SECOND);
    let requests = urls.iter().cycle().take(12).map(|url| session.get(url).timeouts(impatient()));
    for (_, result) in session.as_completed(requests) {
        assert_eq!(result.unwrap().text(), "main");
    }
    assert_eq!(stage.world.elapsed(), 24 * SECOND, "two at a time");
}

#[test]
fn what_waited_for_another_net_and_is_led_back_by_a_hook_is_not_waited_for() {
    struct Back;
    impl Hook for Back {
        fn before(&self, request: &mut Request) -> Result<(), Error> {
            request.set_url("http://a.example/")
        }
    }
    let (_here, _there, session) = two();
    let away = || session.get("http://b.example/").hook(Back);
    let results = session.send_all([session.get("http://a.example/"), away(), away()]);
    assert!(results.into_iter().all(|result| result.unwrap().text() == "here"));
}

#[test]
fn a_batch_goes_on_when_those_that_waited_for_another_net_are_gone() {
    let (here, there) = (world("here"), world("there"));
    let narrow = |connections| Config::default().max_total(connections);
    let session =
        here.with(narrow(2)).mount("http://b.example", there.world.pool(narrow(1))).build().unwrap();
    let canceller = Canceller::new();
    let here = || session.get("http://a.example/");
    let requests = [here(), session.get("http://b.example/").cancel_on(&canceller)]
        .into_iter()
        .chain((0..10).map(|_| here()));
    let mut results = 0;
    for (_, result) in session.as_completed(requests) {
        results += 1;
        if results == 3 {
            canceller.cancel();
        }
        assert!(result.is_ok() || canceller.is_canceled());
    }
    assert_eq!(results, 12);
}
