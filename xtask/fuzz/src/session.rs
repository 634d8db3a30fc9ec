//! A whole session against a world that is against it.
//!
//! The first lines of a case are calls, one after the other: a method, a URL (`$secret` is a password there) and words that say how it is made; a line
//! that begins with `session` has words for all. From the first line with `>` on come answers, which the servers give one
//! after the other, whoever is asked: words behind `>` say how, the lines below are the octets (in the head a line feed
//! stands for CR LF). When all have been given, they answer 200.
//!
//! Words of the session: `netrc`, `fragment`, `bytes`, `short`, `spurious`, `interrupts`, `jitter`, `latency`,
//! `https-only`, `few`. Of a call: `stream`, `drop`, `lines`, `part`, `body`, `reader`, `once`, `expect`, `basic`, `bearer`,
//! `digest`, `hand`, `key`, `by-hand`, `cookie`, `retry`, `any`, `no-decode`, `proxy`, `socks`, `socks5h`, `evil`, `evil-socks`, `batch`. Of an answer:
//! `length`, `chunked`, `raw` (octets as they are), `close`, `reset`, `hold`, `late`, `slow`; and `evil` for what a proxy says
//! that is none, to the first head it is sent and, below a line `|`, to the next.

use crate::input::{builder, lines};
use crate::secrets::{HOSTS, Secrets};
use pool::sim::{AskedKind, Fragments, Peer, Reply, SimProxy, World};
use session::{Body, Digest, Error, Netrc, Redirect, RequestBuilder, Response, Retry, Session, Url};
use std::collections::VecDeque;
use std::io::{Cursor, Read as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Whatever servers and proxies say: each call ends within its time limit, with an answer or with an error, and neither a
/// body in memory nor a jar grows beyond its limit; credentials reach the origin they were meant for and nobody else, and
/// are in no text; what is sent is a request; and nothing stays open.
pub fn session(data: &[u8]) {
    let case = Case::of(data);
    let world = World::new(7);
    let stage = Stage { world, answers: Arc::new(Mutex::new(case.answers)), secrets: Arc::default() };
    let shared = data.to_ascii_lowercase().windows(6).any(|word| word == b"domain");
    stage.secrets().shared_cookies = shared;
    let proxy = stage.build(&case.words);
    let evil = stage.evil(&case.evil);
    let session = stage.session(&case.words);
    let mut batch = Vec::new();
    for call in &case.calls {
        let Some(request) = stage.request(&session, call) else { continue };
        if call.has("batch") {
            batch.push(request);
            continue;
        }
        stage.finish_batch(&session, &mut batch);
        stage.one(call, request);
    }
    stage.finish_batch(&session, &mut batch);
    assert!(session.cookies().len() <= 3000);
    for asked in proxy.seen() {
        let Some(head) = asked.head() else { continue };
        stage.secrets().at_proxy(head.as_bytes(), asked.kind() == AskedKind::Connect, asked.target());
    }
    drop(session);
    for peer in &evil {
        let received = peer.received();
        let head =
            received.split(|b| *b == b'\n').take_while(|line| *line != b"\r").collect::<Vec<_>>().concat();
        if head.starts_with(b"CONNECT ") || head.starts_with(b"\x05") {
            stage.secrets().at_proxy(&head, true, "");
        }
    }
    // Nobody says when such a peer has done its part.
    if !data.windows(4).any(|word| word == b"evil") {
        stage.world.assert_quiet();
    }
    stage.world.advance(Duration::ZERO);
    assert_eq!(stage.world.open(), 0, "{}", stage.world.log().join("\n"));
}

/// The total time limit of every call.
const LIMIT: Duration = Duration::from_secs(20);
const MAX_BODY: usize = 32 * 1024;
const MAX_CALLS: usize = 6;

struct Case {
    words: Vec<String>,
    calls: Vec<Call>,
    answers: VecDeque<Answer>,
    /// What a proxy says that is none.
    evil: Vec<Answer>,
}

struct Call {
    method: String,
    url: String,
    words: Vec<String>,
}

struct Answer {
    words: Vec<String>,
    octets: Vec<u8>,
}

impl Case {
    fn of(data: &[u8]) -> Self {
        let mut case =
            Self { words: Vec::new(), calls: Vec::new(), answers: VecDeque::new(), evil: Vec::new() };
        for line in lines(data) {
            if let Some(words) = line.strip_prefix(b">") {
                case.answers.push_back(Answer { words: words_of(words), octets: Vec::new() });
            } else if let Some(answer) = case.answers.back_mut() {
                answer.add(line);
            } else {
                case.add(words_of(line));
            }
        }
        case.answers.iter_mut().for_each(Answer::frame);
        let (evil, answers) = case.answers.into_iter().partition(|answer| has(&answer.words, "evil"));
        Self { answers, evil: Vec::from_iter::<VecDeque<_>>(evil), ..case }
    }

    fn add(&mut self, mut words: Vec<String>) {
        if words.first().is_some_and(|word| word == "session") {
            self.words.append(&mut words);
        } else if words.len() >= 2 && self.calls.len() < MAX_CALLS {
            let rest = words.split_off(2);
            let mut words = words.into_iter();
            let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            self.calls.push(Call { method, url, words: rest });
        }
    }
}

impl Call {
    fn has(&self, word: &str) -> bool {
        has(&self.words, word)
    }
}

impl Answer {
    /// One more line.
    fn add(&mut self, line: &[u8]) {
        let in_head = !has(&self.words, "raw") && !self.octets.windows(4).any(|octets| octets == b"\r\n\r\n");
        self.octets.extend_from_slice(line);
        self.octets.extend_from_slice(if in_head && !line.ends_with(b"\r") { b"\r\n" } else { b"\n" });
    }

    /// Puts the framing there that the words ask for. The last line end belongs to the case.
    fn frame(&mut self) {
        let Some(end) = self.octets.windows(4).position(|octets| octets == b"\r\n\r\n") else { return };
        let (head, body) = self.octets.split_at_checked(end + 2).unwrap_or_default();
        let body = body.strip_prefix(b"\r\n").unwrap_or_default();
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        if has(&self.words, "length") {
            let field = format!("Content-Length: {}\r\n\r\n", body.len());
            self.octets = [head, field.as_bytes(), body].concat();
        } else if has(&self.words, "chunked") {
            let mut octets = [head, b"Transfer-Encoding: chunked\r\n\r\n"].concat();
            for chunk in body.chunks(7) {
                octets.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                octets.extend_from_slice(chunk);
                octets.extend_from_slice(b"\r\n");
            }
            octets.extend_from_slice(b"0\r\n\r\n");
            self.octets = octets;
        } else {
            self.octets = [head, b"\r\n", body].concat();
        }
    }

    /// As it comes from the server at that place, which stands in it as `$jar`.
    fn reply(&self, place: usize) -> Reply {
        let mut reply = Reply::raw(replaced(&self.octets, b"$jar", Secrets::cookie(place).as_bytes()));
        for word in &self.words {
            reply = match &**word {
                "close" => reply.close(),
                "reset" => reply.reset(),
                "hold" => Reply::silence(),
                "late" => reply.delay(Duration::from_secs(7)),
                "slow" => reply.delay(Duration::from_millis(300)),
                _ => reply,
            };
        }
        reply
    }
}

/// A world with hosts that answer from the case, and what is not to be seen there.
struct Stage {
    world: World,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    secrets: Arc<Mutex<Secrets>>,
}

impl Stage {
    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        lock(&self.secrets)
    }

    /// The hosts and the proxy.
    fn build(&self, words: &[String]) -> SimProxy {
        for (place, (name, address)) in HOSTS.into_iter().enumerate() {
            let host = self.world.host(name, [address]);
            if has(words, "latency") {
                host.latency(Duration::from_millis(40));
            }
            let (answers, secrets) = (self.answers.clone(), self.secrets.clone());
            host.accept_all(move |received| {
                lock(&secrets).at_origin(received, place);
                lock(&answers).pop_front().map_or_else(|| Reply::ok("end"), |answer| answer.reply(place))
            });
        }
        let proxy = self.world.proxy("proxy.example", ["10.9.0.1"]);
        proxy.require("pu", Secrets::proxy());
        for word in words {
            match &**word {
                "fragment" => self.world.fragment(Fragments::Random),
                "bytes" => self.world.fragment(Fragments::Bytes),
                "short" => self.world.short_writes(Fragments::Random),
                "spurious" => self.world.spurious(200),
                "interrupts" => self.world.interrupts(200),
                "jitter" => self.world.jitter(Duration::from_millis(100)),
                _ => {}
            }
        }
        proxy
    }

    /// The proxy that is none: each connection to it is told what stands in one answer of the case, until there is none.
    fn evil(&self, answers: &[Answer]) -> Vec<Peer> {
        let host = self.world.host("evil.example", ["10.9.0.2"]);
        let script = |answer: &Answer| {
            let mut peer = host.accept();
            for part in lines_between_bars(&answer.octets) {
                peer = if has(&answer.words, "raw") { peer.skip(1) } else { peer.expect_head("") };
                peer = if has(&answer.words, "late") { peer.delay(Duration::from_secs(7)) } else { peer };
                peer = peer.reply(part);
            }
            match () {
                () if has(&answer.words, "reset") => peer.delay(Duration::from_millis(1)).reset(),
                () if has(&answer.words, "close") => peer.close(),
                () => peer,
            }
        };
        answers.iter().map(script).collect()
    }

    fn session(&self, words: &[String]) -> Session {
        let mut builder = builder(&self.world).timeout(LIMIT).max_body(MAX_BODY);
        if has(words, "https-only") {
            builder = builder.redirect(Redirect::default().https_only(true));
        }
        if has(words, "few") {
            builder = builder.max_per_origin(1);
        }
        let mut session = builder.build().unwrap_or_else(|error| unreachable!("{error}"));
        if has(words, "netrc") {
            let mut file = String::new();
            for (host, _) in HOSTS.iter().filter(|(host, _)| *host != "*") {
                // Of a host, at any port.
                let password = self.secrets().of_host(host);
                file.push_str(&format!("machine {host} login n password {password}\n"));
            }
            session
                .settings_mut()
                .set_netrc(Netrc::parse(file).unwrap_or_else(|error| unreachable!("{error}")));
        }
        session
    }

    /// The request that a line asks for. `None`: it cannot be made, which is said.
    fn request(&self, session: &Session, call: &Call) -> Option<RequestBuilder> {
        let parsed = Url::parse(&call.url.replace("$secret", "x"));
        let placed =
            parsed.is_ok_and(|url| url.password() == Some("x")) && call.url.matches("$secret").count() == 1;
        let url_with = |secret: &str| call.url.replace("$secret", if placed { secret } else { "x" });
        let probe = session.request(&*call.method, url_with("x")).build().ok()?;
        let secret = self.secrets().of_origin(probe.url());
        let mut request = session.request(&*call.method, url_with(&secret));
        for word in &call.words {
            request = match &**word {
                "body" => request.body("some text that is sent again"),
                "reader" => request.body(reader()),
                "once" => request.body(Body::once(Cursor::new(vec![b'o'; 300]))),
                "expect" => request.expect_continue(true),
                "basic" => request.basic("u", &secret),
                "bearer" => request.bearer(&secret),
                "digest" => request.auth(Digest::new(&secret, &secret)),
                "hand" => request.header("Authorization", format!("Hand {secret}")),
                "key" => request.sensitive_header("X-Key", &secret),
                "by-hand" => request.header("Cookie", format!("by={secret}")),
                "cookie" => request.cookie("extra", &secret),
                "retry" => request.retry(Retry::idempotent(3).on_timeout(true)),
                "any" => request.retry(Retry::idempotent(2).any_method(true)),
                "no-decode" => request.decode(false),
                "proxy" => request.proxy(proxy_url("http", "proxy.example")),
                "socks" => request.proxy(proxy_url("socks5", "proxy.example")),
                "socks5h" => request.proxy(proxy_url("socks5h", "proxy.example")),
                "evil" => request.proxy(proxy_url("http", "evil.example")),
                "evil-socks" => request.proxy(proxy_url("socks5h", "evil.example")),
                _ => request,
            };
        }
        Some(request)
    }

    fn one(&self, call: &Call, request: RequestBuilder) {
        let begun = self.world.elapsed();
        if call.has("stream") || call.has("lines") || call.has("part") || call.has("drop") {
            self.streamed(call, request);
        } else {
            self.seen(&request.send());
        }
        let took = self.world.elapsed() - begun;
        assert!(took <= LIMIT, "a call of {took:?}");
    }

    fn streamed(&self, call: &Call, request: RequestBuilder) {
        let mut stream = match request.stream() {
            Ok(stream) => stream,
            Err(error) => return self.seen(&Err(error)),
        };
        self.shown(&format!("{stream:?}"));
        if call.has("drop") {
            return;
        }
        if call.has("lines") {
            for line in stream.lines().take(1000) {
                if let Err(error) = line {
                    self.seen(&Err(error));
                }
            }
            return;
        }
        if call.has("part") {
            let _ = stream.read(&mut [0; 10]);
            return self.seen(&stream.into_response());
        }
        let (mut buffer, mut reads) = ([0; 1000], 0);
        while reads < 1000 && stream.read(&mut buffer).is_ok_and(|count| count > 0) {
            reads += 1;
        }
    }

    fn finish_batch(&self, session: &Session, batch: &mut Vec<RequestBuilder>) {
        let (begun, count) = (self.world.elapsed(), batch.len());
        let results = session.send_all(std::mem::take(batch));
        assert_eq!(results.len(), count, "one result each");
        results.iter().for_each(|result| self.seen(result));
        let took = self.world.elapsed() - begun;
        // They wait for one another where there are few connections, each within its limit.
        assert!(took <= LIMIT * u32::try_from(count.max(1)).unwrap_or(u32::MAX), "a batch of {took:?}");
    }

    fn seen(&self, result: &Result<Response, Error>) {
        match result {
            Ok(response) => {
                assert!(response.bytes().len() <= MAX_BODY && response.history().len() <= 100);
                self.shown(&format!("{response:?} {:?} {:?}", response.history(), response.request()));
                let _ = (response.text(), response.links(), response.cookies(), response.next());
            }
            Err(error) => {
                self.shown(&format!("{error} {error:?}"));
                let mut cause = std::error::Error::source(error);
                while let Some(error) = cause {
                    self.shown(&format!("{error} {error:?}"));
                    cause = error.source();
                }
            }
        }
    }

    fn shown(&self, text: &str) {
        self.secrets().in_text(text);
    }
}

fn proxy_url(scheme: &str, host: &str) -> String {
    format!("{scheme}://pu:{}@{host}:3128", Secrets::proxy())
}

fn lines_between_bars(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    for line in octets.split_inclusive(|b| *b == b'\n') {
        if line.trim_ascii() == b"|" {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.extend_from_slice(line);
        }
    }
    parts
}

fn replaced(octets: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), octets);
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        let (before, after) = rest.split_at_checked(at).unwrap_or_default();
        out.extend_from_slice(before);
        out.extend_from_slice(with);
        rest = after.strip_prefix(what).unwrap_or_default();
    }
    [&out, rest].concat()
}

/// A body that is read, and can be read again.
fn reader() -> Body {
    Body::seekable(Cursor::new(vec![b'r'; 20_000])).unwrap_or_else(|error| unreachable!("{error}"))
}

fn words_of(line: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(line).split_ascii_whitespace().map(str::to_owned).collect()
}

fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|own| own == word)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
