//! The value of `Authorization` that answers an offer (RFC 7616 §3.4).

use super::algorithm::Hash;
use super::offer::{Offer, Protection};

/// Who answers what, and with which numbers.
pub(super) struct Answer<'a> {
    pub(super) offer: &'a Offer,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) method: &'a str,
    /// The request target.
    pub(super) uri: &'a str,
    /// The hash of the body, for [`Protection::Body`].
    pub(super) body: &'a str,
    pub(super) count: u32,
    pub(super) cnonce: &'a str,
}

impl Answer<'_> {
    /// The whole value: one line, whatever octets the server chose, as they came in a field and are quoted.
    pub(super) fn value(&self) -> Vec<u8> {
        let Offer { realm, nonce, opaque, algorithm, algorithm_name, protection, userhash, .. } = self.offer;
        let count = format!("{:08x}", self.count);
        let mut value = b"Digest ".to_vec();
        self.push_user(&mut value, algorithm.hash);
        quote(&mut value, ", realm", realm);
        quote(&mut value, ", nonce", nonce);
        quote(&mut value, ", uri", self.uri.as_bytes());
        quote(&mut value, ", response", self.response(&count).as_bytes());
        if let Some(opaque) = opaque {
            quote(&mut value, ", opaque", opaque);
        }
        if let Some(name) = algorithm_name {
            plain(&mut value, ", algorithm", name);
        }
        if let Some(qop) = protection.name() {
            plain(&mut value, ", qop", qop);
            plain(&mut value, ", nc", &count);
        }
        if protection.name().is_some() || algorithm.session {
            quote(&mut value, ", cnonce", self.cnonce.as_bytes());
        }
        if *userhash {
            plain(&mut value, ", userhash", "true");
        }
        value
    }

    fn response(&self, count: &str) -> String {
        let Offer { realm, nonce, algorithm, protection, .. } = self.offer;
        let (hash, cnonce) = (algorithm.hash, self.cnonce.as_bytes());
        let mut key = hash.of(&[self.user.as_bytes(), realm, self.password.as_bytes()]);
        if algorithm.session {
            key = hash.of(&[key.as_bytes(), nonce, cnonce]);
        }
        let (method, uri) = (self.method.as_bytes(), self.uri.as_bytes());
        let request = match protection {
            Protection::Body => hash.of(&[method, uri, self.body.as_bytes()]),
            Protection::Auth | Protection::Old => hash.of(&[method, uri]),
        };
        let (key, request) = (key.as_bytes(), request.as_bytes());
        match protection.name() {
            Some(qop) => hash.of(&[key, nonce, count.as_bytes(), cnonce, qop.as_bytes(), request]),
            None => hash.of(&[key, nonce, request]),
        }
    }

    fn push_user(&self, value: &mut Vec<u8>, hash: Hash) {
        if self.offer.userhash {
            let hashed = hash.of(&[self.user.as_bytes(), &self.offer.realm]);
            quote(value, "username", hashed.as_bytes());
        } else if self.offer.utf8 && !self.user.bytes().all(|b| matches!(b, b' '..=b'~')) {
            // RFC 8187: what a quoted text cannot say.
            value.extend_from_slice(b"username*=UTF-8''");
            for byte in self.user.bytes() {
                if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                    value.push(byte);
                } else {
                    value.extend_from_slice(format!("%{byte:02X}").as_bytes());
                }
            }
        } else {
            quote(value, "username", self.user.as_bytes());
        }
    }
}

fn quote(value: &mut Vec<u8>, name: &str, text: &[u8]) {
    value.extend_from_slice(name.as_bytes());
    value.extend_from_slice(b"=\"");
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            value.push(b'\\');
        }
        value.push(*byte);
    }
    value.push(b'"');
}

/// For `algorithm`, `qop`, `nc` and `userhash`, which are not quoted.
fn plain(value: &mut Vec<u8>, name: &str, word: &str) {
    value.extend_from_slice(name.as_bytes());
    value.push(b'=');
    value.extend_from_slice(word.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Challenge;

    struct Case<'a> {
        challenge: &'a str,
        user: &'static str,
        password: &'static str,
        method: &'static str,
        uri: &'static str,
        body: &'static [u8],
        cnonce: &'static str,
    }

    const MUFASA: Case<'_> = Case {
        challenge: "",
        user: "Mufasa",
        password: "Circle of Life",
        method: "GET",
        uri: "/dir/index.html",
        body: b"",
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    };

    fn answer(case: &Case<'_>) -> String {
        let offer = Challenge::parse(case.challenge.replace('\n', "")).iter().find_map(Offer::of).unwrap();
        let value = Answer {
            offer: &offer,
            user: case.user,
            password: case.password,
            method: case.method,
            uri: case.uri,
            body: &offer.algorithm.hash.of(&[case.body]),
            count: 1,
            cnonce: case.cnonce,
        };
        String::from_utf8(value.value()).unwrap()
    }

    fn param(answer: &str, name: &str) -> String {
        let value = Challenge::parse(answer)[0].param(name).unwrap().to_vec();
        String::from_utf8(value).unwrap()
    }

    /// The examples of RFC 7616 §3.9.1.
    #[test]
    fn t_9_the_examples_of_rfc_7616() {
        let offer = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=ALG,
            nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let (md5, sha) = (offer.replace("ALG", "MD5"), offer.replace("ALG", "SHA-256"));
        let case = Case { challenge: &md5, ..MUFASA };
        let found = answer(&case);
        assert_eq!(param(&found, "response"), "8ca523f5e9506fed4657c9700eebdbec");
        for part in
            ["username=\"Mufasa\"", "algorithm=MD5,", "qop=auth,", "nc=00000001,", "uri=\"/dir/index.html\""]
        {
            assert!(found.contains(part), "{found}");
        }
        let case = Case { challenge: &sha, ..MUFASA };
        let found = answer(&case);
        assert_eq!(
            param(&found, "response"),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    /// RFC 7616 §3.9.2, with the values of its erratum 4897: the hash there was computed with another function.
    #[test]
    fn t_11_a_user_is_hashed_where_the_server_wants_that() {
        let found = answer(&Case {
            challenge: r#"Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, charset=UTF-8, userhash=true,
                nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS""#,
            user: "Jäsøn Doe",
            password: "Secret, or not?",
            uri: "/doe.json",
            cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            ..MUFASA
        });
        assert_eq!(
            param(&found, "username"),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        );
        assert_eq!(
            param(&found, "response"),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
        );
        assert!(found.ends_with(", userhash=true"), "{found}");
    }

    /// RFC 2617 §3.5, and the same by the rules of RFC 2069, whose own example has a wrong hash (its erratum 749).
    #[test]
    fn t_9_the_example_of_rfc_2617_and_its_form_without_qop() {
        let case = Case {
            challenge: r#"Digest realm="testrealm@host.com", qop="auth,auth-int",
                nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
            password: "Circle Of Life",
            cnonce: "0a4f113b",
            ..MUFASA
        };
        assert_eq!(param(&answer(&case), "response"), "6629fae49393a05397450978507c4ef1");
        let old = Case {
            challenge: r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#,
            password: "CircleOfLife",
            ..case
        };
        let found = answer(&old);
        assert_eq!(param(&found, "response"), "1949323746fe6a43ef61f9606e7febea");
        for absent in ["cnonce", "nc=", "qop", "algorithm", "opaque"] {
            assert!(!found.contains(absent), "{found}");
        }
    }

    /// The figures are those that a server in use computed.
    #[test]
    fn t_9_the_body_is_a_part_of_auth_int() {
        let found = answer(&Case {
            challenge: r#"Digest realm="me@kennethreitz.com", nonce="7a5462bc2121c2e609e6f71c64d341c1", qop="auth-int",
                opaque="5498295c3383fbb467b160f1143e51d4", algorithm=MD5"#,
            user: "foo",
            password: "bar",
            uri: "/digest-auth/auth-int/foo/bar",
            cnonce: "MjhjOWI2ZDRmNmVkNjlmYzRmMTdjZjAxYmU4ZTNkM2U=",
            ..MUFASA
        });
        assert_eq!(param(&found, "response"), "a86955ec413135f7902c0bae37d75469");
    }

    #[test]
    fn inj_4_what_the_server_chose_stays_inside_its_quotes() {
        for challenge in [
            r#"Digest realm="a\\", nonce="n\", uri=\"/evil", opaque="\"""#,
            r#"Digest realm="a\\", nonce="n\", uri=\"/evil", opaque="\""#,
            r#"Digest realm="\"\"\\\"", nonce="\\\\\\", opaque="""#,
        ] {
            let found = answer(&Case { challenge, ..MUFASA });
            assert!(!found.contains(['\r', '\n']));
            let (asked, said) = (Challenge::parse(challenge), Challenge::parse(&found));
            assert_eq!(said.len(), 1, "{found}");
            for name in ["realm", "nonce", "opaque"] {
                assert_eq!(asked[0].param(name), said[0].param(name), "{found}");
            }
            assert_eq!(said[0].param("uri"), Some(&b"/dir/index.html"[..]));
            let names: Vec<&str> = said[0].params().map(|(name, _)| name).collect();
            assert_eq!(names, ["username", "realm", "nonce", "uri", "response", "opaque"]);
        }
    }

    #[test]
    fn t_11_a_user_that_is_not_ascii_is_sent_as_the_server_can_read_it() {
        let case = |challenge: &'static str| Case { challenge, user: "Jäsøn \"Doe\"", ..MUFASA };
        let found = answer(&case("Digest realm=x, nonce=n, charset=UTF-8"));
        assert!(found.contains("username*=UTF-8''J%C3%A4s%C3%B8n%20%22Doe%22,"), "{found}");
        let found = answer(&case("Digest realm=x, nonce=n"));
        assert!(found.contains(r#"username="Jäsøn \"Doe\"","#), "{found}");
    }
}
