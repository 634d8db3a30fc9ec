//! What attacks on the memory of a client make it grow by.
//!
//! Each test starts itself again as a process of its own, which talks to the server in the first one, and whose peak is
//! what counts. Measured where the system has `/proc`; elsewhere the results alone are checked.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may be blunt")]

mod server;

use serde_json::Value;
use server::servers;
use session::{ErrorKind, Response, Session};
use std::io::{self, Read};
use std::process::Command;
use std::time::Duration;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Nothing here takes so long: what does, hangs.
const HANG: Duration = Duration::from_secs(120);

/// In the environment of a child: where the server is.
const SERVER: &str = "MEMORY_TEST_SERVER";

/// The limit for a body in memory where a bomb goes off.
const BODY: usize = 1 << 20;

#[test]
fn dc_1_of_a_thousand_codings_none_gets_a_decoder() {
    grows("dc_1_of_a_thousand_codings_none_gets_a_decoder", 256 * KIB, |session, base| {
        for coding in ["br", "gzip", "zstd"] {
            let error = session.get(format!("{base}/codings/{coding}")).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{coding}");
        }
    });
}

#[test]
fn dc_3_a_bomb_in_a_redirect_is_not_decoded() {
    grows("dc_3_a_bomb_in_a_redirect_is_not_decoded", MIB, |session, base| {
        let response = session.get(format!("{base}/redirect-bomb")).send().unwrap();
        assert_eq!((response.text(), response.history().len()), ("small".into(), 1));
    });
}

/// Each bomb may cost what is kept of it, and what its coding has to look back at: next to nothing; what was decoded so
/// far; for br, whose decoder hands nothing over before its window is full, that, and half as much while it grows. What
/// those before have cost may count for those behind.
#[test]
fn dc_4_bombs_stop_at_the_limit_for_a_body_in_memory() {
    grows("dc_4_bombs_stop_at_the_limit_for_a_body_in_memory", 36 * MIB, |session, base| {
        let before = peak_memory();
        for (bomb, most) in [
            ("gzip", 2 * MIB),
            ("deflate", 2 * MIB),
            ("five", 3 * MIB),
            ("zstd", 6 * MIB),
            ("br", 10 * MIB),
            ("br-24", 36 * MIB),
        ] {
            let url = format!("{base}/bomb/{bomb}");
            let kind = |result: Result<Value, session::Error>| result.unwrap_err().kind();
            let json = session.get(&url).max_body(BODY).send().and_then(|response| response.json());
            assert_eq!(kind(json), ErrorKind::Body, "{bomb}");
            let stream = session.get(&url).max_body(BODY).stream().unwrap();
            assert_eq!(stream.into_response().unwrap_err().kind(), ErrorKind::Body, "{bomb}");
            assert_eq!(stream_lines(session, &url), Some(ErrorKind::Body), "{bomb}: a line without an end");
            let grown = peak_memory() - before;
            assert!(grown <= most, "{bomb}: {grown} bytes more");
        }
    });
}

/// How the lines end.
fn stream_lines(session: &Session, url: &str) -> Option<ErrorKind> {
    let lines = session.get(url).max_body(BODY).stream().unwrap().lines();
    lines.filter_map(Result::err).map(|error| error.kind()).next()
}

#[test]
fn dc_4_without_a_setting_the_limit_is_64_mib() {
    grows("dc_4_without_a_setting_the_limit_is_64_mib", (64 + 9) * MIB, |session, base| {
        let before = peak_memory();
        for (bomb, window) in [("gzip-80", 1), ("zstd", 9)] {
            let error = session.get(format!("{base}/bomb/{bomb}")).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Body);
            assert!(error.to_string().contains("max_body"), "{error}");
            let grown = peak_memory() - before;
            assert!(grown <= (64 + window) * MIB, "{bomb}: {grown} bytes more");
        }
    });
}

#[test]
fn dc_4_a_bomb_that_is_streamed_passes_in_constant_memory() {
    grows("dc_4_a_bomb_that_is_streamed_passes_in_constant_memory", 9 * MIB, |session, base| {
        let before = peak_memory();
        for (bomb, size, most) in [
            ("gzip", 24 * MIB, MIB),
            ("gzip-80", 80 * MIB, MIB),
            ("five", 24 * MIB, MIB),
            ("zstd", 80 * MIB, 9 * MIB),
            ("br", 8 * MIB, 9 * MIB),
        ] {
            let mut stream = session.get(format!("{base}/bomb/{bomb}")).stream().unwrap();
            assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), size, "{bomb}");
            let grown = peak_memory() - before;
            assert!(grown <= most, "{bomb}: {grown} bytes more");
        }
    });
}

#[test]
fn dc_5_a_gzip_name_or_comment_without_an_end_is_not_kept() {
    grows("dc_5_a_gzip_name_or_comment_without_an_end_is_not_kept", MIB, |session, base| {
        for field in ["name", "comment"] {
            let url = format!("{base}/gzip/{field}");
            assert_eq!(session.get(&url).send().unwrap_err().kind(), ErrorKind::Decode);
            assert!(io::copy(&mut session.get(&url).stream().unwrap(), &mut io::sink()).is_err());
        }
    });
}

#[test]
fn dc_7_windows_that_http_does_not_have_are_refused_before_they_are_made() {
    grows(
        "dc_7_windows_that_http_does_not_have_are_refused_before_they_are_made",
        2 * MIB,
        |session, base| {
            for window in ["zstd-2-gib", "zstd-one-segment", "br-large"] {
                let error = session.get(format!("{base}/window/{window}")).send().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Decode, "{window}: {error}");
            }
        },
    );
}

#[test]
fn dc_7_a_zstd_block_of_gigabytes_is_refused_within_the_window() {
    grows("dc_7_a_zstd_block_of_gigabytes_is_refused_within_the_window", 9 * MIB, |session, base| {
        let url = format!("{base}/window/zstd-block");
        assert_eq!(session.get(&url).send().unwrap_err().kind(), ErrorKind::Decode);
        assert!(io::copy(&mut session.get(&url).stream().unwrap(), &mut io::sink()).is_err());
    });
}

#[test]
fn mb_1_a_head_without_an_end_stops_at_its_limit() {
    grows("mb_1_a_head_without_an_end_stops_at_its_limit", MIB, |session, base| {
        let error = session.get(format!("{base}/endless/headers")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    });
}

#[test]
fn mb_2_small_fields_long_names_and_trailers_stop_at_their_limit() {
    grows("mb_2_small_fields_long_names_and_trailers_stop_at_their_limit", MIB, |session, base| {
        for attack in ["small-headers", "trailers"] {
            let error = session.get(format!("{base}/endless/{attack}")).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{attack}: {error}");
        }
        let response = session.get(format!("{base}/long-name")).send().unwrap();
        assert_eq!(response.text(), "small");
    });
}

#[test]
fn mb_3_chunk_extensions_stop_at_their_limit() {
    grows("mb_3_chunk_extensions_stop_at_their_limit", MIB, |session, base| {
        for attack in ["long-extension", "extensions"] {
            let error = session.get(format!("{base}/endless/{attack}")).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{attack}: {error}");
        }
    });
}

#[test]
fn mb_4_a_length_that_was_announced_is_not_allocated() {
    grows("mb_4_a_length_that_was_announced_is_not_allocated", MIB, |session, base| {
        let url = format!("{base}/announced/1000000000000000");
        for limit in [BODY, usize::MAX] {
            let error = session.get(&url).max_body(limit).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Body, "{error}");
        }
        let mut bytes = Vec::new();
        let error = session.get(&url).stream().unwrap().read_to_end(&mut bytes).unwrap_err();
        assert_eq!((bytes.len(), error.kind()), (10, io::ErrorKind::UnexpectedEof), "{error}");
        let error = session.get(format!("{base}/announced/18446744073709551615")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    });
}

#[test]
fn mb_5_interim_answers_without_an_end_stop_at_their_limit() {
    grows("mb_5_interim_answers_without_an_end_stop_at_their_limit", MIB, |session, base| {
        for attack in ["continue", "hints"] {
            let error = session.get(format!("{base}/endless/{attack}")).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{attack}: {error}");
        }
    });
}

#[test]
fn mb_6_handshakes_that_failed_leave_nothing_behind() {
    grows("mb_6_handshakes_that_failed_leave_nothing_behind", 600 * KIB, |session, base| {
        let fail = |count| {
            for _ in 0..count {
                let error = session.get(base.replace("http:", "https:")).send().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
            }
        };
        fail(100);
        let (open, before) = (descriptors(), peak_memory());
        fail(9_900);
        assert_eq!(descriptors(), open);
        assert!(peak_memory() - before < 600 * KIB, "{} more", peak_memory() - before);
    });
}

#[test]
fn mb_7_the_bodies_of_redirects_are_not_kept() {
    grows("mb_7_the_bodies_of_redirects_are_not_kept", 4 * MIB, |session, base| {
        let response: Response = session.get(format!("{base}/hop/0")).send().unwrap();
        assert_eq!((response.text(), response.history().len()), ("small".into(), 30));
        for hop in response.history() {
            // 64 KiB, and what a read from the socket may take beyond them.
            let received = hop.attempts().last().bytes_received;
            assert!(hop.bytes().is_none() && received <= (64 + 256) * KIB, "{received} bytes were read");
        }
    });
}

#[test]
fn cpu_6_chunks_of_one_byte_allocate_nothing() {
    grows("cpu_6_chunks_of_one_byte_allocate_nothing", MIB, |session, base| {
        let mut stream = session.get(format!("{base}/tiny-chunks")).stream().unwrap();
        assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), 64 * MIB);
    });
}

#[test]
fn a_caller_that_takes_its_time_slows_the_peer_down_instead_of_filling_memory() {
    let test = "a_caller_that_takes_its_time_slows_the_peer_down_instead_of_filling_memory";
    grows(test, MIB, |session, base| {
        let mut stream = session.get(format!("{base}/large")).stream().unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        for _ in 0..1000 {
            assert_eq!(session.get(format!("{base}/small")).send().unwrap().text(), "small");
        }
        assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), 64 * MIB - 10);
    });
}

#[test]
fn thousands_of_links_do_not_each_hold_the_url_of_the_answer() {
    grows("thousands_of_links_do_not_each_hold_the_url_of_the_answer", 8 * MIB, |session, base| {
        let response = session.get(format!("{base}/links/{}", "x".repeat(60_000))).send().unwrap();
        let links = response.links();
        assert_eq!(links.len(), 20_000);
        assert_eq!(links.iter().last().unwrap().url(), Some(response.url()));
    });
}

/// Does the work in a process of its own, and checks what it grew by.
fn grows(test: &str, limit: u64, work: fn(&Session, &str)) {
    if let Ok(server) = std::env::var(SERVER) {
        let tls = test.starts_with("mb_6");
        let base = format!("http://{}", server.split(' ').nth(usize::from(tls)).unwrap());
        let session = Session::builder().ignore_environment().timeout(HANG).build().unwrap();
        if !tls {
            // Buffers are made by the first bodies, and kept.
            io::copy(&mut session.get(format!("{base}/warm")).stream().unwrap(), &mut io::sink()).unwrap();
            session.get(format!("{base}/small")).send().unwrap();
            // So that the pages of the program that hold the decoders, and their errors, are no growth.
            for coding in ["gzip", "deflate", "br", "zstd"] {
                let response = session.get(format!("{base}/coded/{coding}")).send().unwrap();
                assert_eq!(response.text(), "small", "{coding}");
            }
            session.get(format!("{base}/coded/broken")).send().unwrap_err();
        }
        let before = peak_memory();
        if tls {
            // This one makes its own comparison, when all that is kept for handshakes is there.
            work(&session, &base);
            return;
        }
        work(&session, &base);
        let grown = peak_memory() - before;
        assert!(grown <= limit, "{grown} bytes more, not {limit}");
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(SERVER, servers())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && words.contains("1 passed"), "{words}");
}

/// The most memory this process ever had, in bytes; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * KIB
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
