//! Endpoints for measurements.

use serde_json::{Value, json};
use testbed::Testbed;

use crate::client::Client;

#[test]
fn bench_bodies_are_json_of_exactly_the_length_asked_for() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    for length in [1, 2, 9, 10, 11, 100, 65_535, 65_536, 65_537, 1_000_000] {
        let answer = client.get(&format!("/bench/{length}"));
        assert_eq!((answer.status, answer.body.len()), (200, length));
        serde_json::from_slice::<Value>(&answer.body).unwrap_or_else(|e| panic!("{length}: {e}"));
        assert_eq!(answer.fields.len(), 10, "{:?}", answer.fields);
    }
    let again = client.get("/bench/100");
    assert_eq!(again.text(), client.get("/bench/100").text());
    for nonsense in ["/bench/0", "/bench/x", "/bench/-1", "/bench/99999999999999999999"] {
        assert_eq!(client.get(nonsense).status, 400, "{nonsense}");
    }
    assert_eq!(client.send("POST", "/bench/1", "", b"").status, 405);
}

#[test]
fn head_of_a_large_bench_body_tells_its_length_alone() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    let head = client.send("HEAD", "/bench/1073741824", "", b"");
    assert_eq!((head.status, head.field("Content-Length")), (200, "1073741824"));
    assert_eq!(client.get("/bench/1").text(), "1");
}

#[test]
fn chunked_bodies_come_in_chunks_of_the_size_asked_for() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    let answer = client.get("/chunked/40/16");
    assert_eq!((answer.chunks, answer.body), (vec![16, 16, 8], vec![b'x'; 40]));
    assert_eq!(client.get("/chunked/0/16").body, b"");
    for nonsense in ["/chunked/1/0", "/chunked/1/1048577", "/chunked/x/1"] {
        assert_eq!(client.get(nonsense).status, 400, "{nonsense}");
    }
}

#[test]
fn echo_sends_the_body_back_with_its_framing_and_type() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    let body = vec![b'e'; 300_000];
    let sized = client.send("POST", "/echo", "Content-Type: a/b\r\n", &body);
    assert_eq!((sized.field("Content-Type"), &sized.body), ("a/b", &body));
    client.write(b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
    let chunked = client.read_answer("POST");
    assert_eq!((chunked.field("Transfer-Encoding"), chunked.text()), ("chunked", "ab"));
    assert_eq!(client.get("/echo").status, 405);
}

#[test]
fn sink_counts_the_body() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    let answer = client.send("POST", "/sink", "", &vec![0; 1_000_000]);
    assert_eq!(answer.json(), json!({"bytes": 1_000_000}));
    assert_eq!(client.send("POST", "/sink", "", b"").json(), json!({"bytes": 0}));
}

#[test]
fn expect_continue_is_answered_before_the_body_is_sent() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    client.write(b"POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    let interim = client.read_answer("HEAD");
    assert_eq!((interim.status, interim.fields.len()), (100, 0));
    client.write(b"abc");
    assert_eq!(client.read_answer("POST").json(), json!({"bytes": 3}));
}
