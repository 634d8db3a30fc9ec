//! When to look at an exchange although nothing happened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// One pending instant per slot of the driver's slab.
///
/// A timer that fires early is harmless, so nothing is ever removed: a slot whose entry is early enough already
/// keeps it, whoever uses the slot by then, and the heap does not grow with the number of exchanges.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The entry that counts, by slot; others in the heap are leftovers.
    scheduled: Vec<Option<Instant>>,
}

impl Timers {
    /// Sees to it that `slot` is looked at no later than `at`.
    pub(crate) fn set(&mut self, slot: usize, at: Option<Instant>) {
        let Some(at) = at else { return };
        if self.scheduled.len() <= slot {
            self.scheduled.resize(slot + 1, None);
        }
        let Some(entry) = self.scheduled.get_mut(slot) else { return };
        if entry.is_some_and(|already| already <= at) {
            return;
        }
        *entry = Some(at);
        self.heap.push(Reverse((at, slot)));
        if self.heap.len() > 2 * self.scheduled.len() + 64 {
            self.rebuild();
        }
    }

    /// The next instant at which a slot is due.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        loop {
            let &Reverse((at, slot)) = self.heap.peek()?;
            if self.counts(at, slot) {
                return Some(at);
            }
            self.heap.pop();
        }
    }

    /// A slot that is due at `now`; it has no timer then until it is set again.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<usize> {
        let at = self.next()?;
        if at > now {
            return None;
        }
        let Reverse((_, slot)) = self.heap.pop()?;
        if let Some(entry) = self.scheduled.get_mut(slot) {
            *entry = None;
        }
        Some(slot)
    }

    fn counts(&self, at: Instant, slot: usize) -> bool {
        self.scheduled.get(slot).copied().flatten() == Some(at)
    }

    fn rebuild(&mut self) {
        let entries = self.scheduled.iter().enumerate();
        self.heap = entries.filter_map(|(slot, at)| at.map(|at| Reverse((at, slot)))).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be had from the clock")]
    fn a_slot_is_due_once_at_the_earliest_instant_set() {
        let t0 = Instant::now();
        let at = |n| t0 + Duration::from_secs(n);
        let mut timers = Timers::default();
        timers.set(0, Some(at(5)));
        timers.set(1, Some(at(3)));
        timers.set(0, Some(at(9)));
        assert_eq!(timers.next(), Some(at(3)));
        timers.set(0, Some(at(1)));
        assert_eq!((timers.pop(at(1)), timers.pop(at(1))), (Some(0), None));
        assert_eq!((timers.pop(at(9)), timers.pop(at(9))), (Some(1), None));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be had from the clock")]
    fn leftovers_do_not_pile_up() {
        let t0 = Instant::now();
        let mut timers = Timers::default();
        for n in (1..10_000).rev() {
            timers.set(0, Some(t0 + Duration::from_secs(n)));
        }
        assert!(timers.heap.len() < 100, "{}", timers.heap.len());
        assert_eq!(timers.next(), Some(t0 + Duration::from_secs(1)));
    }
}
