use crate::input::{fixed, is_within, lines, start, url};
use session::{Cookie, CookieJar, Url};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Whatever servers say in `Set-Cookie`: the jar keeps its limits; the `Cookie` field falls into the very pairs that were
/// stored; none of them goes to a host that is not within the domain of the server that set it, none that is secure goes
/// out over `http`; and a jar that is written as JSON or as `cookies.txt` and read again sends the same.
///
/// A line is a URL, or a `Set-Cookie` value of an answer from the URL above it, or above that `http://a.example/`.
pub fn cookies(data: &[u8]) {
    let (jar, mut now) = (CookieJar::new(), start());
    let mut from = fixed("http://a.example/");
    let (mut setters, mut values) = (Vec::new(), Vec::new());
    for line in lines(data) {
        if let Some(next) = url(line) {
            store(&jar, &from, &mut values, &mut now);
            setters.push(std::mem::replace(&mut from, next));
        } else {
            values.push(line);
        }
    }
    store(&jar, &from, &mut values, &mut now);
    setters.push(from);
    within_limits(&jar, now);
    let known: Vec<Cookie<'_>> = jar.iter().collect();
    for cookie in &known {
        let domain = cookie.domain().unwrap_or_default();
        let set = setters.iter().any(|url| is_within(host(url), domain));
        assert!(set, "nobody within {domain} has said anything");
        let public = ["com", "co.uk", "uk", "example", "github.io"].contains(&domain);
        assert!(!public || setters.iter().any(|url| host(url) == domain), "{domain} is a public suffix");
    }
    let others =
        ["https://a.example/", "http://www.a.example/x/y", "https://other.example/", "http://example/"];
    setters.extend(others.map(fixed));
    for url in &setters {
        sent(&jar, url, now);
    }
    read_again(&jar, &setters, now);
}

fn store(jar: &CookieJar, from: &Url, values: &mut Vec<&[u8]>, now: &mut SystemTime) {
    *now += Duration::from_secs(1);
    let before = jar.len();
    jar.store_response(from, values.iter().copied(), *now);
    assert!(jar.len() <= before + values.len().min(50), "fifty of an answer count");
    values.clear();
}

fn within_limits(jar: &CookieJar, now: SystemTime) {
    assert!(jar.len() <= 3000, "{} cookies", jar.len());
    let mut domains: BTreeMap<String, usize> = BTreeMap::new();
    for cookie in jar {
        // What is not UTF-8 is shown by longer text.
        let octets =
            |text: &str| text.chars().map(|c| if c == '\u{fffd}' { 1 } else { c.len_utf8() }).sum::<usize>();
        assert!(octets(cookie.name()) + octets(cookie.value()) <= 4096, "a long cookie");
        *domains.entry(cookie.domain().unwrap_or_default().to_owned()).or_default() += 1;
        if let Some(end) = cookie.expires_datetime().map(SystemTime::from) {
            assert!(end <= now + Duration::from_secs(400 * 24 * 3600), "it ends too late");
        }
    }
    assert!(domains.values().all(|count| *count <= 180), "{domains:?}");
}

/// What a request to `url` carries is what the jar has for it.
fn sent(jar: &CookieJar, url: &Url, now: SystemTime) {
    let pairs: Vec<String> = jar.matching(url, now).iter().map(|cookie| allowed(cookie, url)).collect();
    let Some(field) = jar.header_for(url, now) else {
        return assert!(pairs.is_empty(), "{pairs:?} are not sent");
    };
    assert!(field.len() + "Cookie: ".len() <= 8190 && pairs.len() <= 150, "a long field");
    assert!(!field.iter().any(|b| b.is_ascii_control() && *b != b'\t'), "{}", field.escape_ascii());
    let found: Vec<String> = field
        .split(|b| *b == b';')
        .map(|pair| String::from_utf8_lossy(pair).trim_matches([' ', '\t']).to_owned())
        .collect();
    assert_eq!(found, pairs);
    assert_eq!(jar.header_for(url, now).as_deref(), Some(&*field), "asked again");
}

/// The pair as it is sent, if this cookie may be sent there.
fn allowed(cookie: &Cookie<'_>, url: &Url) -> String {
    let (name, value, domain) = (cookie.name(), cookie.value(), cookie.domain().unwrap_or_default());
    assert!(is_within(host(url), domain), "a cookie of {domain} for {url}");
    assert!(cookie.secure() != Some(true) || url.scheme() == "https", "a secure cookie for {url}");
    assert!(!name.contains([';', '=']) && !value.contains(';'), "{name:?} {value:?}");
    let path = cookie.path().unwrap_or_default();
    assert!(path.contains('\u{fffd}') || url.path().starts_with(path), "{path} for {url}");
    if name.is_empty() { value.to_owned() } else { format!("{name}={value}") }
}

/// Written and read, it is the same jar; so is its copy.
pub(crate) fn read_again(jar: &CookieJar, urls: &[Url], now: SystemTime) {
    let (mut json, mut text) = (Vec::new(), Vec::new());
    assert!(jar.write_json(&mut json).is_ok());
    let from_json = told(now);
    let loaded = from_json.read_json(&*json);
    assert!(loaded.is_ok_and(|loaded| loaded.stored() == jar.len()), "not all of {}", json.escape_ascii());
    same(jar, &from_json, urls, now);
    same(jar, &jar.copy(), urls, now);
    let saved = jar.write_netscape(&mut text);
    let (written, left_out) = saved.map_or((0, 0), |saved| (saved.written(), saved.left_out().len()));
    assert_eq!(written + left_out, jar.len());
    let from_text = told(now);
    let loaded = from_text.read_netscape(&*text);
    assert!(loaded.is_ok_and(|loaded| loaded.stored() == written), "not all of {}", text.escape_ascii());
    if left_out == 0 {
        same(jar, &from_text, urls, now);
    } else {
        assert!(json.windows(2).any(|two| two == br"\t") || json.windows(8).any(|key| key == b"\"base64\""));
    }
}

/// An empty jar that knows the time.
pub(crate) fn told(now: SystemTime) -> CookieJar {
    let jar = CookieJar::new();
    jar.clear_expired(now);
    jar
}

fn same(jar: &CookieJar, other: &CookieJar, urls: &[Url], now: SystemTime) {
    let written = |jar: &CookieJar| {
        let mut json = Vec::new();
        assert!(jar.write_json(&mut json).is_ok());
        String::from_utf8_lossy(&json).into_owned()
    };
    assert_eq!(written(jar), written(other));
    // Which cookies do not fit into a long field depends on when they were used, which is not written.
    for url in urls.iter().filter(|url| fits(jar, url, now)) {
        assert_eq!(other.header_for(url, now), jar.header_for(url, now), "{url}");
    }
}

/// Whether all cookies for `url` go out at once.
fn fits(jar: &CookieJar, url: &Url, now: SystemTime) -> bool {
    let sent = jar.matching(url, now);
    let octets: usize = sent.iter().map(|cookie| cookie.name().len() + cookie.value().len() + 3).sum();
    octets < 4096 && sent.len() < 150
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}
