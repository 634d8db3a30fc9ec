//! From wherever a credential comes, and whatever changes: it stays at its origin, on every way a request can take.

use crate::paths::{Trip, for_each_path};
use crate::support::{answer, redirect, value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pool::sim::Reply;
use session::{Basic, Bearer, Digest, Error, Netrc, Redirect, Request, RequestBuilder, Session};

/// Where a call begins, and where a redirect leads it: the scheme, the port, the name; each alone, where it can.
const CHANGES: [(&str, &str); 6] = [
    ("https://a.test:4430", "http://a.test:8080"),
    ("http://a.test:8080", "https://a.test:4430"),
    ("http://a.test:8080", "http://a.test:8081"),
    ("https://a.test:4430", "https://b.test:4430"),
    ("http://a.test:8080", "http://www.a.test:8080"),
    ("http://a.test:8080", "http://a.test.:8080"),
];

const SECRET: &str = "s3cr3t";

/// A source of credentials.
struct Source {
    name: &'static str,
    /// Gives a request for `/out` of this place its credentials, by the session or by itself.
    give: fn(&mut Session, &str) -> RequestBuilder,
    /// They belong to the origin, and are there again when the call comes back to it.
    returns: bool,
}

fn get(session: &Session, place: &str) -> RequestBuilder {
    session.get(format!("{place}/out"))
}

fn key(request: &mut Request) -> Result<(), Error> {
    request.set_header("X-Key", SECRET)
}

const SOURCES: [Source; 11] = [
    Source {
        name: "fields of the request, in any spelling and number",
        give: |session, place| {
            let mut request = get(session, place);
            for name in ["Authorization", "AUTHORIZATION", "Cookie", "cookie", "Proxy-Authenticate"] {
                request = request.header(name, format!("a={SECRET}"));
            }
            request.sensitive_header("X-Key", SECRET).sensitive_header("x-key", SECRET)
        },
        returns: false,
    },
    Source {
        name: "fields of the session",
        give: |session, place| {
            session.headers_mut().insert("authorization", SECRET).unwrap();
            session.headers_mut().insert("cookie", format!("a={SECRET}")).unwrap();
            session.headers_mut().append_sensitive("X-Key", SECRET).unwrap();
            get(session, place)
        },
        returns: false,
    },
    Source {
        name: "fields that the session's policy calls secret, where the request has a policy too",
        give: |session, place| {
            session.settings_mut().set_redirect(Redirect::default().secret_headers(["x-KEY"]));
            get(session, place).header("X-Key", SECRET).redirect(Redirect::limited(5))
        },
        returns: false,
    },
    Source { name: "a cookie of the request", give: |s, p| get(s, p).cookie("a", SECRET), returns: false },
    Source { name: "auth of the request", give: |s, p| get(s, p).basic("us3r", SECRET), returns: true },
    Source { name: "a function", give: |s, p| get(s, p).auth(key), returns: true },
    Source {
        name: "the URL",
        give: |session, place| get(session, &place.replace("//", &format!("//us3r:{SECRET}@"))),
        returns: true,
    },
    Source {
        name: "auth of the session",
        give: |session, place| {
            session.set_auth(Bearer::new(SECRET));
            get(session, place)
        },
        returns: true,
    },
    Source {
        name: "auth for one origin",
        give: |session, place| {
            session.set_auth_for(place, Basic::new("us3r", SECRET)).unwrap();
            get(session, place)
        },
        returns: true,
    },
    Source {
        name: "digest",
        give: |session, place| {
            session.set_auth(Digest::new("us3r", SECRET));
            get(session, place)
        },
        returns: true,
    },
    Source {
        name: "netrc",
        give: |session, place| {
            let netrc = format!("machine a.test login us3r password {SECRET}");
            session.settings_mut().set_netrc(Netrc::parse(netrc).unwrap());
            get(session, place)
        },
        returns: true,
    },
];

/// `{from}/out` leads to `{to}/1`, that to `/2` there, and that back to `{from}/end`. Whoever asks for it is told a
/// challenge at the origin of the credentials.
fn hosts(trip: &Trip, (from, to): (&'static str, &'static str), challenges: bool) {
    for host in ["a.test", "b.test", "www.a.test", "a.test."] {
        trip.stage.host(host, move |r| match (r.target(), value(r, "authorization").as_str()) {
            ("/out" | "/end", "-") if challenges => {
                answer("401 No", &["WWW-Authenticate: Digest realm=\"x\",nonce=\"n\""], "")
            }
            ("/out", _) => redirect(307, &format!("{to}/1")),
            ("/1", _) => redirect(307, "/2"),
            ("/2", _) => redirect(307, &format!("{from}/end")),
            _ => Reply::ok("end"),
        });
    }
}

#[test]
fn cr_1_and_px_7_no_credential_of_any_source_goes_along_when_scheme_port_or_host_change() {
    let basic = STANDARD.encode(format!("us3r:{SECRET}"));
    for source in SOURCES {
        for (from, to) in CHANGES {
            for_each_path(|trip| {
                trip.asks_in_both_ways();
                hosts(trip, (from, to), source.name == "digest");
                let mut session = trip.session();
                let request = (source.give)(&mut session, from);
                let about = format!("{} from {from} to {to}, {:?}", source.name, trip.path);
                assert_eq!(trip.send(request).unwrap().text(), "end", "{about}");
                let told = |path: &str| {
                    let here = |r: &pool::sim::Received| r.target() == path;
                    let last = trip.stage.seen().into_iter().rfind(here).unwrap();
                    let head = String::from_utf8_lossy(last.head().as_bytes()).into_owned();
                    [SECRET, &basic, "username=\"us3r\""].iter().any(|secret| head.contains(secret))
                };
                assert!(told("/out"), "{about}");
                assert_eq!(told("/end"), source.returns, "{about}");
                let (_, place) = to.split_once("//").unwrap();
                let fields = ["authorization", "cookie", "x-key", "proxy-authenticate"];
                trip.keeps_from(place, &[SECRET, &basic, "us3r:"]);
                for received in trip.stage.seen().iter().filter(|r| ["/1", "/2"].contains(&r.target())) {
                    for field in fields {
                        assert_eq!(value(received, field), "-", "{about}");
                    }
                }
            });
        }
    }
}
