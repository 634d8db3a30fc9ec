use crate::input::{base64, first_line, nowhere};
use session::{Error, Hook, Netrc, Request, Session};
use std::sync::{Arc, Mutex};

/// Whatever stands in a netrc file: it is read or refused, and no error shows a word of it; a host that it does not name is
/// given nothing without a `default`. And an entry that is written with its values quoted is found again for its host, the
/// last of several, and for no other host.
///
/// The whole is a file; and its lines, three and three, are login, account and password of entries for hosts in turn.
pub fn netrc(data: &[u8]) {
    any_file(data);
    written(data);
}

fn any_file(data: &[u8]) {
    let netrc = match Netrc::parse(data) {
        Ok(netrc) => netrc,
        Err(error) => return nothing_shown(data, &format!("{error} {error:?}")),
    };
    let text = String::from_utf8_lossy(data).replace('\\', "").to_ascii_lowercase();
    let known = text.contains("default") || text.contains("nobody") || !text.is_ascii() || text.contains('%');
    if !known {
        assert_eq!(credentials(&netrc, "http://nobody.example/"), None);
    }
}

/// Messages have no digits but in short numbers: a longer word with one comes from the file, and is not shown.
fn nothing_shown(data: &[u8], shown: &str) {
    for word in String::from_utf8_lossy(data).split_ascii_whitespace() {
        let secret = word.len() >= 5 && word.chars().any(|c| c.is_ascii_digit());
        assert!(!secret || !shown.contains(word), "{word:?} in {shown}");
    }
}

fn written(data: &[u8]) {
    const HOSTS: [&str; 3] = ["a.example", "b.example", "10.0.0.1"];
    let (mut rest, mut file, mut entries) = (data, Vec::new(), Vec::new());
    let mut hosts = HOSTS.iter().cycle();
    while !rest.is_empty() && entries.len() < 12 {
        let mut value = || {
            let line;
            (line, rest) = first_line(rest);
            line.iter().copied().filter(|b| *b != b'\r').collect::<Vec<u8>>()
        };
        let (login, account, password) = (value(), value(), value());
        let host = hosts.next().copied().unwrap_or_default();
        file.extend_from_slice(format!("machine {host}\n").as_bytes());
        for (keyword, value) in [("login", &login), ("account", &account), ("password", &password)] {
            file.extend_from_slice(format!("  {keyword} \"").as_bytes());
            file.extend(value.iter().flat_map(|b| match b {
                b'"' | b'\\' => vec![b'\\', *b],
                b => vec![*b],
            }));
            file.extend_from_slice(b"\"\n");
        }
        let user = if login.is_empty() { account } else { login };
        entries.push((host, user, password));
    }
    let long = |value: &[u8]| value.len() > 4096;
    let netrc = match Netrc::parse(&file) {
        Ok(netrc) => netrc,
        Err(error) => {
            return assert!(
                entries.iter().any(|(_, user, password)| long(user) || long(password)) || file.len() > 4096,
                "{error}"
            );
        }
    };
    for host in HOSTS {
        let entry = entries.iter().rev().find(|(of, ..)| *of == host);
        let expected = entry
            .filter(|(_, user, password)| !user.is_empty() || !password.is_empty())
            .map(|(_, user, password)| base64(&pair(user, password)));
        // A colon would end the user: that is said, and nothing is sent.
        let refused = entry.is_some_and(|(_, user, _)| user.contains(&b':'));
        let found = credentials(&netrc, &format!("http://{host}/"));
        assert!(refused || found == expected, "{host}: {found:?} instead of {expected:?}");
    }
}

/// The value of `Basic` that a session sends to `url`, if any.
fn credentials(netrc: &Netrc, url: &str) -> Option<String> {
    thread_local! {
        static SESSION: Session = nowhere().1;
    }
    let seen = Arc::new(Mutex::new(None));
    SESSION.with(|session| {
        let request = session.get(url).netrc(netrc.clone()).hook(Look(seen.clone()));
        assert!(request.send().is_err(), "the hook lets nothing pass");
    });
    let value: Option<String> = seen.lock().unwrap_or_else(|error| unreachable!("{error}")).take();
    value.map(|value| value.strip_prefix("Basic ").unwrap_or_else(|| unreachable!("{value}")).to_owned())
}

/// Keeps the `Authorization` of a request, which it then lets fail.
struct Look(Arc<Mutex<Option<String>>>);

impl Hook for Look {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        let value = request
            .headers()
            .get("authorization")
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        *self.0.lock().unwrap_or_else(|error| unreachable!("{error}")) = value;
        Err(request.set_header("no name", "").err().unwrap_or_else(|| unreachable!("a blank in a name")))
    }
}

/// What Basic says: text as ISO 8859-1 if that has all of it.
fn pair(user: &[u8], password: &[u8]) -> Vec<u8> {
    let latin1 = |octets: &[u8]| {
        let text = str::from_utf8(octets).ok()?;
        text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()
    };
    match (latin1(user), latin1(password)) {
        (Some(user), Some(password)) => [&*user, b":", &*password].concat(),
        _ => [user, &b":"[..], password].concat(),
    }
}
