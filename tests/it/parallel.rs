//! Threads and batches over one session: no answer lost, doubled or crossed, no limit exceeded.

use crate::support::{HANG, builder, json, session, trusting};
use session::pool::Timeouts;
use session::{Body, Session, SessionBuilder};
use std::collections::HashSet;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use testbed::Testbed;

/// So many threads, each with so many requests of its own, all begun at once. Every answer is checked to be the
/// one that was asked for.
fn storm(session: &Session, base: &str, threads: usize, each: usize) {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for n in 0..each {
                    let url = format!("{base}/anything/{thread}/{n}");
                    let response = session.get(&url).send().unwrap();
                    assert_eq!(json(&response)["url"], *url);
                }
            });
        }
    });
}

#[test]
fn threads_hand_connections_to_one_another_within_the_limit() {
    let testbed = Testbed::start().unwrap();
    let sessions = |builder: SessionBuilder| builder.max_per_origin(4).build().unwrap();
    let (plain, tls) = (sessions(builder()), sessions(trusting(&testbed)));
    storm(&plain, &testbed.http(), 8, 250);
    storm(&tls, &testbed.https(), 8, 125);
    let stats = testbed.stats();
    assert_eq!((stats.requests, stats.open), (3000, 8));
    assert!((1..=4).contains(&stats.plain_connections), "{stats:?}: every connection was kept");
    assert!((1..=4).contains(&stats.tls_connections), "{stats:?}");
    for session in [plain, tls] {
        let counts = session.pool().counts();
        assert_eq!((counts.open, counts.idle, counts.waiting), (4, 4, 0));
    }
}

#[test]
fn threads_to_several_origins_share_the_total() {
    let testbeds: Vec<Testbed> = (0..4).map(|_| Testbed::start().unwrap()).collect();
    let session = builder().max_total(3).build().unwrap();
    thread::scope(|scope| {
        for testbed in &testbeds {
            let (session, base) = (&session, testbed.http());
            scope.spawn(move || storm(session, &base, 2, 40));
        }
    });
    assert!(testbeds.iter().all(|testbed| testbed.stats().requests == 80));
    assert!(
        testbeds.iter().map(|testbed| testbed.stats().open).sum::<u64>() <= 4,
        "the server may learn late of one"
    );
    assert!(session.pool().counts().open <= 3);
}

#[test]
fn a_batch_takes_from_an_endless_iterator_only_as_it_has_room() {
    let testbed = Testbed::start().unwrap();
    let session = session();
    let mut taken = 0;
    let endless = std::iter::repeat_with(|| {
        taken += 1;
        session.get(format!("{}/anything/{}", testbed.http(), taken - 1))
    });
    let mut seen = HashSet::new();
    for (index, result) in session.as_completed(endless).take(500) {
        let url = json(&result.unwrap())["url"].as_str().unwrap().to_owned();
        assert!(url.ends_with(&format!("/anything/{index}")), "{index}: {url}");
        assert!(seen.insert(index), "{index} came twice");
    }
    assert!((500..=500 + 128).contains(&taken), "{taken} were taken for 500");
    assert!(testbed.stats().plain_connections <= 16);
    assert!(session.get(format!("{}/get", testbed.http())).send().unwrap().ok());
}

#[test]
fn a_batch_keeps_to_the_limits_of_its_session_and_waits_for_nobody() {
    let testbed = Testbed::start().unwrap();
    // With so short a wait, a request that queues behind others of its own batch would fail.
    let timeouts = Timeouts::default().wait(Duration::from_millis(50));
    for limit in [1, 2, 5, 40] {
        let session = builder().max_per_origin(limit).timeouts(timeouts).build().unwrap();
        let before = testbed.stats().plain_connections;
        let results =
            session.send_all((0..40).map(|_| session.get(format!("{}/delay/0.03", testbed.http()))));
        assert!(results.into_iter().all(|result| result.unwrap().ok()), "limit {limit}");
        let opened = testbed.stats().plain_connections - before;
        let expected = (limit - 1).clamp(1, 40) as u64;
        assert_eq!(opened, expected, "limit {limit}: all but the one that is kept for send");
    }
}

#[test]
fn a_request_made_between_those_of_a_batch_finds_a_connection() {
    let testbed = Testbed::start().unwrap();
    let base = testbed.http();
    for limit in [2, 3, 8] {
        let timeouts = Timeouts::default().wait(Duration::from_secs(5));
        let session = builder().max_per_origin(limit).timeouts(timeouts).build().unwrap();
        let before = testbed.stats().plain_connections;
        let mut answers = 0;
        for (n, result) in session.as_completed((0..30).map(|n| session.get(format!("{base}/anything/{n}"))))
        {
            assert!(result.unwrap().ok());
            let nested = session.get(format!("{base}/anything/nested/{n}")).send().unwrap();
            assert!(nested.text().contains(&format!("/anything/nested/{n}")));
            answers += 1;
        }
        assert_eq!(answers, 30);
        assert!((1..=limit as u64).contains(&(testbed.stats().plain_connections - before)), "limit {limit}");
    }
}

#[test]
fn threads_that_fail_give_up_and_panic_leave_the_others_alone() {
    let testbed = Testbed::start().unwrap();
    let session = builder().max_per_origin(4).build().unwrap();
    let base = testbed.http();
    let start = Barrier::new(64);
    thread::scope(|scope| {
        for thread in 0..64 {
            let (session, base, start) = (&session, &base, &start);
            scope.spawn(move || {
                start.wait();
                for n in 0..5 {
                    trouble(session, base, thread + n);
                    let url = format!("{base}/anything/{thread}/{n}");
                    assert_eq!(json(&session.get(&url).send().unwrap())["url"], *url);
                }
            });
        }
    });
    let counts = session.pool().counts();
    assert!(counts.open <= 4 && counts.idle == counts.open && counts.waiting == 0, "{counts:?}");
    assert!(
        testbed.wait_for(HANG, |stats| stats.open == counts.open as u64).is_some(),
        "nothing else is left open"
    );
}

/// One of the things that can go wrong.
fn trouble(session: &Session, base: &str, kind: usize) {
    match kind % 5 {
        0 => {
            assert!(session.get(format!("{base}/delay/9")).timeout(Duration::from_millis(5)).send().is_err())
        }
        1 => {
            let mut stream = session.get(format!("{base}/bench/1000000")).stream().unwrap();
            stream.read_exact(&mut [0; 100]).unwrap();
        }
        2 => {
            let request = session.post(format!("{base}/sink")).body(Body::once(Panics));
            assert!(catch_unwind(AssertUnwindSafe(|| request.send())).is_err());
        }
        3 => drop(session.as_completed((0..3).map(|_| session.get(format!("{base}/delay/0.01")))).next()),
        _ => assert_eq!(session.get(format!("{base}/close")).send().unwrap().status(), 200),
    }
}

/// A body that panics at once, and says nothing of it.
struct Panics;

impl Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        resume_unwind(Box::new("the caller's own panic"))
    }
}

#[test]
fn batches_of_several_threads_share_connections_and_cookies() {
    let testbed = Testbed::start().unwrap();
    let session = builder().max_per_origin(6).build().unwrap();
    let base = testbed.http();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (session, base) = (session.clone(), &base);
            scope.spawn(move || {
                session.get(format!("{base}/cookies/set/c{thread}/{thread}")).send().unwrap();
                let urls: Vec<String> = (0..100).map(|n| format!("{base}/anything/{thread}/{n}")).collect();
                for (url, result) in
                    urls.iter().zip(session.send_all(urls.iter().map(|url| session.get(url))))
                {
                    let echo = json(&result.unwrap());
                    assert_eq!(echo["url"], **url);
                    let cookies = echo["headers"]["Cookie"].as_str().unwrap().to_owned();
                    assert!(cookies.contains(&format!("c{thread}={thread}")), "{cookies}");
                }
            });
        }
    });
    assert!(testbed.stats().plain_connections <= 6);
    assert_eq!(session.cookies().len(), 4);
}

#[test]
fn answers_of_many_sizes_and_framings_do_not_mix() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    let sizes = [1, 100, 16_383, 16_384, 65_536, 300_000];
    for base in [testbed.http(), testbed.https()] {
        let urls =
            sizes.iter().flat_map(|n| [format!("{base}/bench/{n}"), format!("{base}/chunked/{n}/777")]);
        let urls: Vec<String> = (0..5).flat_map(|_| urls.clone()).collect();
        let results = session.send_all(urls.iter().map(|url| session.get(url)));
        for (at, result) in results.into_iter().enumerate() {
            assert_eq!(result.unwrap().bytes().len(), sizes[at / 2 % sizes.len()], "{}", urls[at]);
        }
    }
}
