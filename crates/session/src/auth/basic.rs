//! The two schemes that are one header: Basic (RFC 7617) and Bearer (RFC 6750).

use super::Auth;
use crate::error::Error;
use crate::request::Request;
use crate::url::Userinfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// User and password (RFC 7617).
///
/// Text is encoded as requests does it, in ISO 8859-1; what does not fit there is encoded in UTF-8.
#[doc(alias = "HTTPBasicAuth")]
#[derive(Clone)]
pub struct Basic {
    /// `None`: the user has a colon, which RFC 7617 cannot say.
    value: Option<String>,
}

impl Basic {
    /// Credentials from a user and a password; a password of `None` is an empty one.
    #[must_use]
    pub fn new(user: impl AsRef<str>, password: impl IntoPassword) -> Self {
        Self::read(user.as_ref().as_bytes(), password.text().as_bytes())
    }

    /// Credentials that are sent as they are, octet by octet: for a server that wants another charset.
    #[must_use]
    pub fn from_octets(user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        let (user, password) = (user.as_ref(), password.as_ref());
        let value = (!user.contains(&b':'))
            .then(|| format!("Basic {}", STANDARD.encode([user, b":", password].concat())));
        Self { value }
    }

    /// Credentials as a program, a URL or a file says them; see [`octets`].
    pub(super) fn read(user: &[u8], password: &[u8]) -> Self {
        let (user, password) = octets(user, password);
        Self::from_octets(user, password)
    }

    /// `None` where the URL names a user alone: that is no credential.
    pub(crate) fn from_userinfo(userinfo: &Userinfo) -> Option<Self> {
        userinfo.password.as_deref().map(|password| Self::read(&userinfo.user, password))
    }
}

/// What Basic sends for a user and a password (requests' rule): texts in ISO 8859-1 where that can say both of them,
/// anything else as it is.
pub(crate) fn octets(user: &[u8], password: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let latin1 = |text: &[u8]| {
        let text = str::from_utf8(text).ok()?;
        text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()
    };
    latin1(user).zip(latin1(password)).unwrap_or_else(|| (user.to_vec(), password.to_vec()))
}

impl Auth for Basic {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        let value = self.value.as_ref().ok_or_else(|| {
            Error::request_error(
                "the user name for basic authentication has a colon, which cannot be sent (RFC 7617)",
            )
        })?;
        request.set_header("Authorization", value)
    }
}

/// A token, sent as `Authorization: Bearer …` (RFC 6750).
#[derive(Clone)]
pub struct Bearer {
    value: String,
}

impl Bearer {
    /// Credentials from a token.
    #[must_use]
    pub fn new(token: impl AsRef<str>) -> Self {
        Self { value: format!("Bearer {}", token.as_ref()) }
    }
}

impl Auth for Bearer {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        request.set_header("Authorization", &self.value)
    }
}

/// What can be given as a password: a text, or `None` for an empty one.
pub trait IntoPassword: sealed::Password {}

impl<T: sealed::Password> IntoPassword for T {}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: what can be a password is for this crate to say")]
    pub trait Password {
        fn text(&self) -> &str;
    }

    impl<T: AsRef<str> + ?Sized> Password for &T {
        fn text(&self) -> &str {
            (*self).as_ref()
        }
    }

    impl Password for String {
        fn text(&self) -> &str {
            self
        }
    }

    /// Of no other option, so that the type of a lone `None` is known.
    impl Password for Option<&str> {
        fn text(&self) -> &str {
            self.unwrap_or_default()
        }
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(***)")
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_2_basic_is_latin_1_where_that_can_say_it() {
        for (user, password, value) in [
            ("Aladdin", "open sesame", Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ("user", "", Some("Basic dXNlcjo=")),
            ("é", "", Some("Basic 6To=")),
            ("é€", "", Some("Basic w6nigqw6")),
            ("a", "b:c", Some("Basic YTpiOmM=")),
            ("a:b", "c", None),
        ] {
            assert_eq!(Basic::new(user, password).value.as_deref(), value, "{user}:{password}");
        }
    }

    #[test]
    fn t_2_octets_are_sent_as_they_are() {
        for (user, password, value) in [
            ("é".as_bytes(), &b""[..], Some("Basic w6k6")),
            (b"\xe9", b"p", Some("Basic 6Tpw")),
            (b"\xff\x00", b":", Some("Basic /wA6Og==")),
            (b"a:b", b"c", None),
        ] {
            assert_eq!(Basic::from_octets(user, password).value.as_deref(), value, "{user:?}");
        }
    }

    #[test]
    fn t_1_a_password_is_any_text_or_none() {
        let value = |basic: Basic| basic.value.unwrap();
        let owned = "p".to_owned();
        assert_eq!(value(Basic::new("u", None)), "Basic dTo=");
        for basic in [Basic::new("u", &owned), Basic::new("u", Some("p")), Basic::new("u", owned.as_str())] {
            assert_eq!(value(basic), "Basic dTpw");
        }
        assert_eq!(value(Basic::new(String::from("u"), owned)), "Basic dTpw");
    }
}
