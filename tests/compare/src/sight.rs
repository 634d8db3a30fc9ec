//! One side of a scenario, as it is compared: what came in at the server, and what the caller was told, without what
//! differs from run to run (ports, boundaries, nonces) and without the two products' names.

use crate::scenario::{Scenario, Template};
use crate::server::{Record, Server};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<Asked>,
    /// `steps`, `jar` and `hooks`.
    pub(crate) told: Value,
}

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The server, then the request line.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Plays one side against a server of its own.
pub(crate) fn of(
    template: &Template,
    play: impl FnOnce(&str) -> Result<Value, String>,
) -> Result<Sight, String> {
    let server = Server::start().map_err(|why| format!("no server: {why}"))?;
    let ports = server.ports();
    let text = template.with_ports(ports);
    let scenario: Scenario = serde_json::from_str(&text).map_err(|why| why.to_string())?;
    server.set_answers(&scenario.answers);
    let told = play(&text);
    let (records, connections) = server.stop();
    let requests = records.iter().map(|record| asked(record, ports)).collect();
    Ok(Sight { connections, requests, told: without_ports(told?, ports) })
}

fn asked(record: &Record, ports: [u16; 2]) -> Asked {
    let text = latin(&record.head);
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let line = format!("{} {}", record.server, lines.next().unwrap_or_default());
    let mut headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_owned(), hide_ports(value, ports))
        })
        .collect();
    let mut body = hide_ports(&latin(&record.body), ports);
    for (name, value) in &mut headers {
        *value = match name.to_ascii_lowercase().as_str() {
            "user-agent" if is_default_agent(value) => "DEFAULT".to_owned(),
            "accept-encoding" if is_default_coding(value) => "DEFAULT".to_owned(),
            "authorization" if value.starts_with("Digest ") => without_nonces(value),
            "content-type" => match value.clone().split_once("boundary=") {
                Some((before, boundary)) => {
                    body = body.replace(boundary, &"B".repeat(boundary.len()));
                    format!("{before}boundary=BOUNDARY-OF-{}", boundary.len())
                }
                None => continue,
            },
            _ => continue,
        };
    }
    Asked { line: hide_ports(&line, ports), headers, body }
}

fn is_default_agent(value: &str) -> bool {
    value.starts_with("python-requests/") || value.starts_with("session/")
}

fn is_default_coding(value: &str) -> bool {
    let ours = session::default_headers();
    value == "gzip, deflate"
        || ours.get("accept-encoding").is_some_and(|coding| coding.as_bytes() == value.as_bytes())
}

/// The client's own nonce is random, and the response made from it.
fn without_nonces(value: &str) -> String {
    let hidden = |part: &str| match part.split_once('=') {
        Some((name, value)) if matches!(name.trim(), "cnonce" | "response") => {
            format!("{name}=\"{}\"", "x".repeat(value.trim_matches('"').len()))
        }
        _ => part.to_owned(),
    };
    value.split(", ").map(hidden).collect::<Vec<_>>().join(", ")
}

fn without_ports(value: Value, ports: [u16; 2]) -> Value {
    match value {
        Value::String(text) => Value::String(hide_ports(&text, ports)),
        Value::Array(list) => list.into_iter().map(|value| without_ports(value, ports)).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (hide_ports(&key, ports), without_ports(value, ports)))
            .collect(),
        other => other,
    }
}

fn hide_ports(text: &str, [a, b]: [u16; 2]) -> String {
    let text = text.replace(&format!(":{a}"), ":{a}").replace(&format!(":{b}"), ":{b}");
    text.replace(&format!("%3A{a}"), "%3A{a}").replace(&format!("%3A{b}"), "%3A{b}")
}

pub(crate) fn latin(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}
