//! From a route to a connection: executes the layers of a dial, one after the other.

use crate::attempt::Attempt;
use crate::error::Error;
use crate::kind::ErrorKind;
use crate::link::tls::{self, Configs, TlsLink};
use crate::link::{Link, Tcp};
use crate::net::{Net, Token};
use crate::phase::Phase;
use crate::proxy::Proxy;
use crate::request::Request;
use crate::resolver::Resolve;
use crate::route::{Layer, Party};
use crate::tokens::{ExchangeId, Tokens};
use connect::Connect;
use http_wire::Limits;
use race::{Race, Raced};
use resolve::no_address;
use socks5::Socks5;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tunnel::{Speech, Tunnel};

pub(crate) mod cache;
mod connect;
mod race;
pub(crate) mod resolve;
mod socks5;
mod tunnel;

/// What a dial needs around it.
pub(crate) struct Site<'a> {
    pub(crate) id: ExchangeId,
    pub(crate) net: &'a mut dyn Net,
    pub(crate) tokens: &'a mut Tokens,
    pub(crate) now: Instant,
    pub(crate) tls: &'a Configs,
    pub(crate) resolver: Option<&'a Arc<dyn Resolve>>,
    /// What a proxy may send in answer to CONNECT.
    pub(crate) limits: Limits,
    /// https is spoken in the clear: the simulator's, where there is nobody to keep it from.
    pub(crate) virtual_tls: bool,
    /// Closes the idle connections of the pool, for when descriptors have run out.
    pub(crate) evict: &'a dyn Fn(),
}

/// A dial under way. Advancing moves it; what it had opened closes when it is dropped.
pub(crate) struct Dial {
    /// What is still to be done on top, innermost first.
    layers: std::vec::IntoIter<Layer>,
    step: Step,
    way: Option<Box<Way>>,
}

/// What a dial through a proxy remembers.
struct Way {
    proxy: Proxy,
    /// The `User-Agent` of the request: proxies have rules about it.
    agent: Option<Vec<u8>>,
    /// Where the origin is, if that is not the proxy's to find out.
    found: Option<SocketAddr>,
}

enum Step {
    Begin,
    Resolving(Token, Sought, Option<io::Result<Vec<SocketAddr>>>),
    Racing(Race),
    Securing(Token, Box<TlsLink>, String, Party),
    Tunneling(Token, Box<Tunnel>),
    Ready(Token, Box<dyn Link>),
}

/// What a lookup is for.
#[derive(Clone, Copy)]
enum Sought {
    /// To connect to.
    Peer,
    /// To be told to the proxy.
    Target,
}

/// Where a dial stands after it was advanced.
pub(crate) enum Dialed {
    Pending(Dial),
    /// The token stays registered.
    Done(Token, Box<dyn Link>),
    Failed(Error),
}

impl Dial {
    /// For the route of the request; of its head only the `User-Agent` is used, and only for a proxy.
    pub(crate) fn new(request: &Request) -> Self {
        let route = request.route();
        let way = route.proxy().map(|proxy| {
            let tunnel = !route.is_forwarded() && proxy.forwards();
            let agent =
                tunnel.then(|| request.head().headers().get("user-agent").map(|v| v.as_bytes().to_vec()));
            Box::new(Way { proxy: proxy.clone(), agent: agent.flatten(), found: None })
        });
        Self { layers: route.layers().into_iter(), step: Step::Begin, way }
    }

    /// What an error or a timeout at this point says was going on.
    pub(crate) fn phase(&self) -> Phase {
        match self.step {
            Step::Begin | Step::Resolving(..) => Phase::Resolve,
            Step::Racing(_) => Phase::Connect,
            Step::Tunneling(..) | Step::Securing(.., Party::Proxy) => Phase::Proxy,
            Step::Securing(..) | Step::Ready(..) => Phase::Tls,
        }
    }

    /// When the dial wants to be advanced although nothing happened.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match &self.step {
            Step::Racing(race) => race.wake_at(),
            Step::Tunneling(_, tunnel) => tunnel.wake_at(),
            _ => None,
        }
    }

    /// Takes in the answer of a lookup.
    pub(crate) fn note_lookup(&mut self, token: Token, result: io::Result<Vec<SocketAddr>>) {
        if let Step::Resolving(mine, _, answer) = &mut self.step
            && *mine == token
        {
            *answer = Some(result);
        }
    }

    /// Strikes out what this dial still has in the driver's map.
    pub(crate) fn forget(&self, tokens: &mut Tokens) {
        match &self.step {
            Step::Begin => {}
            Step::Resolving(token, ..)
            | Step::Securing(token, ..)
            | Step::Tunneling(token, _)
            | Step::Ready(token, _) => tokens.remove(*token),
            Step::Racing(race) => race.forget(tokens),
        }
    }

    /// Notes the addresses that did not answer in time.
    pub(crate) fn timed_out(&self, facts: &mut Attempt) {
        if let Step::Racing(race) = &self.step {
            race.timed_out(facts);
        }
    }

    /// Goes on until the dial is done or has to wait. `until` is when it must be over.
    pub(crate) fn advance(
        self,
        site: &mut Site<'_>,
        until: Option<Instant>,
        facts: &mut Attempt,
        began: Instant,
    ) -> Dialed {
        let since = |now: Instant| Some(now.saturating_duration_since(began));
        let Self { mut layers, mut step, mut way } = self;
        loop {
            let next = match step {
                Step::Begin => layers.next().map_or_else(
                    || Err(Error::config("a route without layers")),
                    |layer| begin(layer, site, until),
                ),
                Step::Resolving(token, sought, None) => {
                    return Dialed::Pending(Self { layers, step: Step::Resolving(token, sought, None), way });
                }
                Step::Resolving(token, sought, Some(answer)) => {
                    site.tokens.remove(token);
                    let addresses = answer.and_then(|addresses| match addresses.first() {
                        Some(first) => Ok((*first, addresses)),
                        None => Err(no_address()),
                    });
                    match (addresses, sought, &mut way) {
                        (Ok((first, _)), Sought::Target, Some(way)) => {
                            way.found = Some(first);
                            Ok(Step::Begin)
                        }
                        (Ok((_, addresses)), ..) => {
                            facts.resolved = since(site.now);
                            Ok(Step::Racing(Race::new(addresses, until)))
                        }
                        (Err(why), Sought::Peer, Some(way)) => Err(lookup_failed(&why).at_proxy(&way.proxy)),
                        (Err(why), ..) => Err(lookup_failed(&why)),
                    }
                }
                Step::Racing(race) => match race.advance(site, facts) {
                    Raced::Pending(race) => {
                        return Dialed::Pending(Self { layers, step: Step::Racing(race), way });
                    }
                    Raced::Won(token, socket, addr) => {
                        facts.connected = since(site.now);
                        facts.peer = Some(addr);
                        facts.local = socket.local_addr();
                        Ok(Step::Ready(token, Box::new(Tcp::new(socket))))
                    }
                    Raced::Failed(error) => Err(match &way {
                        Some(way) => error.at_proxy(&way.proxy),
                        None => error,
                    }),
                },
                Step::Securing(token, mut link, name, with) => match link.handshake() {
                    Ok(true) => {
                        facts.secured = since(site.now);
                        facts.tls = link.tls();
                        Ok(Step::Ready(token, link))
                    }
                    Ok(false) => {
                        let step = Step::Securing(token, link, name, with);
                        return Dialed::Pending(Self { layers, step, way });
                    }
                    Err(why) => {
                        site.tokens.remove(token);
                        Err(handshake_failed(why, &name, with))
                    }
                },
                Step::Tunneling(token, mut tunnel) => match tunnel.advance(site.now, until) {
                    Ok(true) => {
                        facts.tunneled = since(site.now);
                        Ok(Step::Ready(token, tunnel.into_link()))
                    }
                    Ok(false) => {
                        return Dialed::Pending(Self { layers, step: Step::Tunneling(token, tunnel), way });
                    }
                    Err(error) => {
                        site.tokens.remove(token);
                        Err(error)
                    }
                },
                Step::Ready(token, link) => match layers.next() {
                    None => return Dialed::Done(token, link),
                    Some(layer) => upon(layer, token, link, way.as_deref(), site)
                        .inspect_err(|_| site.tokens.remove(token)),
                },
            };
            match next {
                Ok(next) => step = next,
                Err(error) => return Dialed::Failed(error),
            }
        }
    }
}

/// A layer that begins without a link: an address needs no lookup.
fn begin(layer: Layer, site: &mut Site<'_>, until: Option<Instant>) -> Result<Step, Error> {
    let (host, port, sought) = match layer {
        Layer::Tcp { host, port } => (host, port, Sought::Peer),
        Layer::Lookup { host, port } => (host, port, Sought::Target),
        _ => return Err(Error::config("a route that begins with no connection")),
    };
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Step::Racing(Race::new(vec![SocketAddr::new(ip, port)], until)));
    }
    let token = Token::fresh();
    site.tokens.insert(token, site.id);
    site.net.lookup(token, &host, port, site.resolver);
    Ok(Step::Resolving(token, sought, None))
}

/// A layer on top of what there is.
fn upon(
    layer: Layer,
    token: Token,
    link: Box<dyn Link>,
    way: Option<&Way>,
    site: &Site<'_>,
) -> Result<Step, Error> {
    let mut out = Vec::new();
    let speech = match layer {
        Layer::Tls { .. } if site.virtual_tls => return Ok(Step::Ready(token, link)),
        Layer::Tls { name, tls, with } => {
            let link = TlsLink::start(link, &name, &tls, with, site.tls)?;
            return Ok(Step::Securing(token, Box::new(link), name, with));
        }
        Layer::Connect { authority, proxy } => {
            let agent = way.and_then(|way| way.agent.as_deref());
            Speech::Connect(Connect::new(authority, proxy, agent, site.limits, &mut out)?)
        }
        Layer::Socks5 { host, port, proxy } => {
            let found = way.and_then(|way| way.found);
            Speech::Socks5(Socks5::new(&host, port, found, proxy, &mut out)?)
        }
        Layer::Tcp { .. } | Layer::Lookup { .. } => {
            return Err(Error::config("a connection can only be the innermost layer"));
        }
    };
    Ok(Step::Tunneling(token, Box::new(Tunnel::new(link, speech, out))))
}

fn lookup_failed(why: &io::Error) -> Error {
    // The system's words differ from platform to platform, its kinds say little: keep both.
    Error::new(ErrorKind::Resolve)
        .with_phase(Phase::Resolve)
        .with_detail("the host could not be looked up (check the name, or the network)")
        .with_source(io::Error::new(why.kind(), why.to_string()))
}

fn handshake_failed(why: io::Error, name: &str, with: Party) -> Error {
    let phase = match with {
        Party::Origin => Phase::Tls,
        Party::Proxy => Phase::Proxy,
    };
    let detail = tls::explain(&why, name).unwrap_or_else(|| match why.kind() {
        io::ErrorKind::UnexpectedEof => format!("{name} closed the connection during the TLS handshake"),
        _ => format!("the connection to {name} failed during the TLS handshake"),
    });
    Error::new(ErrorKind::Tls).with_phase(phase).with_detail(detail).with_source(why)
}
