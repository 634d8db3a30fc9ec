use crate::input::{builder, finished};
use pool::sim::{Received, Reply, World};
use session::{Challenge, Digest};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Whatever stands in `WWW-Authenticate`: what is read of it is no longer than it, and the same when it is written with every
/// value quoted and read again. If it is a challenge that is answered, the answer is one Digest response with the realm, the
/// nonce and the opaque text of a challenge in it, for the target that was asked for, and without the password.
pub fn www_authenticate(data: &[u8]) {
    let found = Challenge::parse(data);
    let (mut again, mut size) = (Vec::new(), 0);
    for challenge in &found {
        size += challenge.scheme().len() + challenge.token().map_or(0, str::len);
        write(&mut again, challenge);
        size += challenge.params().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    }
    assert!(size <= data.len(), "{found:?}");
    assert_eq!(Challenge::parse(&again), found, "{}", again.escape_ascii());
    let in_a_field = data.iter().all(|b| (!b.is_ascii_control() || *b == b'\t') && *b != b'\n');
    if in_a_field && found.iter().any(|challenge| challenge.is("Digest")) {
        // The blanks around a value are not part of it.
        answered(data, &Challenge::parse(data.trim_ascii()));
    }
}

fn write(out: &mut Vec<u8>, challenge: &Challenge) {
    if !out.is_empty() {
        out.extend_from_slice(b", ");
    }
    out.extend_from_slice(challenge.scheme().as_bytes());
    if let Some(token) = challenge.token() {
        out.push(b' ');
        out.extend_from_slice(token.as_bytes());
    }
    for (index, (name, value)) in challenge.params().enumerate() {
        let comma = index > 0 || challenge.token().is_some();
        out.extend_from_slice(if comma { b", " } else { b" " });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        for octet in value {
            if matches!(octet, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*octet);
        }
        out.push(b'"');
    }
}

/// Lets a server say it, and looks at what comes next.
fn answered(field: &[u8], challenges: &[Challenge]) {
    let world = World::new(7);
    let seen: Arc<Mutex<Vec<Received>>> = Arc::default();
    let refused =
        [b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: ", field, b"\r\n\r\n"].concat();
    let saw = seen.clone();
    world.host("a.example", ["10.0.0.1"]).accept_all(move |received| {
        saw.lock().unwrap_or_else(|error| unreachable!("{error}")).push(received.clone());
        Reply::raw(refused.clone())
    });
    let session = finished(builder(&world).timeout(Duration::from_secs(30)));
    let sent = session
        .put("http://a.example/dir/a,b?q=%22\"")
        .body("text")
        .auth(Digest::new("us\"er\\", "s3cret"))
        .send();
    let status = sent.map(|response| response.status().as_u16());
    assert!(status.as_ref().is_ok_and(|status| *status == 401), "{status:?}");
    drop(session);
    world.assert_quiet();
    let seen = seen.lock().unwrap_or_else(|error| unreachable!("{error}"));
    assert!((1..=3).contains(&seen.len()), "{} requests", seen.len());
    for (index, received) in seen.iter().enumerate() {
        let headers = received.head().headers();
        let values: Vec<_> = headers.get_all("authorization").collect();
        assert_eq!(values.len(), usize::from(index > 0), "a challenge comes first");
        for value in values {
            proof(value.as_bytes(), received, challenges);
        }
    }
}

fn proof(value: &[u8], received: &Received, challenges: &[Challenge]) {
    let text = value.escape_ascii();
    let read = Challenge::parse(value);
    let [said] = read.as_slice() else { unreachable!("{text}") };
    assert!(said.is("Digest") && !value.windows(6).any(|octets| octets == b"s3cret"), "{text}");
    let names: Vec<&str> = said.params().map(|(name, _)| name).collect();
    assert!(
        names.iter().enumerate().all(|(at, name)| !names.iter().skip(at + 1).any(|n| n == name)),
        "{text}"
    );
    assert_eq!(said.param("uri"), Some(received.target().as_bytes()), "{text}");
    assert!(said.param("response").is_some_and(|hash| hash.iter().all(u8::is_ascii_hexdigit)), "{text}");
    let is_of = |challenge: &&Challenge| {
        challenge.is("Digest")
            && ["realm", "nonce", "opaque"].iter().all(|name| challenge.param(name) == said.param(name))
    };
    assert!(challenges.iter().any(|challenge| is_of(&challenge)), "{text}");
}
