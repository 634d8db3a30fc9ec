//! What a simulated proxy does with a connection: hears what is wanted, connects to a host, passes bytes on.

use super::conn::{Conn, Content, Stage};
use super::host::{Lookup, Reach};
use super::proxy::{Asked, AskedKind};
use super::proxy_talk::{self as talk, Credentials, Socks};
use super::state::{Event, State};
use crate::net::Token;
use http_wire::Method;
use std::net::SocketAddr;

/// The part of a connection in what a proxy does.
#[derive(Debug, Default)]
pub(super) enum Relay {
    /// None.
    #[default]
    Direct,
    /// From a client to the proxy.
    Front(Front),
    /// From the proxy to a host, on behalf of that connection.
    Back(usize),
}

/// The client's side of a proxy.
#[derive(Debug, Default)]
pub(super) struct Front {
    part: Part,
    /// What a client of SOCKS said it was.
    user: Option<Credentials>,
    /// Connections made for it, with the address they are to.
    backs: Vec<(SocketAddr, usize)>,
}

/// What is expected next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Begin,
    Password,
    Target,
    Tunnel(usize),
    Head,
    Body(usize),
    /// Nothing: it was refused, or waits for a host that never answers.
    Dead,
}

/// Why a host cannot be connected to.
enum Unreachable {
    Unknown,
    Refused,
    Silent,
}

impl State {
    /// Lets the proxy go on with the client's side `id`.
    pub(super) fn run_proxy(&mut self, id: usize, proxy: usize) {
        if !self.conns.get(id).is_some_and(|conn| conn.client_open) {
            return self.hang_up(id);
        }
        while let Some(part) = self.front(id).map(|front| front.part)
            && let Some(next) = self.proxy_step(id, proxy, part)
            && let Some(front) = self.front(id)
        {
            front.part = next;
        }
    }

    /// What the step leads to; `None`: more has to come.
    fn proxy_step(&mut self, id: usize, proxy: usize, part: Part) -> Option<Part> {
        let unread = self.conns.get(id)?.up.unread();
        match part {
            Part::Begin => match unread.first()? {
                5 => {
                    let (length, methods) = talk::greeting(unread)?;
                    let needs = self.proxies.get(proxy)?.required.is_some();
                    let method = talk::choose(&methods, needs);
                    self.pass_over(id, length);
                    self.send(id, [5, method]);
                    Some(match method {
                        talk::PASSWORD => Part::Password,
                        talk::NONE => Part::Target,
                        _ => self.refuse_front(id),
                    })
                }
                _ => Some(Part::Head),
            },
            Part::Password => {
                let (length, user) = talk::password(unread)?;
                let good = self.proxies.get(proxy)?.required.as_ref() == Some(&user);
                self.pass_over(id, length);
                self.front(id)?.user = Some(user);
                self.send(id, [1, u8::from(!good)]);
                Some(if good { Part::Target } else { self.refuse_front(id) })
            }
            Part::Target => match talk::request(unread)? {
                Socks::Malformed => {
                    self.surprise(id, "a SOCKS request that is none");
                    Some(self.refuse_front(id))
                }
                Socks::To { length, host, port } => {
                    self.pass_over(id, length);
                    let asked = Asked {
                        kind: AskedKind::Socks5,
                        target: format!("{host}:{port}"),
                        head: None,
                        credentials: self.front(id)?.user.clone(),
                        connection: id,
                        granted: false,
                    };
                    let (reply, part) = match self.reach_from(id, &host, port) {
                        Ok(back) => (0, Part::Tunnel(back)),
                        Err(Unreachable::Unknown) => (4, Part::Dead),
                        Err(Unreachable::Refused) => (5, Part::Dead),
                        Err(Unreachable::Silent) => {
                            self.saw(proxy, asked, false);
                            return Some(Part::Dead);
                        }
                    };
                    self.saw(proxy, asked, reply == 0);
                    self.send(id, [5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
                    Some(if reply == 0 { part } else { self.refuse_front(id) })
                }
            },
            Part::Tunnel(back) => {
                let bytes = unread.to_vec();
                self.pass_over(id, bytes.len());
                self.write_back(back, &bytes);
                None
            }
            Part::Head => self.proxy_request(id, proxy),
            Part::Body(back) => {
                let up = &mut self.conns.get_mut(id)?.up;
                let before = up.incoming.at();
                let whole = up.incoming.body(&up.received);
                let bytes = up.received.get(before..up.incoming.at()).unwrap_or_default().to_vec();
                self.write_back(back, &bytes);
                match whole {
                    Ok(whole) => whole.then_some(Part::Head),
                    Err(text) => {
                        self.surprise(id, &text);
                        Some(Part::Dead)
                    }
                }
            }
            Part::Dead => None,
        }
    }

    /// The next request head.
    fn proxy_request(&mut self, id: usize, proxy: usize) -> Option<Part> {
        let up = &mut self.conns.get_mut(id)?.up;
        let head = match up.incoming.head(&up.received) {
            Ok(head) => head?.clone(),
            Err(text) => {
                self.surprise(id, &text);
                return Some(Part::Dead);
            }
        };
        self.note(id, format_args!("proxy got {} {}", head.method(), head.target()));
        let connect = *head.method() == Method::CONNECT;
        let credentials = talk::basic(&head);
        let asked = Asked {
            kind: if connect { AskedKind::Connect } else { AskedKind::Forward },
            target: head.target().to_owned(),
            head: Some(head.clone()),
            credentials: credentials.clone(),
            connection: id,
            granted: false,
        };
        let required = self.proxies.get(proxy)?.required.as_ref();
        let refusal = match (
            required.is_some_and(|required| Some(required) != credentials.as_ref()),
            talk::authority(&head),
        ) {
            (true, _) => Some(talk::NEEDS_CREDENTIALS),
            (false, None) => {
                self.surprise(id, &format!("a proxy got {:?}, which is for an origin", head.target()));
                Some(talk::BAD_REQUEST)
            }
            (false, Some((host, port))) => match self.reach_from(id, &host, port) {
                Ok(back) => {
                    self.saw(proxy, asked, true);
                    if connect {
                        self.send(id, *b"HTTP/1.1 200 Connection established\r\n\r\n");
                        return Some(Part::Tunnel(back));
                    }
                    self.write_back(back, &talk::rewritten(&head));
                    return Some(Part::Body(back));
                }
                Err(Unreachable::Silent) => {
                    self.saw(proxy, asked, false);
                    return Some(Part::Dead);
                }
                Err(Unreachable::Unknown | Unreachable::Refused) => Some(talk::BAD_GATEWAY),
            },
        };
        self.saw(proxy, asked, false);
        self.send(id, refusal?.as_bytes().to_vec());
        Some(Part::Head)
    }

    /// A connection from the proxy to a host, on behalf of `id`: the one there is, or a new one.
    fn reach_from(&mut self, id: usize, host: &str, port: u16) -> Result<usize, Unreachable> {
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let hangs = |state: &Self| {
            let host = state.host_named(name).and_then(|host| state.hosts.get(host));
            host.is_some_and(|host| matches!(host.lookup, Lookup::Hangs))
        };
        if name.parse::<std::net::IpAddr>().is_err() && hangs(self) {
            return Err(Unreachable::Silent);
        }
        let found = self.resolve(name, port).ok().and_then(|addrs| addrs.first().copied());
        let addr = found.ok_or(Unreachable::Unknown)?;
        let open = |conns: &[Conn], back: usize| conns.get(back).is_some_and(|conn| conn.client_open);
        let known = self.front(id).map(|front| front.backs.clone()).unwrap_or_default();
        if let Some((_, back)) = known.iter().find(|(to, back)| *to == addr && open(&self.conns, *back)) {
            return Ok(*back);
        }
        let host = self.host_at(addr).ok_or(Unreachable::Unknown)?;
        match self.hosts.get(host).map_or(Reach::Refuse, |host| host.reach(addr)) {
            Reach::Refuse => return Err(Unreachable::Refused),
            Reach::Blackhole => return Err(Unreachable::Silent),
            Reach::Listen => {}
        }
        let back = self.conns.len();
        let mut conn = Conn::new(host, addr, 0, Token::fresh());
        conn.watch.net = None;
        conn.stage = Stage::Open;
        conn.relay = Relay::Back(id);
        self.conns.push(conn);
        let server = self.assign(host, addr, back);
        if let Some(conn) = self.conns.get_mut(back) {
            conn.server = server;
        }
        self.accepted += 1;
        self.note(back, format!("accepted by {}, from the proxy for #{id}", self.server_name(host, server)));
        if let Some(front) = self.front(id) {
            front.backs.push((addr, back));
        }
        self.schedule(self.now, Event::Run(back));
        Ok(back)
    }

    /// What has arrived at the proxy from a host goes to the client.
    pub(super) fn relay_down(&mut self, back: usize, front: usize) {
        let mut bytes = Vec::new();
        let mut ended = false;
        let Some(conn) = self.conns.get_mut(back) else { return };
        while conn.down.flight.front().is_some_and(|segment| segment.at <= self.now) {
            match conn.down.flight.pop_front().map(|segment| segment.what) {
                Some(Content::Bytes(more)) => bytes.extend(more),
                Some(Content::Fin) => ended = true,
                None => {}
            }
        }
        let (next, closed) = (conn.down.flight.front().map(|segment| segment.at), conn.down.closed);
        if let Some(at) = next {
            conn.down.scheduled = true;
            self.schedule(at, Event::Down(back));
        }
        self.send(front, bytes);
        if ended {
            self.finish(front, closed);
        }
    }

    /// A host reset its connection to the proxy.
    pub(super) fn relay_reset(&mut self, front: usize) {
        self.abort(front);
    }

    /// The proxy writes to a host.
    fn write_back(&mut self, back: usize, bytes: &[u8]) {
        let Some(conn) = self.conns.get_mut(back) else { return };
        if bytes.is_empty() || !conn.client_open {
            return;
        }
        conn.up.buffer.extend(bytes);
        if !std::mem::replace(&mut conn.up.scheduled, true) {
            self.schedule(self.now, Event::Up(back));
        }
    }

    /// The client is gone: so is the proxy, for the hosts behind it.
    fn hang_up(&mut self, id: usize) {
        let backs = self.front(id).map(|front| std::mem::take(&mut front.backs)).unwrap_or_default();
        for (_, back) in backs {
            if let Some(conn) = self.conns.get_mut(back)
                && std::mem::take(&mut conn.client_open)
            {
                conn.close();
                self.schedule(self.now, Event::Gone(back));
            }
        }
    }

    fn refuse_front(&mut self, id: usize) -> Part {
        self.finish(id, true);
        Part::Dead
    }

    fn front(&mut self, id: usize) -> Option<&mut Front> {
        match &mut self.conns.get_mut(id)?.relay {
            Relay::Front(front) => Some(front),
            Relay::Direct | Relay::Back(_) => None,
        }
    }

    fn pass_over(&mut self, id: usize, count: usize) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.up.incoming.skip(count);
        }
    }

    fn saw(&mut self, proxy: usize, asked: Asked, granted: bool) {
        if let Some(proxy) = self.proxies.get_mut(proxy) {
            proxy.seen.push(Asked { granted, ..asked });
        }
    }

    fn surprise(&mut self, id: usize, text: &str) {
        let text = format!("connection #{id}: {text}");
        self.note(id, &text);
        self.failures.push(text);
    }
}
