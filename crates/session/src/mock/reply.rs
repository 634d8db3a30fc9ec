//! What a mock answers.

use super::MockRequest;
use http_wire::{Method, StatusCode};
use pool::sim;
use serde::Serialize;
use std::time::Duration;

/// An answer of a [`Mock`](super::Mock), or none.
///
/// `Content-Length` is added by itself, unless a length or a coding is given by hand, and a `Content-Type` given by hand
/// takes the place of that of [`text`](Self::text) and [`json`](Self::json). Headers are sent as they are given, so that
/// a test can also show what a program makes of a broken server.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    what: What,
    delay: Duration,
}

#[derive(Clone, Debug)]
enum What {
    Answer(Answer),
    Raw(Vec<u8>),
    Close,
    Reset,
    Never,
}

#[derive(Clone, Debug, Default)]
struct Answer {
    status: u16,
    /// Of what the body was made of, unless the headers say otherwise.
    content_type: Option<&'static str>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    cut: Option<usize>,
    close: bool,
}

impl Reply {
    /// This status, without a body.
    pub fn status(status: u16) -> Self {
        Self::bytes([]).with_status(status)
    }

    /// `200 OK` with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::typed(text.into(), Some("text/plain; charset=utf-8"))
    }

    /// `200 OK` with this value as JSON.
    ///
    /// # Panics
    /// If it has no form in JSON.
    #[track_caller]
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::typed(body, Some("application/json")),
            Err(why) => fail(&format!("a reply cannot be written as JSON: {why}")),
        }
    }

    /// `200 OK` with this body, of no stated type.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Self::typed(body, None)
    }

    /// A redirect with this status to this place.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("Location", location)
    }

    /// These octets, status line and all, whatever they are.
    pub fn raw(octets: impl Into<Vec<u8>>) -> Self {
        Self::of(What::Raw(octets.into()))
    }

    /// No answer: the connection is closed.
    pub fn close() -> Self {
        Self::of(What::Close)
    }

    /// No answer: the connection is reset.
    pub fn reset() -> Self {
        Self::of(What::Reset)
    }

    /// No answer, ever: some time limit of the client runs out.
    pub fn never() -> Self {
        Self::of(What::Never)
    }

    /// With another status.
    pub fn with_status(mut self, code: u16) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.status = code;
        }
        self
    }

    /// With one more header.
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.headers.push((name.into(), value.as_ref().to_vec()));
        }
        self
    }

    /// So much virtual time later.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Only so many octets of the body are sent; then the connection is closed.
    pub fn cut(mut self, octets: usize) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.cut = Some(octets);
        }
        self
    }

    /// The connection is closed behind the answer.
    pub fn then_close(mut self) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.close = true;
        }
        self
    }

    fn typed(body: impl Into<Vec<u8>>, content_type: Option<&'static str>) -> Self {
        Self::of(What::Answer(Answer { status: 200, content_type, body: body.into(), ..Answer::default() }))
    }

    fn of(what: What) -> Self {
        Self { what, delay: Duration::ZERO }
    }

    /// What is said to this request: to HEAD the same head, and no body.
    pub(super) fn to_sim(&self, request: &MockRequest) -> sim::Reply {
        let reply = match &self.what {
            What::Raw(octets) => sim::Reply::raw(octets.clone()),
            What::Close => sim::Reply::raw([]).close(),
            What::Reset => sim::Reply::raw([]).reset(),
            What::Never => sim::Reply::silence(),
            What::Answer(answer) => {
                let (body, mut octets) = (&answer.body, head(answer));
                if *request.method() != Method::HEAD && has_body(answer.status) {
                    octets.extend_from_slice(body.get(..answer.cut.unwrap_or(body.len())).unwrap_or(body));
                }
                let reply = sim::Reply::raw(octets);
                if answer.close || answer.cut.is_some() { reply.close() } else { reply }
            }
        };
        reply.delay(self.delay)
    }
}

fn head(answer: &Answer) -> Vec<u8> {
    let status = answer.status;
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Mock")).into_bytes();
    let given = |header: &str| answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header));
    if let Some(content_type) = answer.content_type.filter(|_| !given("content-type")) {
        head.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
    }
    for (name, value) in &answer.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    if has_body(status) && !given("content-length") && !given("transfer-encoding") {
        head.extend_from_slice(format!("Content-Length: {}\r\n", answer.body.len()).as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// RFC 9110 §6.4.1: these end with their head.
fn has_body(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 304)
}

/// Fails the test that made the mistake.
#[track_caller]
#[expect(clippy::panic, reason = "a test tool: what it finds must fail the test")]
fn fail(text: &str) -> ! {
    panic!("{text}")
}
