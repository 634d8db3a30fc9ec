//! Finds the empty line that ends a head, looking at each byte once however the bytes arrive.

/// How far an unfinished head has been searched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// No line that ends before this offset is followed by an empty one.
    at: usize,
    /// The parser has seen a beginning of this head and wants the rest.
    pub(crate) tried: bool,
}

impl Scan {
    /// Where the first empty line of `bytes` ends. The bytes must begin with those of the call before.
    pub(crate) fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let lf = self.at
                + bytes.get(self.at..)?.iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - self.at);
            self.at = lf;
            match bytes.get(lf + 1..)? {
                [b'\n', ..] => return Some(lf + 2),
                [b'\r', b'\n', ..] => return Some(lf + 3),
                [] | [b'\r'] => return None,
                _ => self.at = lf + 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_same_end_however_the_head_arrives() {
        for (bytes, end) in [
            (&b"a\r\nb\r\n\r\nrest"[..], Some(8)),
            (b"a\nb\n\nrest", Some(5)),
            (b"a\r\nb\n\r\n", Some(7)),
            (b"a\r\n\rb\r\n\n", Some(8)),
            (b"a\r\n \r\n\r\n", Some(8)),
            (b"a\r\nb\r\n\r", None),
            (b"", None),
        ] {
            assert_eq!(Scan::default().find_end(bytes), end);
            let mut scan = Scan::default();
            let dribbled = (0..=bytes.len()).find_map(|n| scan.find_end(&bytes[..n]));
            assert_eq!(dribbled, end, "{:?}", bytes.escape_ascii().to_string());
        }
    }
}
