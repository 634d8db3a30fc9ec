//! The character classes of RFC 9110 section 5.6 and of the request target (RFC 9112 section 3.2).

/// `tchar` of RFC 9110 section 5.6.2.
static TOKEN: [bool; 256] =
    class(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/// A method or field name: at least one character, nothing but `tchar`.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().fold(true, |ok, &b| ok & has(&TOKEN, b))
}

/// What ends a host for one reader or another, or separates it from the next.
static NO_HOST: [bool; 256] = class(b" \t/?#@,\\");

// The loops below look at every byte even after a wrong one: without an early exit the compiler can look at many
// at a time, and nearly all text is right.

/// A field value: visible characters, octets from 0x80, and SP or HTAB between them (RFC 9110 section 5.5).
pub(crate) fn is_field_value(bytes: &[u8]) -> bool {
    let outer_blank = bytes.first().is_some_and(|&b| is_ows(b)) || bytes.last().is_some_and(|&b| is_ows(b));
    !outer_blank && bytes.iter().fold(true, |ok, &b| ok & ((b == b'\t') | ((b >= b' ') & (b != 0x7f))))
}

/// Optional white space: SP or HTAB.
pub(crate) fn is_ows(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

/// `bytes` without optional white space at either end.
pub(crate) fn trim_ows(bytes: &[u8]) -> &[u8] {
    trim_ows_end(trim_ows_start(bytes))
}

/// `bytes` without optional white space at the start.
pub(crate) fn trim_ows_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_ows(*first)
    {
        bytes = rest;
    }
    bytes
}

/// `bytes` without optional white space at the end.
pub(crate) fn trim_ows_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_ows(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The members of a comma-separated list, without the empty ones a recipient has to ignore (RFC 9110 section
/// 5.6.1).
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(trim_ows).filter(|member| !member.is_empty())
}

/// A non-negative decimal number, digit by digit: a general number parser would accept a sign.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    // So many digits cannot overflow, and nearly all numbers have no more.
    if bytes.len() <= 18 {
        let (n, ok) = bytes.iter().fold((0u64, true), |(n, ok), &b| {
            let digit = b.wrapping_sub(b'0');
            (n.wrapping_mul(10).wrapping_add(u64::from(digit)), ok & (digit < 10))
        });
        return ok.then_some(n);
    }
    bytes.iter().try_fold(0u64, |n, &b| {
        let digit = b.checked_sub(b'0').filter(|d| *d < 10)?;
        n.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Whether `target` can stand in the request line of a request with this method: one of the four forms of
/// RFC 9112 section 3.2, in visible ASCII, without a fragment and without user information.
pub(crate) fn is_target(method: &http::Method, target: &str) -> bool {
    let bytes = target.as_bytes();
    if bytes.is_empty() || !bytes.iter().fold(true, |ok, &b| ok & b.is_ascii_graphic() & (b != b'#')) {
        return false;
    }
    if *method == http::Method::CONNECT {
        return is_authority(target);
    }
    match bytes {
        [b'/', ..] => true,
        [b'*'] => *method == http::Method::OPTIONS,
        _ => is_absolute(target),
    }
}

/// `host ":" port`, without user information (RFC 9112 section 3.2.3).
fn is_authority(target: &str) -> bool {
    let Some((host, port)) = target.rsplit_once(':') else { return false };
    let host_ok = match host.strip_prefix('[') {
        Some(literal) => {
            literal.strip_suffix(']').is_some_and(|inner| !inner.is_empty() && !inner.contains(['[', ']']))
        }
        None => !host.is_empty() && !host.contains([':', '[', ']']),
    };
    host_ok && !host.contains(['/', '?', '@', '\\']) && decimal(port.as_bytes()).is_some_and(|p| p <= 65_535)
}

/// `scheme "://" authority ...` (RFC 9112 section 3.2.2). User information must not be sent (RFC 9110 section
/// 4.2.4); a backslash, which some read as a slash, could hide it.
fn is_absolute(target: &str) -> bool {
    let Some((scheme, rest)) = target.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let mut scheme = scheme.bytes();
    scheme.next().is_some_and(|b| b.is_ascii_alphabetic())
        && scheme.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !authority.is_empty()
        && !authority.contains(['@', '\\'])
}

/// Whether this field value can be that of `Host` (RFC 9110 section 7.2): nothing in it that another reader could
/// take for the end of the host, or for a second one. It may be empty.
pub(crate) fn is_host(value: &[u8]) -> bool {
    value.iter().fold(true, |ok, &b| ok & !has(&NO_HOST, b))
}

const fn class(members: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut i = 0;
    while i < members.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler; a wrong index would not build"
        )]
        {
            table[members[i] as usize] = true;
        }
        i += 1;
    }
    table
}

#[expect(clippy::indexing_slicing, reason = "a byte always indexes a table of 256")]
fn has(table: &[bool; 256], b: u8) -> bool {
    table[usize::from(b)]
}
