//! Plays scenarios with `session`, and tells what came of them in the words of `requests_side.py`.

use crate::scenario::{Pairs, Scenario, Setup, Step};
use crate::sight::latin;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use session::pool::Source;
use session::{
    Basic, Bearer, Body, Cookie, Digest, Error, Form, Head, Headers, Hook, Hop, Part, Redirect, Request,
    RequestBuilder, Response, Session, Timeouts, http,
};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Log = Arc<Mutex<Vec<Value>>>;

/// The whole scenario; a scenario that cannot be understood says so in its outcome, where it will differ.
pub(crate) fn play(text: &str) -> Value {
    let told = serde_json::from_str(text).map_err(|why| why.to_string()).and_then(|scenario| run(&scenario));
    told.unwrap_or_else(|why| json!({ "not played": why }))
}

fn run(scenario: &Scenario) -> Result<Value, String> {
    let log = Log::default();
    let session = prepare(scenario, &log).map_err(|why| why.to_string())?;
    let mut steps = Vec::new();
    for step in &scenario.steps {
        let told = builder(&session, step, &log)?;
        steps.push(match answer(told, step) {
            Ok(told) => told,
            Err(error) => failure(&error),
        });
    }
    let mut jar: Vec<[String; 2]> = session
        .cookies()
        .iter()
        .map(|cookie| [cookie.name().to_owned(), cookie.value().to_owned()])
        .collect();
    jar.sort();
    let hooks = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(json!({ "steps": steps, "jar": jar, "hooks": hooks }))
}

fn prepare(scenario: &Scenario, log: &Log) -> Result<Session, Error> {
    let Setup { headers, params, auth, cookies, max_redirects, hooks } = &scenario.session;
    let mut builder = Session::builder().ignore_environment().resolver(loopback);
    if let Some(params) = params {
        builder = builder.query(pairs(params));
    }
    if let Some(max) = max_redirects {
        builder = builder.redirect(Redirect::limited(*max));
    }
    for tag in hooks.iter().flatten() {
        builder = builder.hook(Tagged { tag: tag.clone(), log: Arc::clone(log) });
    }
    let mut session = builder.build()?;
    for (name, value) in headers {
        match value {
            Some(value) => session.headers_mut().insert(name, value)?,
            None => {
                session.headers_mut().remove(name);
            }
        }
    }
    match auth.as_deref() {
        Some([kind, user, password]) if kind == "basic" => session.set_auth(Basic::new(user, password)),
        Some([kind, user, password]) if kind == "digest" => session.set_auth(Digest::new(user, password)),
        Some([kind, token]) if kind == "bearer" => session.set_auth(Bearer::new(token)),
        _ => {}
    }
    // A cookie belongs to a host here: to that of the first request.
    if let Some(step) = scenario.steps.first().filter(|_| !cookies.is_empty()) {
        let request = session.get(&step.url).build()?;
        for (name, value) in cookies {
            session.cookies().set(request.url(), Cookie::new(name, value))?;
        }
    }
    Ok(session)
}

/// The request as the step says it; the error is one of the scenario.
fn builder(session: &Session, step: &Step, log: &Log) -> Result<RequestBuilder, String> {
    let url = &step.url;
    let mut builder = match (&step.method, step.call.as_deref()) {
        (Some(method), None) => session.request(method, url),
        (None, Some("get")) => session.get(url),
        (None, Some("post")) => session.post(url),
        (None, Some("put")) => session.put(url),
        (None, Some("patch")) => session.patch(url),
        (None, Some("delete")) => session.delete(url),
        (None, Some("head")) => session.head(url),
        (None, Some("options")) => session.options(url),
        _ => return Err("a step has a method or a call".to_owned()),
    };
    if let Some(params) = &step.params {
        builder = params_of(builder, params);
    }
    builder = headers_of(builder, &step.headers);
    for (name, value) in &step.cookies {
        builder = builder.cookie(name, value);
    }
    builder = match step.auth.as_deref() {
        None => builder,
        Some([kind, user, password]) if kind == "basic" => builder.basic(user, password),
        Some([kind, user, password]) if kind == "digest" => builder.auth(Digest::new(user, password)),
        Some([kind, token]) if kind == "bearer" => builder.bearer(token),
        Some(other) => return Err(format!("session has no credentials of the kind {other:?}")),
    };
    builder = match step.redirects {
        None => builder,
        Some(true) => builder.redirect(Redirect::default()),
        Some(false) => builder.redirect(Redirect::none()),
    };
    if let Some(seconds) = step.timeout {
        let limit = Duration::from_secs_f64(seconds);
        builder = builder.timeouts(Timeouts::default().connect(limit).idle(limit));
    }
    for tag in step.hooks.iter().flatten() {
        builder = builder.hook(Tagged { tag: tag.clone(), log: Arc::clone(log) });
    }
    match &step.body {
        None => Ok(builder),
        Some((kind, value)) => body_of(builder, kind, value),
    }
}

fn params_of(builder: RequestBuilder, params: &Value) -> RequestBuilder {
    // A name whose value is null is left out, also when the session has it.
    let list = params.as_array().map(Vec::as_slice).unwrap_or_default();
    let nulls = list.iter().filter(|pair| pair.get(1).is_some_and(Value::is_null));
    let names = nulls.filter_map(|pair| pair.get(0)?.as_str());
    names.fold(builder.query(pairs(params)), RequestBuilder::without_param)
}

/// Pairs in their order; a list as a value stands for its name once for each, null for nothing.
fn pairs(value: &Value) -> Vec<(String, Option<Value>)> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let pairs = list.iter().filter_map(|pair| {
        let value = pair.get(1).filter(|value| !value.is_null());
        Some((pair.get(0)?.as_str()?.to_owned(), value.cloned()))
    });
    pairs.collect()
}

fn headers_of(builder: RequestBuilder, headers: &Pairs) -> RequestBuilder {
    headers.iter().fold(builder, |builder, (name, value)| match value {
        Some(value) => builder.header(name, value),
        None => builder.without(name),
    })
}

fn body_of(builder: RequestBuilder, kind: &str, value: &Value) -> Result<RequestBuilder, String> {
    let text = value.as_str().unwrap_or_default();
    Ok(match kind {
        "text" => builder.body(text),
        "bytes" => builder.body(STANDARD.decode(text).map_err(|why| why.to_string())?),
        "form" => builder.form(pairs(value)),
        "json" => builder.json(value),
        "nan" => builder.json(&BTreeMap::from([("x", f64::NAN)])),
        "file" => builder.body(Body::reader(File::new(text, 0))),
        "file from" => {
            let from = value.get(0).and_then(Value::as_u64).unwrap_or_default();
            let text = value.get(1).and_then(Value::as_str).unwrap_or_default();
            builder.body(Body::reader(File::new(text, from)))
        }
        "chunks" => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let items = items.iter().filter_map(|item| item.as_str().map(|item| item.as_bytes().to_vec()));
            builder.body(Body::once(Pieces(items.collect())))
        }
        "text and json" => {
            let first = value.get(0).and_then(Value::as_str).unwrap_or_default();
            builder.body(first).json(value.get(1).unwrap_or(&Value::Null))
        }
        "multipart" => builder.multipart(form_of(value)?),
        other => return Err(format!("session has no body of the kind {other}")),
    })
}

/// Fields first, then files, as requests has it.
fn form_of(parts: &Value) -> Result<Form, String> {
    let mut form = Form::new();
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |part: &Value, key: &str| part.get(key).and_then(Value::as_str).map(str::to_owned);
    for part in parts {
        if let (Some(name), Some(value)) = (text(part, "name"), text(part, "value")) {
            form = form.text(name, value);
        }
    }
    for part in parts {
        let (Some(name), Some(content)) = (text(part, "name"), text(part, "content")) else { continue };
        let mut made = match text(part, "kind").as_deref() {
            None => Part::text(content),
            Some("bytes") => Part::bytes(content.chars().map(|c| u32::from(c) as u8).collect::<Vec<u8>>()),
            Some("file") => Part::source(File::new(&content, 0)),
            Some(other) => return Err(format!("session has no part of the kind {other}")),
        };
        made = made.file_name(text(part, "filename").unwrap_or_default());
        if let Some(content_type) = text(part, "type") {
            made = made.content_type(content_type);
        }
        let headers = part.get("headers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for header in headers {
            let field = |at: usize| header.get(at).and_then(Value::as_str).unwrap_or_default();
            made = made.header(field(0), field(1));
        }
        form = form.part(name, made);
    }
    Ok(form)
}

/// What the caller can see of the answer, read as the step says.
fn answer(builder: RequestBuilder, step: &Step) -> Result<Value, Error> {
    let how = step.read.as_deref().unwrap_or("text");
    let mut told = Map::new();
    match how {
        "lines" | "small lines" => {
            let stream = builder.stream()?;
            see(&mut told, stream.head(), stream.request(), stream.history());
            told.insert("lines".to_owned(), stream.lines().collect::<Result<Vec<_>, _>>()?.into());
        }
        "delimiter" => {
            let stream = builder.stream()?;
            see(&mut told, stream.head(), stream.request(), stream.history());
            let pieces = stream.split(step.delimiter.as_deref().unwrap_or_default());
            let lines =
                pieces.map(|piece| piece.map(|piece| latin(&piece))).collect::<Result<Vec<_>, _>>()?;
            told.insert("lines".to_owned(), lines.into());
        }
        "stream" | "drop" => {
            let mut stream = builder.stream()?;
            see(&mut told, stream.head(), stream.request(), stream.history());
            if how == "stream" {
                told.insert("octets".to_owned(), piecewise(&mut stream, step.chunk.unwrap_or(7))?.into());
            }
        }
        _ => {
            let response = builder.send()?;
            see(&mut told, response.head(), response.request(), response.history());
            let mut cookies: Vec<[String; 2]> = response
                .cookies()
                .iter()
                .map(|one| [one.name().to_owned(), one.value().to_owned()])
                .collect();
            cookies.sort();
            told.insert("cookies".to_owned(), json!(cookies));
            told.insert("is_redirect".to_owned(), response.is_redirect().into());
            told.insert("is_permanent_redirect".to_owned(), response.is_permanent_redirect().into());
            finish(&mut told, response, how)?;
        }
    }
    Ok(Value::Object(told))
}

fn finish(told: &mut Map<String, Value>, response: Response, how: &str) -> Result<(), Error> {
    match how {
        "text" => {
            told.insert("octets".to_owned(), latin(response.bytes()).into());
            told.insert("text".to_owned(), response.text().into());
        }
        "json" => {
            told.insert("json".to_owned(), response.json()?);
        }
        "raise" => {
            response.error_for_status()?;
            told.insert("raised".to_owned(), false.into());
        }
        "history bodies" => {
            let bodies = response.history().iter().map(|hop| hop.bytes().map(latin));
            told.insert("bodies".to_owned(), bodies.collect::<Vec<_>>().into());
        }
        "next" => {
            let next = response.next()?;
            let next = next.map(|request| json!([request.method().as_str(), request.url().as_str()]));
            told.insert("next".to_owned(), next.unwrap_or_default());
        }
        "links" => {
            told.insert("links".to_owned(), links(&response));
        }
        other => {
            told.insert("not played".to_owned(), format!("session cannot read {other}").into());
        }
    }
    Ok(())
}

/// By what requests takes for the key: `rel`, or the target where there is none.
fn links(response: &Response) -> Value {
    let links = response.links();
    let by_key = links.iter().map(|link| {
        let mut told = Map::from_iter([("url".to_owned(), Value::from(link.target()))]);
        told.extend(link.params().map(|(name, value)| (name.to_owned(), Value::from(value))));
        (link.param("rel").unwrap_or(link.target()).to_owned(), Value::Object(told))
    });
    by_key.collect::<Map<String, Value>>().into()
}

/// In reads of at most so many bytes.
fn piecewise(stream: &mut session::Streaming, size: usize) -> Result<String, Error> {
    let mut octets = Vec::new();
    let mut buffer = vec![0; size];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(latin(&octets)),
            Ok(n) => octets.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            Err(error) => {
                return Err(error.downcast().unwrap_or_else(|error| Error::other(error.to_string())));
            }
        }
    }
}

fn see(told: &mut Map<String, Value>, head: &Head, request: &Request, history: &[Hop]) {
    let status = head.status().as_u16();
    // A stream has only its head; a whole answer says it itself.
    let redirects = |statuses: &[u16]| head.headers().contains("location") && statuses.contains(&status);
    let mut set = |name: &str, value: Value| told.insert(name.to_owned(), value);
    set("status", status.into());
    set("reason", head.reason().into());
    set("url", head.url().as_str().into());
    let hop = |hop: &Hop| json!([hop.status().as_u16(), hop.url().as_str()]);
    set("history", history.iter().map(hop).collect());
    set("ok", head.ok().into());
    set("is_redirect", redirects(&[301, 302, 303, 307, 308]).into());
    set("is_permanent_redirect", redirects(&[301, 308]).into());
    set("headers", joined(head.headers()));
    set("cookies", cookies(head.headers()));
    set("method", request.method().as_str().into());
}

/// Fields of one name as one, in the place of the first.
fn joined(headers: &Headers) -> Value {
    let mut list: Vec<[String; 2]> = Vec::new();
    for (name, value) in headers.iter() {
        let (name, value) = (name.to_ascii_lowercase(), latin(value.as_bytes()));
        match list.iter_mut().find(|[known, _]| *known == name) {
            Some([_, joined]) => *joined = format!("{joined}, {value}"),
            None => list.push([name, value]),
        }
    }
    json!(list)
}

/// What the `Set-Cookie` fields of one answer name, without judging them.
fn cookies(headers: &Headers) -> Value {
    let fields = headers.get_all("set-cookie").map(|value| latin(value.as_bytes()));
    let pairs = fields.filter_map(|field| {
        let (name, value) = field.split(';').next()?.split_once('=')?;
        Some([name.trim().to_owned(), value.trim().to_owned()])
    });
    let mut pairs: Vec<[String; 2]> = pairs.collect();
    pairs.sort();
    json!(pairs)
}

fn failure(error: &Error) -> Value {
    let kind = format!("{:?}", error.kind());
    let kind = kind.split('(').next().unwrap_or_default().to_ascii_lowercase();
    let mut told = Map::new();
    if let Some(response) = error.response() {
        told.insert("error_status".to_owned(), response.status().as_u16().into());
        told.insert("error_history".to_owned(), response.history().len().into());
    }
    if kind == "status" {
        told.insert("error_text".to_owned(), error.to_string().into());
    }
    told.insert("error".to_owned(), kind.into());
    Value::Object(told)
}

/// Every name is this machine, except those that end in `.invalid`.
fn loopback(host: &str) -> io::Result<Vec<IpAddr>> {
    if host.trim_end_matches('.').ends_with(".invalid") {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such name"));
    }
    Ok(vec![Ipv4Addr::LOCALHOST.into()])
}

/// A hook that notes each answer, or replaces it.
struct Tagged {
    tag: String,
    log: Log,
}

impl Hook for Tagged {
    fn after(&self, request: &Request, outcome: Result<&Head, &Error>) -> Option<Response> {
        let head = outcome.ok()?;
        if self.tag == "replace" {
            let mut made = http::Response::new(b"replaced".to_vec());
            *made.status_mut() = http::StatusCode::from_u16(299).ok()?;
            return Response::from_http(request, made).ok();
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(json!([self.tag, head.status().as_u16()]));
        None
    }
}

/// A file in memory, read from some place on.
struct File {
    bytes: io::Cursor<Vec<u8>>,
}

impl File {
    fn new(text: &str, from: u64) -> Self {
        let mut bytes = io::Cursor::new(text.as_bytes().to_vec());
        bytes.set_position(from);
        Self { bytes }
    }
}

impl Source for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(self.bytes.position())
    }

    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        self.bytes.seek(SeekFrom::Start(mark)).map(|_| ())
    }

    fn remaining(&self) -> Option<u64> {
        Some((self.bytes.get_ref().len() as u64).saturating_sub(self.bytes.position()))
    }
}

/// A generator: one piece for each read, of unknown length in all, and gone when it was read.
struct Pieces(VecDeque<Vec<u8>>);

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.0.pop_front() {
            if let Some(room) = buffer.get_mut(..piece.len()).filter(|room| !room.is_empty()) {
                room.copy_from_slice(&piece);
                return Ok(piece.len());
            }
        }
        Ok(0)
    }
}
