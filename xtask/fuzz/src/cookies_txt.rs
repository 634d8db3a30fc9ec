use crate::cookies::{read_again, told};
use crate::input::{fixed, start};
use session::Cookie;
use std::net::IpAddr;

/// Whatever stands in a `cookies.txt`: it is read whole or not at all; every line is stored, expired or refused; no domain
/// appears that the file does not name; and what was read is the same after it is written and read again.
pub fn cookies_txt(data: &[u8]) {
    let now = start();
    let jar = told(now);
    let Ok(loaded) = jar.read_netscape(data) else {
        return assert!(jar.is_empty(), "a file that is refused has no effect");
    };
    let records = loaded.stored() + loaded.expired() + loaded.refused().len();
    assert!(records <= data.split(|byte| *byte == b'\n').count() && jar.len() <= loaded.stored());
    // International names have another form in the jar than in the file.
    let plain = data.is_ascii() && !data.contains(&b'%');
    let text = String::from_utf8_lossy(data).to_ascii_lowercase();
    for cookie in &jar {
        let domain = domain(&cookie);
        let is_address = domain.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        assert!(!plain || is_address || text.contains(&domain), "{domain} is not in the file");
    }
    let urls: Vec<_> =
        jar.iter().filter_map(|cookie| format!("https://{}/", domain(&cookie)).parse().ok()).collect();
    read_again(&jar, &urls, now);
    if !text.contains("unrelated") && plain {
        assert_eq!(jar.header_for(&fixed("https://unrelated.example/"), now), None);
    }
}

fn domain(cookie: &Cookie<'_>) -> String {
    cookie.domain().unwrap_or_default().to_owned()
}
