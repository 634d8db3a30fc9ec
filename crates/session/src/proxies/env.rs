//! Proxies from the environment: `http_proxy` and the like.

use super::{Choice, Key, Proxies, address};
use crate::url::redacted_text;
use pool::Scheme;
use std::env;
use std::ffi::OsString;

/// What the variables of this process say.
pub(super) fn read() -> Proxies {
    // Names as they are spelled, also where the system would take `http_proxy` and `HTTP_PROXY` for one.
    let wanted = |name: &str| name == "REQUEST_METHOD" || name.to_ascii_lowercase().ends_with("_proxy");
    let variables: Vec<(OsString, OsString)> =
        env::vars_os().filter(|(name, _)| name.to_str().is_some_and(wanted)).collect();
    of(|wanted| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()))
}

/// What variables say, whatever they are kept in.
///
/// The lower-case name goes before the upper-case one, and empty it takes the other's word away. A server passes a
/// header `Proxy:` to its CGI scripts as `HTTP_PROXY`; beside `REQUEST_METHOD` that name counts for nothing
/// (CVE-2016-5385). A value that names no proxy is kept, for those who would use it to be told.
pub(super) fn of(lookup: impl Fn(&str) -> Option<OsString>) -> Proxies {
    let is_cgi = lookup("REQUEST_METHOD").is_some();
    let variable = |lower: &'static str, upper: &'static str| {
        let found = match lookup(lower) {
            Some(value) => Some((lower, value)),
            None if is_cgi && upper == "HTTP_PROXY" => None,
            None => lookup(upper).map(|value| (upper, value)),
        };
        found.filter(|(_, value)| !value.to_string_lossy().trim().is_empty())
    };
    let mut proxies = Proxies::new();
    for (lower, upper, scheme) in [
        ("http_proxy", "HTTP_PROXY", Some(Scheme::Http)),
        ("https_proxy", "HTTPS_PROXY", Some(Scheme::Https)),
        ("all_proxy", "ALL_PROXY", None),
    ] {
        if let Some((name, value)) = variable(lower, upper) {
            let proxy = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned()).and_then(address::parse);
            let choice = match proxy {
                Ok(proxy) => Choice::Via(proxy),
                Err(why) => {
                    Choice::Malformed(format!("the environment variable {name} cannot be used: {why}").into())
                }
            };
            proxies.put(Key::scheme(scheme), choice);
        }
    }
    if let Some((name, value)) = variable("no_proxy", "NO_PROXY") {
        for unclear in proxies.except(&value.to_string_lossy()) {
            // One list serves many programs, and each has forms of its own.
            let shown = redacted_text(unclear);
            log::debug!("an entry of {name} is no host, address or network: {shown:?}");
        }
    }
    proxies
}

#[cfg(test)]
mod tests {
    use super::*;
    use pool::Origin;

    fn env(variables: &[(&str, &str)]) -> Proxies {
        of(|wanted| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.into()))
    }

    /// What is used for this origin: `direct`, the proxy, or what is wrong with it.
    fn via(proxies: &Proxies, origin: &str) -> String {
        match proxies.choose(&origin.parse::<Origin>().unwrap()) {
            None | Some(Choice::Direct) => "direct".to_owned(),
            Some(Choice::Via(proxy)) => proxy.host().to_owned(),
            Some(Choice::Malformed(why)) => why.to_string(),
        }
    }

    #[test]
    fn x_2_the_variable_of_the_scheme_counts_then_the_one_for_all_and_lower_case_before_upper() {
        for (variables, http, https) in [
            (&[][..], "direct", "direct"),
            (&[("http_proxy", "http://l"), ("HTTP_PROXY", "http://u")], "l", "direct"),
            (&[("HTTP_PROXY", "http://u"), ("HTTPS_PROXY", "s:3128")], "u", "s"),
            (&[("http_proxy", ""), ("HTTP_PROXY", "http://u")], "direct", "direct"),
            (&[("http_proxy", " "), ("all_proxy", "http://a")], "a", "a"),
            (&[("https_proxy", "http://s"), ("ALL_PROXY", "socks5h://a")], "a", "s"),
            (&[("all_proxy", ""), ("ALL_PROXY", "http://a")], "direct", "direct"),
            (&[("ftp_proxy", "http://f")], "direct", "direct"),
        ] {
            let proxies = env(variables);
            assert_eq!(via(&proxies, "http://x.example"), http, "{variables:?}");
            assert_eq!(via(&proxies, "https://x.example"), https, "{variables:?}");
        }
    }

    #[test]
    fn px_4_beside_request_method_the_upper_case_name_counts_for_nothing() {
        let cgi = ("REQUEST_METHOD", "GET");
        assert_eq!(via(&env(&[cgi, ("HTTP_PROXY", "http://127.0.0.1:8")]), "http://a"), "direct");
        assert_eq!(via(&env(&[("REQUEST_METHOD", ""), ("HTTP_PROXY", "http://p")]), "http://a"), "direct");
        assert_eq!(via(&env(&[cgi, ("http_proxy", "http://p")]), "http://a"), "p");
        assert_eq!(
            via(&env(&[cgi, ("HTTPS_PROXY", "http://p"), ("ALL_PROXY", "http://q")]), "https://a"),
            "p"
        );
    }

    #[test]
    fn px_5_no_proxy_takes_hosts_out_and_what_it_cannot_say_is_passed_over() {
        let list = "localhost,192.168.*,10.0.0.0/8,.example.test,[::1]";
        let proxies = env(&[("all_proxy", "http://p"), ("NO_PROXY", list)]);
        for (origin, expected) in [
            ("http://localhost:8080", "direct"),
            ("https://LOCALHOST.", "direct"),
            ("https://10.1.2.3", "direct"),
            ("http://[::1]", "direct"),
            ("https://a.example.test", "direct"),
            ("https://notexample.test", "p"),
            ("http://192.168.0.1", "p"),
        ] {
            assert_eq!(via(&proxies, origin), expected, "{origin}");
        }
        let proxies = env(&[
            ("HTTP_PROXY", "http://p"),
            ("HTTPS_PROXY", "socks5h://p"),
            ("NO_PROXY", "localhost,127.0.0.1,::1,.example.test,10.0.0.0/8"),
        ]);
        for scheme in ["http", "https"] {
            for host in ["localhost", "LOCALHOST.", "[::1]", "127.0.0.1", "a.example.test", "10.1.2.3"] {
                assert_eq!(via(&proxies, &format!("{scheme}://{host}")), "direct", "{host}");
            }
            for host in ["notexample.test", "example.test.evil", "110.0.0.1"] {
                assert_eq!(via(&proxies, &format!("{scheme}://{host}")), "p", "{host}");
            }
        }
        assert_eq!(via(&env(&[("http_proxy", "p"), ("NO_PROXY", "*")]), "http://a"), "direct");
        assert_eq!(via(&env(&[("http_proxy", "p"), ("no_proxy", ""), ("NO_PROXY", "*")]), "http://a"), "p");
    }

    #[test]
    fn pn_2_a_variable_that_names_no_proxy_is_an_error_where_it_would_be_used_and_shows_no_password() {
        for value in [
            "invalid:.////..///",
            "http://",
            "ftp://p",
            "socks4://p",
            "http://u:s3cret@p:99999",
            "http://p/x",
        ] {
            let proxies = env(&[("HTTPS_PROXY", value)]);
            let why = via(&proxies, "https://a");
            assert!(
                why.starts_with("the environment variable HTTPS_PROXY cannot be used: the proxy "),
                "{why}"
            );
            assert!(!why.contains("s3cret"), "{why}");
            assert_eq!(via(&proxies, "http://a"), "direct");
        }
        assert_eq!(via(&env(&[("HTTP_PROXY", "")]), "http://a"), "direct");
    }

    #[cfg(unix)]
    #[test]
    fn pn_2_a_variable_that_is_not_text_is_an_error_and_no_panic() {
        use std::os::unix::ffi::OsStringExt as _;
        let raw = || Some(OsString::from_vec(vec![0xff]));
        let proxies = of(|name| if name == "HTTP_PROXY" || name == "NO_PROXY" { raw() } else { None });
        assert!(via(&proxies, "http://a").ends_with("it is not UTF-8"));
    }
}
