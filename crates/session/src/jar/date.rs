//! The date of an `Expires` attribute: RFC 6265bis §5.1.1.
//!
//! The grammar is a list of tokens in any order, so no general date parser reads it. Each octet is looked at
//! a fixed number of times and nothing is allocated: hostile dates cost what honest ones cost.

use std::time::{Duration, SystemTime};

use time::{Date, Month};

/// Reads a cookie date; `None` if it is not one, in which case the attribute is ignored.
pub(super) fn parse(value: &[u8]) -> Option<SystemTime> {
    let mut found = Found::default();
    for token in value.split(|&octet| is_delimiter(octet)).filter(|token| !token.is_empty()) {
        found.take(token);
    }
    found.date()
}

/// A Unix time as the clock's type; `None` if the platform cannot express it.
pub(super) fn from_unix(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds >= 0 {
        true => SystemTime::UNIX_EPOCH.checked_add(distance),
        false => SystemTime::UNIX_EPOCH.checked_sub(distance),
    }
}

/// The four parts of a date, each set by the first token that fits it.
#[derive(Default)]
struct Found {
    time: Option<(u8, u8, u8)>,
    day: Option<u8>,
    month: Option<Month>,
    year: Option<i32>,
}

impl Found {
    /// §5.1.1 step 2: a token is tried as time, day, month and year, in this order, for what is still missing.
    fn take(&mut self, token: &[u8]) {
        if self.time.is_none()
            && let Some(time) = hms(token)
        {
            self.time = Some(time);
        } else if self.day.is_none()
            && let Some((day, rest)) = digits(token, 2)
            && ends(rest)
        {
            self.day = u8::try_from(day).ok();
        } else if self.month.is_none()
            && let Some(month) = month(token)
        {
            self.month = Some(month);
        } else if self.year.is_none()
            && let Some((year, rest)) = digits(token, 4)
            && year_is_long_enough(token)
            && ends(rest)
        {
            self.year = Some(i32::from(year));
        }
    }

    /// §5.1.1 steps 3 to 7: the century, the ranges, and whether such a day exists.
    fn date(self) -> Option<SystemTime> {
        let year = match self.year? {
            year @ 70..=99 => year + 1900,
            year @ 0..=69 => year + 2000,
            year => year,
        };
        let (hour, minute, second) = self.time?;
        if year < 1601 {
            return None;
        }
        let date = Date::from_calendar_date(year, self.month?, self.day?).ok()?;
        from_unix(date.with_hms(hour, minute, second).ok()?.assume_utc().unix_timestamp())
    }
}

fn is_delimiter(octet: u8) -> bool {
    matches!(octet, 0x09 | 0x20..=0x2F | 0x3B..=0x40 | 0x5B..=0x60 | 0x7B..=0x7E)
}

/// `hms-time [ non-digit *OCTET ]`.
fn hms(token: &[u8]) -> Option<(u8, u8, u8)> {
    let (hour, rest) = digits(token, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let field = |number: u16| u8::try_from(number).ok();
    if ends(rest) { Some((field(hour)?, field(minute)?, field(second)?)) } else { None }
}

/// Between one and `most` (at most 4) leading digits, and what follows them.
fn digits(token: &[u8], most: usize) -> Option<(u16, &[u8])> {
    let count = token.iter().take(most).take_while(|octet| octet.is_ascii_digit()).count();
    let (digits, rest) = token.split_at_checked(count)?;
    let number = digits.iter().fold(0, |number: u16, digit| number * 10 + u16::from(digit - b'0'));
    (count > 0).then_some((number, rest))
}

/// A number is over where no further digit follows; anything else may.
fn ends(rest: &[u8]) -> bool {
    !rest.first().is_some_and(u8::is_ascii_digit)
}

/// `year = 2*4DIGIT`: a single digit is not a year.
fn year_is_long_enough(token: &[u8]) -> bool {
    token.get(1).is_some_and(u8::is_ascii_digit)
}

/// The first three letters decide, so `Apri` and `januar` are months.
fn month(token: &[u8]) -> Option<Month> {
    const NAMES: [(&[u8], Month); 12] = [
        (b"jan", Month::January),
        (b"feb", Month::February),
        (b"mar", Month::March),
        (b"apr", Month::April),
        (b"may", Month::May),
        (b"jun", Month::June),
        (b"jul", Month::July),
        (b"aug", Month::August),
        (b"sep", Month::September),
        (b"oct", Month::October),
        (b"nov", Month::November),
        (b"dec", Month::December),
    ];
    let letters = token.get(..3)?;
    NAMES.iter().find(|(name, _)| letters.eq_ignore_ascii_case(name)).map(|(_, month)| *month)
}
