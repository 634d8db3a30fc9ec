//! netrc: users and passwords by host, in a file that other programs read as well.

mod locate;
mod parse;

use super::Basic;
use crate::error::Error;
use ::url::{Host, Url};
use http_wire::Headers;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

/// The users and passwords of a netrc file. Read once; a handle, whose clones share what was read.
///
/// Used only where it is asked for ([`SessionBuilder::netrc`](crate::SessionBuilder::netrc),
/// [`netrc_file`](crate::SessionBuilder::netrc_file)), and only where nothing nearer has credentials for a request:
/// its own, an `Authorization` header of the request or the session, the URL, or the session. Each hop of a redirected
/// call is given the entry of its own host, and nothing of another. A redirect to another scheme or port of a host that
/// the call was at before gets nothing, as with all credentials: an entry is not shown to `http` because `https` says so.
///
/// An entry is found by the name of the host alone, whatever scheme and port. Of several entries for a host the last
/// counts, as in requests; where the URL or a `Location` names a user (`http://alice@host/`), the last one with that
/// login, and none if there is none. `default`
/// is for hosts that have no entry. Without a `login` the `account` is the user; an entry with neither user nor
/// password is none, and hides the `default`.
#[derive(Clone)]
pub struct Netrc(Arc<Vec<Entry>>);

/// One entry. Text may be in any charset.
#[derive(Clone, Default, PartialEq, Eq)]
struct Entry {
    /// In canonical form; `None` is `default`.
    host: Option<String>,
    login: Vec<u8>,
    account: Vec<u8>,
    password: Vec<u8>,
}

/// Longer files are refused (curl's figure).
const MAX_FILE: usize = 128 * 1024;

impl Netrc {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it cannot be read, is longer than 128 KiB, or is no netrc
    /// file; see [`parse`](Self::parse).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = contents(path).map_err(|why| {
            Error::config(format!("the netrc file {path:?} cannot be read: {why}")).with_source(why)
        })?;
        Self::parse(text)
            .map_err(|why| Error::config(format!("the netrc file {path:?} cannot be used")).with_source(why))
    }

    /// Reads the file that `NETRC` names, or else `.netrc` or `_netrc` in the home directory. `None` if there is no
    /// such file (requests' rule).
    ///
    /// # Errors
    /// As [`read`](Self::read), for a file that is there.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        locate::path().map(Self::read).transpose()
    }

    /// Reads the text of such a file: `machine` and a host, or `default`, and behind it `login`, `password` and
    /// `account` with their values, separated by white space. `macdef` and the lines up to an empty one are passed over,
    /// so are comments from `#` on where a keyword could stand. Values may be quoted; a backslash stands before a
    /// character that is meant as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with the number of the line: for an unknown keyword, a value that
    /// is missing, a quotation mark that is not closed, a line of more than 16 KiB or a value of more than 4 KiB.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        parse::entries(text.as_ref()).map(|entries| Self(Arc::new(entries)))
    }

    /// The credentials for a hop to this URL, those of `user` where one is named, unless a header says otherwise.
    pub(crate) fn of_host(&self, url: &Url, user: Option<&[u8]>, headers: &Headers) -> Option<Basic> {
        self.credentials(url, user).filter(|_| !headers.contains("authorization"))
    }

    /// The credentials for the host of a URL. Where the file has nothing for the `user`, nobody else's are taken.
    fn credentials(&self, url: &Url, user: Option<&[u8]>) -> Option<Basic> {
        let host = canonical(url.host_str()?);
        let named = self.0.iter().any(|entry| entry.host.as_deref() == Some(&*host));
        let host = named.then_some(&*host);
        let entry =
            self.0.iter().rev().find(|entry| {
                entry.host.as_deref() == host && user.is_none_or(|user| entry.user() == user)
            })?;
        let (user, password) = (entry.user(), &*entry.password);
        if user.is_empty() && password.is_empty() {
            return None;
        }
        Some(Basic::read(user, password))
    }
}

impl Entry {
    fn user(&self) -> &[u8] {
        if self.login.is_empty() { &self.account } else { &self.login }
    }
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_FILE {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is longer than {} KiB", MAX_FILE / 1024),
        ));
    }
    Ok(text)
}

/// Whether an entry for the one is an entry for the other.
pub(crate) fn same_host(one: &str, other: &str) -> bool {
    one == other || canonical(one) == canonical(other)
}

/// A host as URLs have it: lower case, IDNA, addresses in one form, without brackets and without a dot at the end.
fn canonical(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = bare.parse::<Ipv6Addr>() {
        return address.to_string();
    }
    match Host::parse(name) {
        Ok(host) => host.to_string(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Netrc({} entries)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Auth as _;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    /// `user:password` for a URL; `-` if there is none.
    fn found(netrc: &str, url: &str, user: Option<&str>) -> String {
        let url = Url::parse(url).unwrap();
        let Some(basic) = Netrc::parse(netrc).unwrap().credentials(&url, user.map(str::as_bytes)) else {
            return "-".to_owned();
        };
        let mut request = crate::get("http://a.example/").build().unwrap();
        basic.authorize(&mut request).unwrap();
        let value = request.headers().get("authorization").unwrap().to_str().unwrap();
        String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn t_5_an_entry_is_found_by_the_name_of_the_host() {
        let netrc = "machine a.example login u password p\n\
                     machine bücher.example login b password p\n\
                     machine 127.0.0.1 login four password p\n\
                     machine ::1 login six password p\n\
                     machine C.Example. account acc password p\n\
                     machine only.example login just\n\
                     machine pw.example password p\n\
                     machine empty.example\n\
                     machine twice.example login first password 1\n\
                     machine twice.example login second password 2\n\
                     default login d password p\n";
        for (url, expected) in [
            ("http://a.example/", "u:p"),
            ("https://A.EXAMPLE:8443/x", "u:p"),
            ("http://a.example./", "u:p"),
            ("http://a.example:x@b.example/", "d:p"),
            ("http://b.a.example/", "d:p"),
            ("http://example/", "d:p"),
            ("http://xn--bcher-kva.example/", "b:p"),
            ("http://127.1/", "four:p"),
            ("http://[0:0::1]/", "six:p"),
            ("http://c.example/", "acc:p"),
            ("http://only.example/", "just:"),
            ("http://pw.example/", ":p"),
            ("http://empty.example/", "-"),
            ("http://twice.example/", "second:2"),
        ] {
            assert_eq!(found(netrc, url, None), expected, "{url}");
        }
    }

    #[test]
    fn nr_3_an_entry_is_of_the_user_that_the_url_names_or_it_is_not_taken() {
        let netrc =
            "machine h login bob password B\nmachine h login ann password A\ndefault login alice password D";
        for (host, user, expected) in [
            ("h", "bob", "bob:B"),
            ("h", "ann", "ann:A"),
            ("h", "alice", "-"),
            ("h", "", "-"),
            ("other", "alice", "alice:D"),
            ("other", "bob", "-"),
        ] {
            assert_eq!(found(netrc, &format!("http://{host}/"), Some(user)), expected, "{user} at {host}");
        }
    }

    #[test]
    fn nr_1_no_field_is_inherited_from_another_entry() {
        let netrc = "machine a login u password p\nmachine b login only\nmachine c\ndefault";
        assert_eq!(found(netrc, "http://b/", None), "only:");
        assert_eq!(found(netrc, "http://c/", None), "-");
        assert_eq!(found(netrc, "http://d/", None), "-");
    }
}
