//! What a failing test gets to read: who is connected, what scripts wait for, what happened last.

use super::conn::{Conn, Server};
use super::incoming::excerpt;
use super::state::State;
use std::fmt::Write as _;

/// How many connections and how many lines of the log a dump shows.
const CONNECTIONS: usize = 32;
const LINES: usize = 48;

/// The dump of a wait that would never end.
pub(super) fn stalled(state: &State) -> String {
    let mut out = format!(
        "stalled at {:.9} s: waiting without a limit, nothing is scheduled, and nobody called the waker\n",
        state.now.as_secs_f64()
    );
    describe(state, &mut out);
    out
}

/// What is left that should not be, if anything.
pub(super) fn unquiet(state: &State) -> Option<String> {
    let open = state.conns.iter().filter(|conn| conn.client_open).count();
    let unfinished =
        state.scripts.iter().filter(|script| script.is_waiting() || script.conn.is_none()).count();
    if open == 0 && unfinished == 0 && state.failures.is_empty() {
        return None;
    }
    let mut out = format!("not quiet at {:.9} s: {open} open sockets, ", state.now.as_secs_f64());
    let _ = writeln!(out, "{unfinished} unfinished scripts, {} surprises", state.failures.len());
    describe(state, &mut out);
    Some(out)
}

fn describe(state: &State, out: &mut String) {
    section(out, "surprises", state.failures.iter().cloned());
    let open = state.conns.iter().enumerate().filter(|(_, conn)| conn.client_open);
    section(out, "open sockets", open.map(|(id, conn)| connection(state, id, conn)));
    let scripts = state
        .scripts
        .iter()
        .enumerate()
        .filter(|(_, script)| !script.steps.is_empty() || script.conn.is_none());
    section(
        out,
        "scripts with something left",
        scripts.map(|(index, script)| {
            let steps: Vec<_> = script.steps.iter().map(ToString::to_string).collect();
            let conn = script.conn.map_or_else(|| "never connected".to_owned(), |id| format!("on #{id}"));
            format!("script {index} of {}, {conn}: {}", state.host_name(script.host), steps.join(", then "))
        }),
    );
    let skipped = state.log.len().saturating_sub(LINES);
    let _ = writeln!(out, "the last events:");
    for line in state.log.iter().skip(skipped) {
        let _ = writeln!(out, "  {line}");
    }
}

fn section(out: &mut String, title: &str, mut lines: impl Iterator<Item = String>) {
    let mut titled = false;
    for line in lines.by_ref().take(CONNECTIONS) {
        if !std::mem::replace(&mut titled, true) {
            let _ = writeln!(out, "{title}:");
        }
        let _ = writeln!(out, "  {line}");
    }
    let more = lines.count();
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
}

fn connection(state: &State, id: usize, conn: &Conn) -> String {
    let mut line = format!("#{id} {} ({})", conn.addr, state.server_name(conn.host, conn.server));
    let _ = write!(line, " {:?}", conn.stage);
    match conn.watch.net {
        Some(net) => drop(write!(line, ", watched by net {net}")),
        None => line.push_str(", unwatched"),
    }
    let (up, down) = (conn.up.buffer.len(), conn.down.buffer.len());
    let _ = write!(line, "; {down} bytes for the client to read, {up} in its send buffer");
    if conn.down.fin {
        line.push_str(", FIN arrived");
    }
    if let Some(window) = conn.up.window {
        let _ = write!(line, ", window {window}");
    }
    let unread = conn.up.unread();
    if !unread.is_empty() {
        let _ = write!(line, "; unread by the peer: {}", excerpt(unread));
    }
    if let Server::Closure { busy: true, .. } = conn.server {
        line.push_str("; its request is not answered yet");
    }
    line
}
