//! A server that checks proofs.

use crate::support::{answer, value};
use md5::Md5;
use pool::sim::{Received, Reply};
use session::Challenge;
use sha2::digest::Digest as _;
use sha2::{Sha256, Sha512_256};
use std::collections::{HashMap, HashSet};

/// What a server asks for, and what it has seen.
pub(super) struct Server {
    realm: &'static str,
    /// The parameters of the challenge beside realm and nonce.
    offer: &'static str,
    password: &'static str,
    /// A nonce is good for so many requests.
    pub(super) uses: u32,
    /// A nonce that is used up is said to be stale.
    pub(super) says_stale: bool,
    made: u32,
    /// The uses of each nonce.
    pub(super) nonces: HashMap<String, HashSet<u32>>,
}

impl Server {
    pub(super) fn new(offer: &'static str) -> Self {
        let (made, nonces) = (0, HashMap::new());
        Self { realm: "r \"q\" \\", offer, password: "p:w", uses: u32::MAX, says_stale: true, made, nonces }
    }

    pub(super) fn respond(&mut self, received: &Received) -> Reply {
        let refused = match self.check(received) {
            Ok(()) => return Reply::ok("in"),
            Err(stale) => stale,
        };
        self.made += 1;
        let nonce = format!("n{}", self.made);
        self.nonces.insert(nonce.clone(), HashSet::new());
        let realm = self.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let stale = if refused && self.says_stale { ", stale=true" } else { "" };
        let offer = self.offer;
        let field = format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\"{stale}{offer}");
        answer("401 No", &[&field, "Set-Cookie: seen=1"], "who are you")
    }

    /// `Err`: refused; `true` where only the nonce is the reason.
    fn check(&mut self, received: &Received) -> Result<(), bool> {
        let field = value(received, "authorization");
        let said = Challenge::parse(&field).into_iter().find(|said| said.is("Digest")).ok_or(false)?;
        let param = |name: &str| said.param(name).map(|v| String::from_utf8(v.to_vec()).unwrap());
        let get = |name: &str| param(name).unwrap_or_default();
        assert_eq!((get("realm"), get("uri")), (self.realm.to_owned(), received.target().to_owned()));
        for plain in ["algorithm", "qop", "nc"] {
            assert!(!field.contains(&format!("{plain}=\"")), "{field}");
        }
        let algorithm = get("algorithm").to_ascii_uppercase();
        let hash = |text: String| match algorithm.trim_end_matches("-SESS") {
            "SHA-256" => hex(&Sha256::digest(text)),
            "SHA-512-256" => hex(&Sha512_256::digest(text)),
            _ => hex(&Md5::digest(text)),
        };
        let (nonce, cnonce, nc, qop) = (get("nonce"), get("cnonce"), get("nc"), get("qop"));
        let mut key = hash(format!("user:{}:{}", self.realm, self.password));
        if algorithm.ends_with("-SESS") {
            key = hash(format!("{key}:{nonce}:{cnonce}"));
        }
        let mut of = format!("{}:{}", received.method(), received.target());
        if qop == "auth-int" {
            of = format!("{of}:{}", hash(String::from_utf8(received.body().to_vec()).unwrap()));
        }
        let of = hash(of);
        let expected = match param("qop") {
            Some(_) => hash(format!("{key}:{nonce}:{nc}:{cnonce}:{qop}:{of}")),
            None => hash(format!("{key}:{nonce}:{of}")),
        };
        let user =
            if get("userhash") == "true" { hash(format!("user:{}", self.realm)) } else { "user".into() };
        if get("response") != expected || get("username") != user {
            return Err(false);
        }
        let used = self.nonces.get_mut(&nonce).ok_or(true)?;
        let new = param("nc").is_none_or(|nc| used.insert(u32::from_str_radix(&nc, 16).unwrap()));
        assert!(new, "nc {nc} of {nonce} comes twice");
        if used.len() > self.uses as usize { Err(true) } else { Ok(()) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
