//! What many requests leave behind in the process: no descriptor, no thread, and no more memory for a longer body.
//!
//! One test in a binary of its own, so that nothing else opens, starts or allocates meanwhile. Counted where the
//! system has `/proc`; elsewhere the answers alone are checked.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may be blunt")]

use serde_json::Value;
use session::{Body, Session, Tls};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use testbed::Testbed;

/// Nothing here takes so long: what does, hangs.
const HANG: Duration = Duration::from_secs(120);

#[test]
fn requests_leave_no_descriptor_no_thread_and_no_memory_behind() {
    let testbed = Testbed::start().unwrap();
    // Addresses need no lookup, whose helper threads stay for a while.
    let https = format!("https://{}", testbed.tls_addr());
    // First, while the peak is still low.
    for base in [&testbed.http(), &https] {
        long_bodies_pass_through_in_constant_memory(&testbed, base);
    }
    for (name, work) in [
        ("the first request", one_request as fn(&Session, &str)),
        ("a hundred threads", a_hundred_threads_with_a_hundred_requests_each),
        ("ten thousand in order", ten_thousand_on_one_thread_in_order),
        ("ten thousand as they complete", ten_thousand_on_one_thread_as_they_complete),
        ("streams given up", streams_given_up),
        ("failures", failures),
    ] {
        leaves_nothing(name, &testbed, &testbed.http(), work);
    }
    for (name, work) in [
        ("the first request over TLS", one_request as fn(&Session, &str)),
        ("threads over TLS", a_hundred_threads_with_ten_requests_each),
        ("streams given up over TLS", streams_given_up),
    ] {
        leaves_nothing(name, &testbed, &https, work);
    }
}

/// Counts before, and after the session of `work` is gone.
fn leaves_nothing(name: &str, testbed: &Testbed, base: &str, work: fn(&Session, &str)) {
    let before = (descriptors(), threads());
    let session = session(testbed);
    work(&session, base);
    assert!(settles(|| threads() == before.1), "{} threads after {name}, not {}", threads(), before.1);
    drop(session);
    // The server's half of each connection is a descriptor of this process too.
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some(), "{name}: connections were left open");
    assert_eq!(descriptors(), before.0, "descriptors after {name}");
}

fn session(testbed: &Testbed) -> Session {
    let tls = Tls::without_public_roots().add_roots_pem(testbed.ca_pem()).unwrap();
    Session::builder().ignore_environment().tls(tls).timeout(HANG).build().unwrap()
}

fn one_request(session: &Session, base: &str) {
    check(base, "only", &session.get(format!("{base}/anything/only")).send().unwrap());
}

fn a_hundred_threads_with_a_hundred_requests_each(session: &Session, base: &str) {
    threads_with_requests(session, base, 100);
}

fn a_hundred_threads_with_ten_requests_each(session: &Session, base: &str) {
    threads_with_requests(session, base, 10);
}

fn threads_with_requests(session: &Session, base: &str, each: usize) {
    const THREADS: usize = 100;
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for n in 0..each {
                    let own = format!("{thread}/{n}");
                    check(base, &own, &session.get(format!("{base}/anything/{own}")).send().unwrap());
                }
            });
        }
    });
    let counts = session.pool().counts();
    assert!(counts.open <= 16 && counts.idle == counts.open && counts.waiting == 0, "{counts:?}");
}

fn ten_thousand_on_one_thread_in_order(session: &Session, base: &str) {
    let results = session.send_all((0..10_000).map(|n| session.get(format!("{base}/anything/{n}"))));
    assert_eq!(results.len(), 10_000);
    for (n, result) in results.into_iter().enumerate() {
        check(base, &n.to_string(), &result.unwrap());
    }
}

fn ten_thousand_on_one_thread_as_they_complete(session: &Session, base: &str) {
    let mut seen = vec![false; 10_000];
    for (n, result) in session.as_completed((0..10_000).map(|n| session.get(format!("{base}/anything/{n}"))))
    {
        check(base, &n.to_string(), &result.unwrap());
        assert!(!std::mem::replace(&mut seen[n], true), "{n} came twice");
    }
    assert!(seen.iter().all(|seen| *seen));
}

/// The answer is the one to this request.
fn check(base: &str, own: &str, response: &session::Response) {
    let echo: Value = response.json().unwrap();
    assert_eq!(echo["url"], format!("{base}/anything/{own}"));
}

fn streams_given_up(session: &Session, base: &str) {
    for n in 0..50 {
        let mut stream = session.get(format!("{base}/bench/1000000")).stream().unwrap();
        stream.read_exact(&mut vec![0; n * 1000]).unwrap();
    }
}

fn failures(session: &Session, base: &str) {
    let timeout = Duration::from_millis(50);
    let untrusted = Testbed::start().unwrap();
    for _ in 0..10 {
        assert!(session.get(format!("{base}/delay/9")).timeout(timeout).send().is_err());
        assert!(session.get(format!("https://{}/get", untrusted.tls_addr())).send().is_err());
        assert!(session.get("http://127.0.0.1:1/").send().is_err());
    }
    // And a batch that is dropped in the middle.
    let mut batch = session.as_completed((0..50).map(|n| session.get(format!("{base}/delay/{}", n % 2 * 9))));
    assert!(batch.next().unwrap().1.is_ok());
}

/// Down and up, 64 MiB: more than ten times what the process may grow by.
fn long_bodies_pass_through_in_constant_memory(testbed: &Testbed, base: &str) {
    const SIZE: u64 = 64 << 20;
    const GROWTH: u64 = 6 << 20;
    let session = session(testbed);
    let transfers = |size: u64| {
        for path in [format!("bench/{size}"), format!("chunked/{size}/65536")] {
            let mut stream = session.get(format!("{base}/{path}")).stream().unwrap();
            assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), size);
        }
        for body in [Body::sized(io::repeat(b'u').take(size), size), Body::once(io::repeat(b'u').take(size))]
        {
            let answer: Value =
                session.post(format!("{base}/sink")).body(body).send().unwrap().json().unwrap();
            assert_eq!(answer["bytes"], size);
        }
    };
    // Buffers are made by the first bodies, and kept.
    transfers(1 << 20);
    let before = peak_memory();
    transfers(SIZE);
    let grown = peak_memory().saturating_sub(before);
    assert!(grown <= GROWTH, "{base}: {grown} bytes more for bodies of {SIZE}");
    drop(session);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
}

/// Whether it comes to hold. A thread that was joined is on the system's list for a moment longer.
fn settles(mut holds: impl FnMut() -> bool) -> bool {
    (0..100_000).any(|_| {
        thread::yield_now();
        holds()
    })
}

/// Open descriptors, that of the listing included.
fn descriptors() -> usize {
    entries("/proc/self/fd")
}

fn threads() -> usize {
    entries("/proc/self/task")
}

fn entries(folder: &str) -> usize {
    if Path::new(folder).is_dir() { std::fs::read_dir(folder).unwrap().count() } else { 0 }
}

/// The most memory this process ever had, in bytes; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
