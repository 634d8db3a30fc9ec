//! Requests that are lost, doubled or cut short by what the other side does, and answers that come early.

use crate::paths::for_each_first_try;
use crate::support::Stage;
use pool::sim::{Peer, Reply};
use session::{Body, ErrorKind, Method};
use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};

const TOO_LARGE: &str = "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge";

type After = fn(Peer) -> Peer;

#[test]
fn di_2_the_answer_to_an_upload_that_is_not_wanted_is_the_answer_and_no_broken_pipe() {
    let afterwards: [(&str, After); 3] = [
        ("shuts down, reads on", |peer| peer.half_close()),
        ("closes", |peer| peer.close()),
        ("resets", |peer| peer.reset()),
    ];
    for (name, after) in afterwards {
        for streamed in [false, true] {
            for chunked in [false, true] {
                let stage = Stage::new();
                // Bytes that have come before a reset can be read on most systems.
                stage.world.reset_keeps_data(true);
                let host = stage.world.host("a.test", ["10.0.0.1"]);
                after(host.accept().expect_head("POST /").stop_reading(64 * 1024).reply(TOO_LARGE));
                host.accept().expect("GET /next").reply(pool::sim::ok("next"));
                let session = stage.session();
                let source = io::repeat(b'u').take(50 << 20);
                let body = if chunked { Body::once(source) } else { Body::sized(source, 50 << 20) };
                let request = session.post("http://a.test/").body(body);
                let answer =
                    if streamed { request.stream().unwrap().into_response() } else { request.send() };
                let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!((answer.status().as_u16(), answer.text().as_ref()), (413, "large"), "{name}");
                assert_eq!(answer.attempts().len(), 1, "{name}");
                let sent = answer.attempts().last().bytes_sent;
                assert!(sent < 4 << 20, "{name}: {sent} bytes of it were sent all the same");
                assert_eq!(session.get("http://a.test/next").send().unwrap().text(), "next", "{name}");
            }
        }
    }
}

#[test]
fn di_3_a_post_is_never_sent_twice_and_a_get_at_most_twice_on_every_way() {
    for_each_first_try(|trip| {
        // The first request of a connection is answered, the second read and left without an answer.
        let mut connections = HashSet::new();
        trip.stage.host("a.test", move |r| {
            if connections.insert(r.connection()) { Reply::ok("ok") } else { Reply::raw([]).close() }
        });
        let session = trip.session();
        for id in 0..40 {
            let method = if id % 2 == 0 { Method::POST } else { Method::GET };
            let request = session.request(method.clone(), trip.url(&format!("a.test/{id}")));
            let result = trip.send(if method == Method::POST { request.body("once") } else { request });
            match (method, result) {
                (_, Ok(response)) => assert_eq!(response.text(), "ok", "{:?} {id}", trip.path),
                (Method::POST, Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Closed, "{:?} {id}: {error}", trip.path);
                    assert!(error.may_have_been_processed(), "{:?} {id}", trip.path);
                }
                (_, Err(error)) => panic!("{:?} {id}: {error}", trip.path),
            }
        }
        let mut times = HashMap::new();
        for line in trip.stage.lines() {
            *times.entry(line).or_insert(0) += 1;
        }
        assert_eq!(times.len(), 40, "{:?}", trip.path);
        let most = |method: &str| times.iter().filter(|(l, _)| l.contains(method)).map(|(_, n)| *n).max();
        assert_eq!((most(" POST "), most(" GET ")), (Some(1), Some(2)), "{:?}", trip.path);
    });
}

#[test]
fn di_3_of_ten_thousand_lost_posts_each_is_seen_once_and_of_as_many_gets_each_twice() {
    const ROUNDS: usize = 20_000;
    let stage = Stage::new();
    stage.host("a.example", |r| if r.target() == "/kept" { Reply::ok("") } else { Reply::raw("").close() });
    let session = stage.session();
    for n in 0..ROUNDS {
        let method = if n % 2 == 0 { "POST" } else { "GET" };
        session.get("http://a.example/kept").send().unwrap();
        let error = session.request(method, format!("http://a.example/{n}")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    let mut seen = vec![0; ROUNDS];
    for request in stage.seen() {
        if let Ok(n) = request.target().trim_start_matches('/').parse::<usize>() {
            seen[n] += 1;
        }
    }
    assert!(seen.iter().step_by(2).all(|times| *times == 1), "a POST came twice, or not at all");
    assert!(seen.iter().skip(1).step_by(2).all(|times| *times == 2), "a GET is sent once more, and no more");
}
