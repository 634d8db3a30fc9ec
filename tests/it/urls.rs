//! Whom a URL leads to: what a resolver is asked, what is connected to, and which name is announced in TLS.

use crate::support::{builder, fields, ok, only, text, to};
use crate::tls_peer::{Authority, Peer};
use session::pool::Resolve;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use testbed::raw::{RawServer, Script};

/// Every name is this machine at first, and a place where nobody listens from then on; the names are written down.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Resolve for Asked {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().unwrap();
        let last = if names.iter().any(|name| name == host) { 9 } else { 1 };
        names.push(host.to_owned());
        Ok(vec![Ipv4Addr::new(127, 0, 0, last).into()])
    }
}

impl Asked {
    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn ur_1_the_name_announced_in_tls_is_the_host_of_the_url_that_is_looked_up() {
    let authority = Authority::new();
    for (before, after, host) in [
        ("good", "#@evil/", "good"),
        ("good", "\\\\@evil/", "good"),
        ("good", "\\@evil", "good"),
        ("evil;@good", "/", "good"),
        ("a:80@b", "/", "b"),
        ("good／x@evil", "", "evil"),
        ("good", "?@evil", "good"),
    ] {
        let server = authority.server(&["good", "evil", "a", "b"], "peer");
        let peer = Peer::start("127.0.0.1", server, |wire| {
            let head = String::from_utf8(Peer::read_head(wire)).unwrap();
            wire.write_all(ok(&head).as_bytes()).unwrap();
            wire.flush().unwrap();
            Peer::read_end(wire);
        });
        let asked = Asked::default();
        let session = builder().tls(only(&authority.pem())).resolver(asked.clone()).build().unwrap();
        let url = peer.url(before).trim_end_matches('/').to_owned() + after;
        let response = session.get(&url).send().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(response.url().host_str(), Some(host), "{url}");
        let port = response.url().port().unwrap();
        assert_eq!(fields(response.bytes(), "Host"), [format!("{host}:{port}")], "{url}");
        drop(session);
        assert_eq!(
            (peer.seen().unwrap().sni.as_deref(), asked.names()),
            (Some(host), vec![host.to_owned()]),
            "{url}"
        );
    }
}

#[test]
fn ur_5_a_resolver_never_sees_a_part_of_a_password() {
    let there = RawServer::start([Script::new().answer(ok("there")).wait_for_close()]).unwrap();
    let to_there = to(302, &format!("http://u:p@ss@b.test:{}/", there.addr().port()));
    let here = RawServer::start([Script::new().answer(to_there).wait_for_close()]).unwrap();
    let asked = Asked::default();
    let session = builder().resolver(asked.clone()).build().unwrap();
    let url = format!("http://u:p@ss@a.test:{}/", here.addr().port());
    assert_eq!(text(session.get(url).send()), "there");
    assert_eq!(asked.names(), ["a.test", "b.test"]);
    // The password is what stands before the last `@`; that of a `Location` is nobody's.
    assert_eq!(fields(&here.requests()[0], "Authorization"), ["Basic dTpwQHNz"]);
    assert_eq!(fields(&there.requests()[0], "Authorization"), [""; 0]);
}

#[test]
fn ur_6_the_address_that_a_resolver_let_through_is_the_one_that_is_connected_to() {
    let scripts = (0..6).map(|_| Script::new().answer(ok("there")).wait_for_close());
    let server = RawServer::start(scripts).unwrap();
    let port = server.addr().port();
    let asked = Asked::default();
    let session = builder().resolver(asked.clone()).build().unwrap();
    // The second answer would be another one: nobody asks for it between the first and a connection.
    for _ in 0..2 {
        assert_eq!(text(session.get(format!("http://swapped.test:{port}/")).send()), "there");
        assert_eq!(asked.names(), ["swapped.test"]);
        session.close_idle();
    }
    // An address is one in any spelling: there is no name to ask for.
    for host in ["0177.0.0.1", "2130706433", "127.1", "0x7f.1"] {
        assert_eq!(text(session.get(format!("http://{host}:{port}/")).send()), "there", "{host}");
        session.close_idle();
    }
    assert_eq!((asked.names().len(), server.connections()), (1, 6));
}
