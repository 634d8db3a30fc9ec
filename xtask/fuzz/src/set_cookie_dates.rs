use crate::input::{fixed, start};
use session::CookieJar;
use std::time::{Duration, SystemTime};

/// The date of a cookie is what RFC 6265bis §5.1.1 makes of it, to the second; where that is nothing, the cookie has none.
pub fn set_cookie_dates(data: &[u8]) {
    let value = data.split(|b| *b == b';').next().unwrap_or_default();
    if value.len() > 1024 || value.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        return;
    }
    let (url, field) = (fixed("http://a.example/"), [b"a=b; expires=", value].concat());
    let expected = reference(value);
    // A second before its end the cookie is there and ends then; at its end it is gone.
    let now = expected.map_or_else(start, |end| end - Duration::from_secs(1));
    let jar = CookieJar::new();
    jar.store_response(&url, [&*field], now);
    let found: Vec<_> = jar.iter().map(|cookie| cookie.expires_datetime().map(SystemTime::from)).collect();
    assert_eq!(found, [expected], "{}", value.escape_ascii());
    if let Some(end) = expected {
        jar.store_response(&url, [&*field], end);
        assert!(jar.is_empty(), "it ends when it ends");
    }
}

/// The algorithm once more, a production after the other, on text.
fn reference(value: &[u8]) -> Option<SystemTime> {
    // One character for each octet.
    let text: String = value.iter().map(|octet| char::from(*octet)).collect();
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && clock(token).is_some() {
            time = clock(token);
        } else if day.is_none() && number(token, 1, 2).is_some() {
            day = number(token, 1, 2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() && number(token, 2, 4).is_some() {
            year = number(token, 2, 4);
        }
    }
    let ((hour, minute, second), day, month, mut year) = (time?, day?, month?, year?);
    match year {
        70..=99 => year += 1900,
        0..=69 => year += 2000,
        _ => {}
    }
    let valid = (1..=31).contains(&day) && year >= 1601 && hour <= 23 && minute <= 59 && second <= 59;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(month)?;
    if !valid || day > length {
        return None;
    }
    let years: i64 = (1..year).map(|y| 365 + i64::from(y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))).sum();
    let days = years + lengths.iter().take(month).sum::<i64>() + day - 1;
    // Day 0 is 0001-01-01, which is so many days before 1970.
    let seconds = (days - 719_162) * 86_400 + hour * 3600 + minute * 60 + second;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    if seconds < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
}

fn is_delimiter(c: char) -> bool {
    let code = u32::from(c);
    code == 9
        || (32..=47).contains(&code)
        || (59..=64).contains(&code)
        || (91..=96).contains(&code)
        || (123..=126).contains(&code)
}

/// `least*mostDIGIT [ non-digit *OCTET ]`.
fn number(token: &str, least: usize, most: usize) -> Option<i64> {
    let digits: String = token.chars().take_while(char::is_ascii_digit).collect();
    ((least..=most).contains(&digits.len())).then(|| digits.parse().ok())?
}

/// `hms-time [ non-digit *OCTET ]`.
fn clock(token: &str) -> Option<(i64, i64, i64)> {
    let (hour, rest) = token.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let whole = |field: &str| field.chars().all(|c| c.is_ascii_digit());
    if !whole(hour) || !whole(minute) {
        return None;
    }
    Some((number(hour, 1, 2)?, number(minute, 1, 2)?, number(rest, 1, 2)?))
}

fn month_of(token: &str) -> Option<usize> {
    let start = token.get(..3)?.to_ascii_lowercase();
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        .iter()
        .position(|m| *m == start)
}
