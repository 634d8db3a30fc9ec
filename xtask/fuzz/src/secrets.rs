//! Credentials that can be told apart, wherever they turn up.

use crate::input::base64;
use pool::sim::Received;
use session::Url;

/// The hosts of the world, and their addresses; `*` is every other name. The first two are below one domain.
pub(crate) const HOSTS: [(&str, &str); 4] =
    [("a.example", "10.0.0.1"), ("www.a.example", "10.0.0.2"), ("b.example", "10.0.0.3"), ("*", "10.0.0.4")];

/// The password for the proxy.
const PROXY: &str = "proxyz";

/// Credentials that were given out so far, each for one place.
#[derive(Default)]
pub(crate) struct Secrets {
    given: Vec<Given>,
    /// Servers say `Domain`, so that hosts below one domain may be sent the cookies of another.
    pub(crate) shared_cookies: bool,
}

struct Given {
    address: String,
    /// `None`: whatever port.
    port: Option<u16>,
    /// How it looks on the wire, plain and as Basic has it.
    forms: [String; 3],
}

impl Secrets {
    /// A password of its own for the origin of `url`.
    pub(crate) fn of_origin(&mut self, url: &Url) -> String {
        self.give(url.host_str().unwrap_or_default(), url.port_or_known_default())
    }

    /// One for a host, at whatever port.
    pub(crate) fn of_host(&mut self, host: &str) -> String {
        self.give(host, None)
    }

    /// That for the proxy.
    pub(crate) fn proxy() -> &'static str {
        PROXY
    }

    /// What the server at this place calls its cookies.
    pub(crate) fn cookie(place: usize) -> String {
        format!("jar{place}z")
    }

    fn give(&mut self, host: &str, port: Option<u16>) -> String {
        let secret = format!("tag{}z", self.given.len());
        let basic = |user: &str| base64(format!("{user}:{secret}").as_bytes());
        let forms = [secret.clone(), basic("u"), basic("n")];
        self.given.push(Given { address: address(host), port, forms });
        secret
    }

    /// A request came to the server at this place: it may have what is meant for that one.
    pub(crate) fn at_origin(&self, received: &Received, place: usize) {
        let head = received.head().as_bytes();
        let (own, port) = (HOSTS.get(place).map_or("", |host| host.1), received.addr().port());
        self.only(head, |given| given.address == own && given.port.is_none_or(|of| of == port));
        assert!(
            !contains(head, PROXY) && !contains(head, &proxy_basic()),
            "the proxy's: {}",
            head.escape_ascii()
        );
        for other in (0..HOSTS.len()).filter(|other| *other != place) {
            // The last place stands for names below any domain.
            let apart = (other < 2 && place == 2) || (other == 2 && place < 2);
            let related = self.shared_cookies && !apart;
            // What a server says elsewhere, in a redirect, may be said back.
            let fields = received.head().headers();
            let mut cookies = fields.get_all("cookie");
            let leaked = cookies.any(|value| contains(value.as_bytes(), &Self::cookie(other)));
            assert!(related || !leaked, "a cookie of {other}: {}", head.escape_ascii());
        }
    }

    /// A proxy was asked for `target` with this head: it may see what is meant for the origin of a request it hands on.
    pub(crate) fn at_proxy(&self, head: &[u8], connect: bool, target: &str) {
        let url = Url::parse(target).ok().filter(|_| !connect);
        let place = url
            .as_ref()
            .map(|url| (address(url.host_str().unwrap_or_default()), url.port_or_known_default()));
        self.only(head, |given| {
            place.as_ref().is_some_and(|(address, port)| {
                given.address == *address && (given.port.is_none() || given.port == *port)
            })
        });
    }

    /// Nothing of it is in what programs print.
    pub(crate) fn in_text(&self, text: &str) {
        self.only(text.as_bytes(), |_| false);
        assert!(!text.contains(PROXY) && !text.contains(&proxy_basic()), "the proxy's: {text}");
    }

    fn only(&self, octets: &[u8], allowed: impl Fn(&Given) -> bool) {
        for given in self.given.iter().filter(|given| !allowed(given)) {
            let leaked = given.forms.iter().any(|form| contains(octets, form));
            assert!(!leaked, "what is for {}:{:?}: {}", given.address, given.port, octets.escape_ascii());
        }
    }
}

/// Where a host of a URL is found; names and addresses that are nobody's are at the last place.
fn address(host: &str) -> String {
    let known = HOSTS.iter().find(|(name, address)| name.eq_ignore_ascii_case(host) || *address == host);
    known.or(HOSTS.last()).map(|(_, address)| (*address).to_owned()).unwrap_or_default()
}

fn proxy_basic() -> String {
    base64(format!("pu:{PROXY}").as_bytes())
}

fn contains(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window == text.as_bytes())
}
