//! Hosts that are reached without a proxy: the lists of `NO_PROXY`.

use ::url::Host;
use ipnet::IpNet;
use pool::Origin;
use std::net::IpAddr;

/// A list of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// `None`: any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Of a network; a single address is one of full length.
    Net(IpNet),
    /// A name and all below it.
    Name(Box<str>),
    /// All below a name, which is not meant itself.
    Below(Box<str>),
}

/// The one form in which hosts are compared: an address by its value, a name in lower case and ASCII, without the dot
/// at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Canonical {
    Address(IpAddr),
    Name(Box<str>),
}

impl NoProxy {
    /// Reads a list, and gives what in it cannot be understood beside it.
    pub(super) fn parse(list: &str) -> (Self, Vec<&str>) {
        let (mut entries, mut unclear) = (Vec::new(), Vec::new());
        for text in list.split([',', ' ', '\t']).filter(|text| !text.is_empty()) {
            match Entry::parse(text) {
                Some(entry) => entries.push(entry),
                None => unclear.push(text),
            }
        }
        (Self(entries), unclear)
    }

    /// Adds the hosts of another list.
    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn covers(&self, host: &Canonical, port: u16) -> bool {
        self.0.iter().any(|entry| entry.covers(host, port))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let whole = |hosts| Some(Self { hosts, port: None });
        if text == "*" {
            return whole(Hosts::All);
        }
        if text.contains('/') {
            return whole(Hosts::Net(network(text)?));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return whole(Hosts::Net(address.to_canonical().into()));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port_of(port)?)),
            _ => (text, None),
        };
        let below = host.strip_prefix("*.");
        let hosts = match Canonical::of(below.unwrap_or(host).trim_start_matches('.'))? {
            Canonical::Address(address) => Hosts::Net(address.into()),
            Canonical::Name(name) if below.is_some() => Hosts::Below(name),
            Canonical::Name(name) => Hosts::Name(name),
        };
        Some(Self { hosts, port })
    }

    fn covers(&self, host: &Canonical, port: u16) -> bool {
        let fits = match (&self.hosts, host) {
            (Hosts::All, _) => true,
            (Hosts::Net(net), Canonical::Address(address)) => net.contains(address),
            (Hosts::Name(name), Canonical::Name(host)) => host == name || is_below(host, name),
            (Hosts::Below(name), Canonical::Name(host)) => is_below(host, name),
            _ => false,
        };
        fits && self.port.is_none_or(|only| only == port)
    }
}

impl Canonical {
    /// The host of a URL, which is lower case and ASCII already.
    pub(super) fn of_origin(origin: &Origin) -> Self {
        match origin.ip() {
            Some(address) => Self::Address(address.to_canonical()),
            None => Self::Name(origin.host().strip_suffix('.').unwrap_or(origin.host()).into()),
        }
    }

    /// `None`: no host looks so.
    pub(super) fn of(host: &str) -> Option<Self> {
        // Without brackets too, as lists have IPv6 addresses.
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        match Host::parse(host).ok()? {
            Host::Ipv4(address) => Some(Self::Address(address.into())),
            Host::Ipv6(address) => Some(Self::Address(IpAddr::from(address).to_canonical())),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                // A star that is not in front would be compared as a letter, and never be equal to anything.
                (!name.is_empty() && !name.contains('*')).then(|| Self::Name(name.into()))
            }
        }
    }
}

/// A network, in the form of the addresses that are compared with it: one of IPv4 that is written as IPv6
/// (`::ffff:10.0.0.0/104`) is one of IPv4.
fn network(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok()?.trunc();
    let short = net.prefix_len().checked_sub(96);
    match (net.addr().to_canonical(), short) {
        (address @ IpAddr::V4(_), Some(length)) if net.addr().is_ipv6() => IpNet::new(address, length).ok(),
        _ => Some(net),
    }
}

/// Whether `host` has further labels before `name`.
fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|labels| labels.ends_with('.'))
}

/// A number up to 65535, and no sign.
fn port_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(list: &str, host: &str, port: u16) -> bool {
        let (list, unclear) = NoProxy::parse(list);
        assert_eq!(unclear, [""; 0]);
        list.covers(&Canonical::of(host).unwrap(), port)
    }

    #[test]
    fn px_5_hosts_have_one_form_and_names_end_at_labels() {
        let list = "localhost,127.0.0.1,::1,.example.test,10.0.0.0/8";
        for host in ["localhost", "LOCALHOST.", "[::1]", "::1", "a.example.test", "10.1.2.3", "127.0.0.1"] {
            assert!(covers(list, host, 80), "{host}");
        }
        for host in
            ["notexample.test", "example.test.evil", "110.0.0.1", "prelocalhost", "[::2]", "127.0.0.2"]
        {
            assert!(!covers(list, host, 80), "{host}");
        }
    }

    #[test]
    fn px_5_every_spelling_of_a_host_in_a_list_is_every_spelling_of_it_in_a_url_and_nothing_else() {
        let hosts: [&[&str]; 9] = [
            &["localhost", "LOCALHOST", "localhost.", "LocalHost."],
            &[
                "127.0.0.1",
                "127.0.0.1.",
                "127.1",
                "0x7F.0.0.1",
                "2130706433",
                "[::ffff:127.0.0.1]",
                "::ffff:7f00:1",
            ],
            &["127.0.0.2", "[::FFFF:127.0.0.2]"],
            &["::1", "[::1]", "[0:0:0:0:0:0:0:1]", "0::0001"],
            &["::2"],
            &["a.example.test", "A.Example.TEST", "a.example.test."],
            &["xa.example.test"],
            &["b\u{fc}cher.test", "B\u{dc}CHER.test.", "xn--bcher-kva.test", "XN--BCHER-KVA.TEST"],
            &["localhost.test"],
        ];
        for (n, spellings) in hosts.iter().enumerate() {
            for entry in *spellings {
                for (m, others) in hosts.iter().enumerate() {
                    for host in *others {
                        assert_eq!(covers(entry, host, 80), n == m, "{entry} {host}");
                        // Those that have an own form in a URL have it from there.
                        let url = if host.contains("::") {
                            format!("http://[{}]/", host.trim_matches(['[', ']']))
                        } else {
                            format!("http://{host}/")
                        };
                        let url = ::url::Url::parse(&url).unwrap();
                        let origin: Origin = url[..::url::Position::BeforePath].parse().unwrap();
                        assert_eq!(
                            NoProxy::parse(entry).0.covers(&Canonical::of_origin(&origin), 80),
                            n == m,
                            "{entry} {url}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn x_3_entries_are_names_addresses_networks_with_or_without_a_port() {
        for (list, host, port, covered) in [
            ("*", "a.example", 80, true),
            ("a, *", "a.example", 80, true),
            ("", "a.example", 80, false),
            (" , ,", "a.example", 80, false),
            ("google.com", "www.google.com", 80, true),
            ("..google.com", "google.com", 80, true),
            ("*.google.com", "www.google.com", 443, true),
            ("*.google.com", "google.com", 443, false),
            ("a.example:8080", "a.example", 8080, true),
            ("a.example:8080", "www.a.example", 8080, true),
            ("a.example:8080", "a.example", 80, false),
            ("a.example:80", "a.example", 80, true),
            ("A.EXAMPLE.", "a.example", 80, true),
            ("a.example", "A.Example.", 80, true),
            ("b\u{fc}cher.example", "xn--bcher-kva.example", 80, true),
            ("a.example b.example", "b.example", 80, true),
            ("192.168.0.0/24", "192.168.0.255", 80, true),
            ("192.168.0.77/24", "192.168.0.1", 80, true),
            ("192.168.0.0/24", "192.168.1.0", 80, false),
            ("192.168.0.1/32", "192.168.0.1", 80, true),
            ("0.0.0.0/0", "8.8.8.8", 80, true),
            ("10.0.0.1:8080", "10.0.0.1", 8080, true),
            ("10.0.0.1:8080", "10.0.0.1", 80, false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", 80, true),
            ("::ffff:10.1.2.3", "10.1.2.3", 80, true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", 80, true),
            ("::ffff:10.0.0.0/104", "::ffff:11.1.2.3", 80, false),
            ("::ffff:0:0/96", "8.8.8.8", 80, true),
            ("::/0", "8.8.8.8", 80, false),
            ("::/0", "2001:db8::1", 80, true),
            ("::1/128", "0:0:0:0:0:0:0:1", 80, true),
            ("localhost.", "localhost", 80, true),
            ("localhost", "a.localhost", 80, true),
            ("127.0.0.1", "127.1", 80, true),
            ("127.0.0.1", "0x7f000001", 80, true),
            (".EXAMPLE.Test.", "a.example.test.", 80, true),
            ("fd00::/8", "[fd12:3456::1]", 80, true),
            ("fd00::/8", "[fe80::1]", 80, false),
            ("[2001:DB8:0::1]", "2001:db8::1", 80, true),
            ("[2001:db8::1]:8080", "2001:db8::1", 8080, true),
            ("[2001:db8::1]:8080", "2001:db8::1", 80, false),
            ("2001:db8::1", "[2001:db8::2]", 80, false),
            ("1", "10.0.0.1", 80, false),
            ("0.0.1", "10.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example", 80, false),
        ] {
            assert_eq!(covers(list, host, port), covered, "{list:?} {host}:{port}");
        }
    }

    #[test]
    fn what_is_no_entry_is_named_and_the_others_count() {
        let (list, unclear) =
            NoProxy::parse("a.example,10.0.0.0/33,192.168.*,x:+80,<local>,http://b,:80,.,b:");
        assert_eq!(unclear, ["10.0.0.0/33", "192.168.*", "x:+80", "<local>", "http://b", ":80", ".", "b:"]);
        assert_eq!(list.len(), 1);
    }
}
