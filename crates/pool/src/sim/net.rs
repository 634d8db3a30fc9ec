//! [`SimNet`]: the [`Net`] through which one driver sees a [`World`].

use super::conn::Conn;
use super::host::Lookup;
use super::socket::SimSocket;
use super::state::{Event, State};
use super::world::{SimWaker, World};
use crate::net::{Net, Ready, Socket, Token, Wake};
use crate::resolver::Resolve;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// One driver's view of a world.
#[derive(Debug)]
pub(super) struct SimNet {
    world: World,
    id: usize,
}

impl SimNet {
    pub(super) fn new(world: World, id: usize) -> Self {
        Self { world, id }
    }
}

impl Net for SimNet {
    fn now(&self) -> Instant {
        self.world.now()
    }

    fn wall(&self) -> SystemTime {
        self.world.wall()
    }

    fn random(&mut self, out: &mut [u8]) -> io::Result<()> {
        self.world.with(|state| state.rng.fill(out));
        Ok(())
    }

    fn connect(&mut self, token: Token, addr: SocketAddr) -> io::Result<Box<dyn Socket>> {
        let id = self.world.with(|state| state.start_connect(self.id, token, addr))?;
        Ok(Box::new(SimSocket { world: self.world.clone(), id }))
    }

    fn attach(&mut self, token: Token, socket: &mut dyn Socket) -> io::Result<()> {
        let socket = socket.as_any().downcast_mut::<SimSocket>();
        let Some(socket) = socket.filter(|socket| socket.world.is(&self.world)) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let id = socket.id;
        self.world.with(|state| {
            if let Some(conn) = state.conns.get_mut(id) {
                conn.watch.net = Some(self.id);
                conn.watch.token = token;
                // What was not reported before the move is not reported after it: the caller has to look.
                conn.watch.readable = false;
                conn.watch.writable = false;
            }
        });
        Ok(())
    }

    /// The world's hosts are found in the world, whatever resolver the pool has.
    fn lookup(&mut self, token: Token, host: &str, port: u16, _resolver: Option<&Arc<dyn Resolve>>) {
        self.world.with(|state| state.start_lookup(self.id, token, host, port));
    }

    fn wait(&mut self, until: Option<Instant>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.world.wait(self.id, until, ready);
        Ok(())
    }

    fn waker(&self) -> Arc<dyn Wake> {
        Arc::new(SimWaker { world: self.world.clone(), net: self.id })
    }
}

impl Drop for SimNet {
    fn drop(&mut self) {
        // Connections it watched stay open, and unwatched, until another net takes them.
        let reports = self.world.with(|state| state.nets.remove(&self.id));
        drop(reports);
    }
}

impl State {
    fn start_connect(&mut self, net: usize, token: Token, addr: SocketAddr) -> io::Result<usize> {
        if let Some(error) = self.faults.connect_errors.pop_front() {
            self.note_world(format_args!("connect to {addr} fails: {error}"));
            return Err(error);
        }
        let Some(host) = self.host_at(addr) else {
            self.note_world(format_args!("connect to {addr}: no such host in this world"));
            return Err(io::ErrorKind::NetworkUnreachable.into());
        };
        let id = self.conns.len();
        self.conns.push(Conn::new(host, addr, net, token));
        let at = self.now + self.travel(id);
        self.note(id, format!("client connects to {}", self.host_name(host)));
        self.schedule(at, Event::Connect(id));
        Ok(id)
    }

    fn start_lookup(&mut self, net: usize, token: Token, name: &str, port: u16) {
        self.note_world(format_args!("lookup of {name}"));
        let host = self.host_named(name).and_then(|host| self.hosts.get_mut(host));
        let mut at = self.now;
        if let Some(host) = host {
            host.lookups += 1;
            at += host.lookup_delay;
            if matches!(host.lookup, Lookup::Hangs) {
                return;
            }
        }
        self.schedule(at, Event::Lookup { net, token, host: name.to_owned(), port });
    }

    /// Now and then, where asked for: reports what is not so, or nothing. Says whether the wait is over with that.
    pub(super) fn mislead(&mut self, net: usize, ready: &mut Vec<Ready>) -> bool {
        if !self.rng.chance(self.faults.spurious) {
            return false;
        }
        let watched = |conn: &&Conn| conn.client_open && conn.watch.net == Some(net);
        let count = self.conns.iter().filter(watched).count();
        let chosen = self.rng.below(count + 1);
        if let Some(conn) = self.conns.iter().filter(watched).nth(chosen) {
            ready.push(Ready::Socket { token: conn.watch.token, readable: true, writable: true });
        }
        true
    }
}
