//! One simulated TCP connection: what each side has sent, what has arrived, and what the client has been told.

use super::faults::{Faults, Fragments, Rng};
use super::incoming::Incoming;
use super::relay::Relay;
use crate::net::Token;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One connection, from the client's `connect` on. Never removed, so its number stays good.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) host: usize,
    pub(super) addr: SocketAddr,
    pub(super) stage: Stage,
    /// False once the client dropped its socket.
    pub(super) client_open: bool,
    pub(super) watch: Watch,
    pub(super) up: Up,
    pub(super) down: Down,
    pub(super) server: Server,
    pub(super) relay: Relay,
}

/// How far the connection itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Refused,
    Open,
    /// The peer's RST has arrived.
    Reset,
}

/// Who speaks for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// Nobody: the connection was accepted, and is never answered.
    Nobody,
    /// The script with this number.
    Script(usize),
    /// The closure with this number; `busy` while an answer is being made or held back.
    Closure { index: usize, busy: bool },
    /// The proxy with this number.
    Proxy(usize),
}

/// Who watches the connection, and what it was promised.
///
/// A direction is *armed* by `WouldBlock` (and at first), and an edge disarms it: the weakest of the promises the
/// selectors below mio make, so that a driver which forgets to run into `WouldBlock` stalls here and not elsewhere.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) net: Option<usize>,
    pub(super) token: Token,
    pub(super) read_armed: bool,
    pub(super) write_armed: bool,
    /// The edge not yet reported.
    pub(super) readable: bool,
    pub(super) writable: bool,
}

/// From the client to the peer.
#[derive(Debug, Default)]
pub(super) struct Up {
    /// Written by the client, not yet taken by the peer.
    pub(super) buffer: VecDeque<u8>,
    pub(super) scheduled: bool,
    /// How many more bytes the peer will take; `None`: all.
    pub(super) window: Option<usize>,
    /// Everything the peer took, as far as it is kept.
    pub(super) received: Vec<u8>,
    pub(super) incoming: Incoming,
    /// The last write was cut short: the next one would block.
    full: bool,
}

/// From the peer to the client.
#[derive(Debug, Default)]
pub(super) struct Down {
    pub(super) flight: VecDeque<Segment>,
    pub(super) scheduled: bool,
    /// Arrived and unread.
    pub(super) buffer: VecDeque<u8>,
    /// The peer's FIN has arrived.
    pub(super) fin: bool,
    /// The peer sends no more.
    pub(super) ended: bool,
    /// The peer is gone altogether: what reaches it now is answered with RST.
    pub(super) closed: bool,
}

/// Something on its way to the client.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) at: Duration,
    pub(super) what: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Bytes(VecDeque<u8>),
    Fin,
}

/// What the world has to see to after an operation of the client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct After {
    /// Bytes wait to be taken by the peer.
    pub(super) up: bool,
    /// There is room for bytes that wait to arrive.
    pub(super) down: bool,
    /// The operation said `WouldBlock` without need: an edge has to follow.
    pub(super) edge: bool,
}

impl Up {
    /// What the peer took and no script has consumed.
    pub(super) fn unread(&self) -> &[u8] {
        self.received.get(self.incoming.at()..).unwrap_or_default()
    }
}

impl Conn {
    pub(super) fn new(host: usize, addr: SocketAddr, net: usize, token: Token) -> Self {
        Self {
            host,
            addr,
            stage: Stage::Connecting,
            client_open: true,
            watch: Watch {
                net: Some(net),
                token,
                read_armed: true,
                write_armed: true,
                readable: false,
                writable: false,
            },
            up: Up::default(),
            down: Down::default(),
            server: Server::Nobody,
            relay: Relay::Direct,
        }
    }

    pub(super) fn connected(&self) -> io::Result<bool> {
        match self.stage {
            Stage::Connecting => Ok(false),
            Stage::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
            Stage::Open => Ok(true),
            Stage::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    /// The client reads: buffered bytes before the end, nothing after a reset.
    pub(super) fn read(
        &mut self,
        out: &mut [u8],
        faults: &Faults,
        rng: &mut Rng,
        after: &mut After,
    ) -> io::Result<usize> {
        match self.stage {
            Stage::Connecting | Stage::Refused => return Err(io::ErrorKind::NotConnected.into()),
            Stage::Reset if self.down.buffer.is_empty() => {
                // With the data kept, a FIN seen before the RST is still the end of the stream.
                let orderly = self.down.fin && faults.reset_keeps_data;
                return if orderly { Ok(0) } else { Err(io::ErrorKind::ConnectionReset.into()) };
            }
            Stage::Reset | Stage::Open => {}
        }
        if out.is_empty() {
            return Ok(0);
        }
        if rng.chance(faults.interrupts) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.down.buffer.is_empty() {
            if self.down.fin {
                return Ok(0);
            }
            self.watch.read_armed = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if rng.chance(faults.spurious) {
            self.watch.read_armed = true;
            after.edge = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = io::Read::read(&mut self.down.buffer, out)?;
        // `VecDeque` reads its front part only: the rest is there as well, and a kernel would give it.
        let rest = out.get_mut(count..).unwrap_or_default();
        let count = count + io::Read::read(&mut self.down.buffer, rest)?;
        after.down = true;
        Ok(count)
    }

    /// The client writes into its kernel's send buffer.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        faults: &Faults,
        rng: &mut Rng,
        after: &mut After,
    ) -> io::Result<usize> {
        match self.stage {
            Stage::Connecting | Stage::Refused => return Err(io::ErrorKind::NotConnected.into()),
            Stage::Reset if self.down.fin => return Err(io::ErrorKind::BrokenPipe.into()),
            Stage::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
            Stage::Open => {}
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        if rng.chance(faults.interrupts) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let room = faults.send_buffer.saturating_sub(self.up.buffer.len());
        if std::mem::take(&mut self.up.full) || room == 0 {
            self.watch.write_armed = true;
            after.edge = room > 0;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let fits = bytes.len().min(room);
        let count = faults.writes.cut(fits, rng);
        self.up.full = count < fits;
        self.up.buffer.extend(bytes.get(..count).unwrap_or_default());
        after.up = true;
        Ok(count)
    }

    /// Lets the bytes that came with the next segment arrive, as many as the receive buffer and the fragments allow.
    /// Says whether anything arrived, and when to look again.
    pub(super) fn arrive(
        &mut self,
        now: Duration,
        faults: &Faults,
        rng: &mut Rng,
    ) -> (bool, Option<Duration>) {
        let mut arrived = false;
        loop {
            let Some(segment) = self.down.flight.front_mut() else { return (arrived, None) };
            if segment.at > now {
                return (arrived, Some(segment.at));
            }
            if let Content::Bytes(bytes) = &mut segment.what {
                let room = faults.receive_buffer.saturating_sub(self.down.buffer.len());
                if room == 0 {
                    return (arrived, None);
                }
                let count = faults.arriving.cut(bytes.len().min(room), rng);
                self.down.buffer.extend(bytes.drain(..count));
                arrived = true;
                let full = count == room;
                if bytes.is_empty() {
                    self.down.flight.pop_front();
                }
                if faults.arriving != Fragments::Whole && !full {
                    // One nanosecond apart, so that the client sees each piece alone and no limit of time notices.
                    return (arrived, (!self.down.flight.is_empty()).then(|| now + Duration::from_nanos(1)));
                }
            } else {
                self.down.flight.pop_front();
                self.down.fin = true;
                arrived = true;
            }
        }
    }

    /// The peer takes what its window allows. Says how many bytes it took.
    pub(super) fn take_up(&mut self) -> usize {
        let count = self.up.window.map_or(usize::MAX, |window| window).min(self.up.buffer.len());
        if let Some(window) = &mut self.up.window {
            *window -= count;
        }
        let taken = self.up.buffer.drain(..count);
        if self.down.closed {
            drop(taken);
        } else {
            self.up.received.extend(taken);
        }
        count
    }

    /// The peer's RST arrives.
    pub(super) fn reset(&mut self, keep_data: bool) {
        self.stage = Stage::Reset;
        self.up.buffer = VecDeque::new();
        self.down.flight = VecDeque::new();
        if !keep_data {
            self.down.buffer = VecDeque::new();
        }
    }

    /// The client dropped its socket.
    pub(super) fn close(&mut self) {
        self.client_open = false;
        self.watch.net = None;
        self.down.flight = VecDeque::new();
        self.down.buffer = VecDeque::new();
    }

    /// Whether a direction that was waited for became ready: then it is to be reported.
    pub(super) fn edge(&mut self, readable: bool, writable: bool) -> bool {
        let watch = &mut self.watch;
        let readable = readable && std::mem::take(&mut watch.read_armed);
        let writable = writable && std::mem::take(&mut watch.write_armed);
        watch.readable |= readable;
        watch.writable |= writable;
        readable || writable
    }
}
