//! Buffers that exchanges borrow while they have bytes in hand. Idle connections hold none.

use http_wire::{Inbox, Limits};

/// More spares than this are not kept. Exchanges need one while they have bytes in hand, so at most as many at once
/// as have something to read in one turn.
const KEPT: usize = 64;

/// A buffer that has grown beyond this is not kept.
const KEPT_SIZE: usize = 256 * 1024;

/// What one read of a body source or of a discarded body takes.
const SCRATCH: usize = 64 * 1024;

/// The buffers of one driver.
#[derive(Default)]
pub(crate) struct Spares {
    /// Each with the limits it was made for: pools that share a driver may have others.
    inboxes: Vec<(Inbox, Limits)>,
    outs: Vec<Vec<u8>>,
    scratch: Vec<u8>,
}

impl Spares {
    /// An empty inbox.
    pub(crate) fn inbox(&mut self, limits: &Limits) -> Inbox {
        match self.inboxes.pop() {
            Some((inbox, of)) if of == *limits => inbox,
            _ => Inbox::new(limits),
        }
    }

    pub(crate) fn return_inbox(&mut self, mut inbox: Inbox, limits: Limits) {
        if self.inboxes.len() < KEPT {
            inbox.clear();
            self.inboxes.push((inbox, limits));
        }
    }

    /// An empty output buffer.
    pub(crate) fn out(&mut self) -> Vec<u8> {
        self.outs.pop().unwrap_or_default()
    }

    pub(crate) fn return_out(&mut self, mut out: Vec<u8>) {
        if self.outs.len() < KEPT && out.capacity() > 0 && out.capacity() <= KEPT_SIZE {
            out.clear();
            self.outs.push(out);
        }
    }

    /// A piece of memory for bytes on their way.
    pub(crate) fn scratch(&mut self) -> &mut [u8] {
        if self.scratch.is_empty() {
            self.scratch = vec![0; SCRATCH];
        }
        &mut self.scratch
    }
}
