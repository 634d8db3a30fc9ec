/// The members of `Connection` (RFC 9110 section 7.6.1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) keep_alive: bool,
    pub(super) close: bool,
    pub(super) upgrade: bool,
    pub(super) te: bool,
}

impl Options {
    /// The value of the field that says all of them.
    pub(super) fn value(self) -> &'static str {
        match (self.close, self.keep_alive, self.upgrade, self.te) {
            (true, _, true, true) => "close, upgrade, TE",
            (true, _, true, false) => "close, upgrade",
            (true, _, false, true) => "close, TE",
            (true, _, false, false) => "close",
            (false, true, true, true) => "keep-alive, upgrade, TE",
            (false, true, true, false) => "keep-alive, upgrade",
            (false, true, false, true) => "keep-alive, TE",
            (false, false, true, true) => "upgrade, TE",
            (false, false, true, false) => "upgrade",
            (false, false, false, true) => "TE",
            (false, _, false, false) => "keep-alive",
        }
    }
}
