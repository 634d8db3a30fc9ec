//! [`Peer`]: the handle that writes a script.

use super::script::Step;
use super::world::World;
use std::time::Duration;

/// The script of one connection, as a handle. Each call adds a step at the end; the steps run in order, each when
/// the one before is done.
///
/// Steps may be added at any time; what can be done at once by a peer whose earlier steps are all done happens
/// before the call returns. After the last step the connection stays open and silent.
#[derive(Clone, Debug)]
pub struct Peer {
    world: World,
    script: usize,
}

impl Peer {
    pub(super) fn new(world: World, script: usize) -> Self {
        Self { world, script }
    }

    /// Waits for a complete request, head and body, whose request line starts with `line` (`"GET /one"`).
    ///
    /// If another one comes, the peer does nothing any more, and [`World::assert_quiet`] and the dump of a stall name
    /// both.
    pub fn expect(&self, line: &str) -> Self {
        self.step(Step::Head(line.to_owned())).step(Step::Body)
    }

    /// Waits for a complete request head only, for answers that come before the body.
    pub fn expect_head(&self, line: &str) -> Self {
        self.step(Step::Head(line.to_owned()))
    }

    /// Waits for the rest of the body of the last head.
    pub fn expect_body(&self) -> Self {
        self.step(Step::Body)
    }

    /// Waits for exactly these bytes, for what is not HTTP (SOCKS).
    pub fn expect_bytes(&self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Bytes(bytes.as_ref().to_vec()))
    }

    /// Waits for `count` bytes, whatever they are, and passes over them.
    pub fn skip(&self, count: usize) -> Self {
        self.step(Step::Skip(count))
    }

    /// Waits until the client has closed the connection.
    pub fn expect_close(&self) -> Self {
        self.step(Step::ClientClose)
    }

    /// Waits until the client sends one more byte than was awaited so far. The byte stays unread.
    pub fn on_next_byte(&self) -> Self {
        self.step(Step::NextByte)
    }

    /// Sends these bytes as they are.
    pub fn reply(&self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Reply(bytes.as_ref().to_vec()))
    }

    /// Sends these bytes one at a time: the first now, each other one `every` after the one before.
    pub fn drip(&self, bytes: impl AsRef<[u8]>, every: Duration) -> Self {
        self.step(Step::Drip(bytes.as_ref().to_vec().into(), every))
    }

    /// Lets so much virtual time pass.
    pub fn delay(&self, delay: Duration) -> Self {
        self.step(Step::Delay(delay))
    }

    /// Closes the connection: FIN, and whatever the client sends afterwards is answered with RST.
    pub fn close(&self) -> Self {
        self.step(Step::Close)
    }

    /// Ends the peer's side (FIN) and goes on reading: later steps still see what the client sends.
    pub fn half_close(&self) -> Self {
        self.step(Step::EndSide)
    }

    /// Resets the connection: RST. Bytes the client has not read by then are lost, replies of the same instant too;
    /// with a [`delay`](Self::delay) in between they arrive first.
    pub fn reset(&self) -> Self {
        self.step(Step::Reset)
    }

    /// Does nothing any more, for ever.
    pub fn hold(&self) -> Self {
        self.step(Step::Hold)
    }

    /// From here on takes only `after` more bytes: then the window is zero, and the client's kernel keeps what it
    /// writes until its buffer is full. Later steps run.
    pub fn stop_reading(&self, after: usize) -> Self {
        self.step(Step::Window(Some(after)))
    }

    /// Takes everything again.
    pub fn resume_reading(&self) -> Self {
        self.step(Step::Window(None))
    }

    /// All bytes that arrived from the client so far.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.world.with(|state| {
            let conn = state.scripts.get(self.script).and_then(|script| script.conn);
            let conn = conn.and_then(|id| state.conns.get(id));
            conn.map(|conn| conn.up.received.clone()).unwrap_or_default()
        })
    }

    /// Whether all steps are done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.world.with(|state| state.scripts.get(self.script).is_some_and(|script| script.steps.is_empty()))
    }

    /// Whether a connection runs this script, or ran it.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.world.with(|state| state.scripts.get(self.script).is_some_and(|script| script.conn.is_some()))
    }

    fn step(&self, step: Step) -> Self {
        let idle = self.world.with(|state| state.add_step(self.script, step));
        if idle {
            self.world.advance(Duration::ZERO);
        }
        self.clone()
    }
}
