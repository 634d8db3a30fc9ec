//! [`SimSocket`]: the client's end of a simulated connection.

use super::conn::{After, Conn};
use super::faults::{Faults, Rng};
use super::state::{Event, State};
use super::world::World;
use crate::net::Socket;
use std::any::Any;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A nonblocking socket of the simulator. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct SimSocket {
    pub(super) world: World,
    pub(super) id: usize,
}

impl SimSocket {
    /// Runs an operation on the connection, and schedules what follows from it.
    fn operate(
        &self,
        operation: impl FnOnce(&mut Conn, &Faults, &mut Rng, &mut After) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.world.with(|state| {
            let State { conns, faults, rng, .. } = state;
            let Some(conn) = conns.get_mut(self.id) else { return Err(io::ErrorKind::NotConnected.into()) };
            let mut after = After::default();
            let result = operation(conn, faults, rng, &mut after);
            state.follow_up(self.id, after);
            result
        })
    }
}

impl io::Read for SimSocket {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.operate(|conn, faults, rng, after| conn.read(out, faults, rng, after))
    }
}

impl io::Write for SimSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.operate(|conn, faults, rng, after| conn.write(bytes, faults, rng, after))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for SimSocket {
    fn connected(&mut self) -> io::Result<bool> {
        self.world.with(|state| match state.conns.get(self.id) {
            Some(conn) => conn.connected(),
            None => Err(io::ErrorKind::NotConnected.into()),
        })
    }

    fn detach(&mut self) {
        self.world.with(|state| {
            if let Some(conn) = state.conns.get_mut(self.id) {
                conn.watch.net = None;
            }
        });
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        let peer = self.world.with(|state| state.conns.get(self.id).map(|conn| conn.addr))?;
        // The addresses for documentation (RFC 5737, RFC 3849), and a port per connection.
        let ip: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
            SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        };
        let port = u16::try_from(self.id % 20_000).unwrap_or_default() + 40_000;
        Some(SocketAddr::new(ip, port))
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        self.world.with(|state| {
            if let Some(conn) = state.conns.get_mut(self.id) {
                conn.close();
                state.schedule(state.now, Event::Gone(self.id));
            }
        });
    }
}

impl State {
    /// Schedules what follows from an operation of the client on `id`.
    fn follow_up(&mut self, id: usize, after: After) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let up = after.up && !std::mem::replace(&mut conn.up.scheduled, true);
        let down =
            after.down && !conn.down.flight.is_empty() && !std::mem::replace(&mut conn.down.scheduled, true);
        let events = [(up, Event::Up(id)), (down, Event::Down(id)), (after.edge, Event::Nudge(id))];
        for (_, event) in events.into_iter().filter(|(wanted, _)| *wanted) {
            self.schedule(self.now, event);
        }
    }
}
