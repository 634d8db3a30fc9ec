//! When to parse a head of which not all is here, and where it ends, looking at each byte once however the bytes
//! arrive.

/// How far an unfinished head has been searched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// No line that ends before this offset is followed by an empty one.
    at: usize,
    /// A line end has been seen.
    line: bool,
    /// From this length on the parser is to be asked again.
    again: usize,
}

impl Scan {
    /// Whether to ask the parser, which finds errors, about these bytes. Mostly the head is here at once, and parsing
    /// finds its end faster than scanning, so it is asked first of all; then about the first line, each time that
    /// the head has doubled, and when it has ended. So what is not HTTP is told soon even if the peer then falls
    /// silent, and the work remains in proportion to the bytes.
    pub(crate) fn is_due(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() >= self.again {
            return !bytes.is_empty();
        }
        let line = self.line;
        self.find_end(bytes).is_some() || self.line != line
    }

    /// The parser has seen these bytes and wants more.
    pub(crate) fn in_vain(&mut self, bytes: &[u8]) {
        self.again = bytes.len().saturating_mul(2);
        self.find_end(bytes);
    }

    /// Where the first empty line of `bytes` ends. The bytes must begin with those of the call before.
    pub(crate) fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let lf = self.at
                + bytes.get(self.at..)?.iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - self.at);
            self.at = lf;
            self.line |= lf < bytes.len();
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

    #[test]
    fn cpu_5_a_head_in_single_bytes_is_looked_at_in_proportion_to_its_length() {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        while head.len() < 64 * 1024 {
            head.extend_from_slice(b"X-Field: value\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let mut scan = Scan::default();
        let (mut parsed, mut searched) = (0, 0);
        for n in 1..=head.len() {
            let from = scan.at;
            if scan.is_due(&head[..n]) {
                parsed += n;
                scan.in_vain(&head[..n]);
            }
            // From the last line end on, it is looked at again.
            searched += n - from;
        }
        assert!(parsed <= 4 * head.len(), "{parsed} bytes were parsed");
        assert!(searched <= 20 * head.len(), "{searched} bytes were searched");
    }
}
