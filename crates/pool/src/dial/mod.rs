//! From a route to a connection: executes the layers of a dial, one after the other.

use crate::attempt::Attempt;
use crate::error::Error;
use crate::kind::ErrorKind;
use crate::link::tls::{self, Configs, TlsLink};
use crate::link::{Link, Tcp};
use crate::net::{Net, Token};
use crate::phase::Phase;
use crate::resolver::Resolve;
use crate::route::Layer;
use crate::tokens::{ExchangeId, Tokens};
use race::{Race, Raced};
use resolve::no_address;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

pub(crate) mod cache;
mod race;
pub(crate) mod resolve;

/// What a dial needs around it.
pub(crate) struct Site<'a> {
    pub(crate) id: ExchangeId,
    pub(crate) net: &'a mut dyn Net,
    pub(crate) tokens: &'a mut Tokens,
    pub(crate) now: Instant,
    pub(crate) tls: &'a Configs,
    pub(crate) resolver: Option<&'a Arc<dyn Resolve>>,
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
}

enum Step {
    Begin,
    Resolving(Token, Option<io::Result<Vec<SocketAddr>>>),
    Racing(Race),
    Securing(Token, Box<TlsLink>, String),
    Ready(Token, Box<dyn Link>),
}

/// Where a dial stands after it was advanced.
pub(crate) enum Dialed {
    Pending(Dial),
    /// The token stays registered.
    Done(Token, Box<dyn Link>),
    Failed(Error),
}

impl Dial {
    pub(crate) fn new(layers: Vec<Layer>) -> Self {
        Self { layers: layers.into_iter(), step: Step::Begin }
    }

    /// What an error or a timeout at this point says was going on.
    pub(crate) fn phase(&self) -> Phase {
        match self.step {
            Step::Begin | Step::Resolving(..) => Phase::Resolve,
            Step::Racing(_) => Phase::Connect,
            Step::Securing(..) | Step::Ready(..) => Phase::Tls,
        }
    }

    /// When the dial wants to be advanced although nothing happened.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match &self.step {
            Step::Racing(race) => race.wake_at(),
            _ => None,
        }
    }

    /// Takes in the answer of a lookup.
    pub(crate) fn note_lookup(&mut self, token: Token, result: io::Result<Vec<SocketAddr>>) {
        if let Step::Resolving(mine, answer) = &mut self.step
            && *mine == token
        {
            *answer = Some(result);
        }
    }

    /// The tokens that this dial still has in the driver's map.
    pub(crate) fn token(&self) -> Option<Token> {
        match &self.step {
            Step::Begin => None,
            Step::Resolving(token, _) | Step::Securing(token, ..) | Step::Ready(token, _) => Some(*token),
            Step::Racing(race) => race.token(),
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
        let Self { mut layers, mut step } = self;
        loop {
            let next = match step {
                Step::Begin => layers.next().map_or_else(
                    || Err(Error::config("a route without layers")),
                    |layer| Ok(begin(layer, site, until, facts)),
                ),
                Step::Resolving(token, None) => {
                    return Dialed::Pending(Self { layers, step: Step::Resolving(token, None) });
                }
                Step::Resolving(token, Some(answer)) => {
                    site.tokens.remove(token);
                    facts.resolved = since(site.now);
                    answer
                        .and_then(
                            |addresses| {
                                if addresses.is_empty() { Err(no_address()) } else { Ok(addresses) }
                            },
                        )
                        .map(|addresses| Step::Racing(Race::new(addresses, until)))
                        .map_err(|why| lookup_failed(&why))
                }
                Step::Racing(race) => match race.advance(site, facts) {
                    Raced::Pending(race) => {
                        return Dialed::Pending(Self { layers, step: Step::Racing(race) });
                    }
                    Raced::Won(token, socket, addr) => {
                        facts.connected = since(site.now);
                        facts.peer = Some(addr);
                        facts.local = socket.local_addr();
                        Ok(Step::Ready(token, Box::new(Tcp::new(socket))))
                    }
                    Raced::Failed(error) => Err(error),
                },
                Step::Securing(token, mut link, name) => match link.handshake() {
                    Ok(true) => {
                        facts.secured = since(site.now);
                        facts.tls = link.tls();
                        Ok(Step::Ready(token, link))
                    }
                    Ok(false) => {
                        return Dialed::Pending(Self { layers, step: Step::Securing(token, link, name) });
                    }
                    Err(why) => {
                        site.tokens.remove(token);
                        Err(handshake_failed(why, &name))
                    }
                },
                Step::Ready(token, link) => match layers.next() {
                    None => return Dialed::Done(token, link),
                    Some(Layer::Tls { .. }) if site.virtual_tls => Ok(Step::Ready(token, link)),
                    Some(Layer::Tls { name, tls, with }) => TlsLink::start(link, &name, &tls, with, site.tls)
                        .inspect_err(|_| site.tokens.remove(token))
                        .map(|link| Step::Securing(token, Box::new(link), name)),
                    Some(Layer::Connect { .. } | Layer::Socks5 { .. }) => {
                        site.tokens.remove(token);
                        Err(Error::config("tunnels are not supported yet"))
                    }
                    Some(Layer::Tcp { .. } | Layer::Lookup { .. }) => {
                        Err(Error::config("TCP can only be the innermost layer"))
                    }
                },
            };
            match next {
                Ok(next) => step = next,
                Err(error) => return Dialed::Failed(error),
            }
        }
    }
}

/// The first layer: an address needs no lookup.
fn begin(layer: Layer, site: &mut Site<'_>, until: Option<Instant>, facts: &mut Attempt) -> Step {
    let Layer::Tcp { host, port } = layer else {
        return Step::Racing(Race::new(Vec::new(), until));
    };
    if let Ok(ip) = host.parse::<IpAddr>() {
        facts.resolved = None;
        return Step::Racing(Race::new(vec![SocketAddr::new(ip, port)], until));
    }
    let token = Token::fresh();
    site.tokens.insert(token, site.id);
    site.net.lookup(token, &host, port, site.resolver);
    Step::Resolving(token, None)
}

fn lookup_failed(why: &io::Error) -> Error {
    // The system's words differ from platform to platform, its kinds say little: keep both.
    Error::new(ErrorKind::Resolve)
        .with_phase(Phase::Resolve)
        .with_detail("the host could not be looked up (check the name, or the network)")
        .with_source(io::Error::new(why.kind(), why.to_string()))
}

fn handshake_failed(why: io::Error, name: &str) -> Error {
    let detail = tls::explain(&why, name).unwrap_or_else(|| match why.kind() {
        io::ErrorKind::UnexpectedEof => format!("{name} closed the connection during the TLS handshake"),
        _ => format!("the connection to {name} failed during the TLS handshake"),
    });
    Error::new(ErrorKind::Tls).with_phase(Phase::Tls).with_detail(detail).with_source(why)
}
