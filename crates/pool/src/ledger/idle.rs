//! Idle connections: a stack per key, and one order of age over all keys.

use std::collections::VecDeque;
use std::time::Instant;

use super::Slot;

/// How many outdated records the order of age may hold beyond twice the live ones, so that a small pool
/// does not tidy up at every other return.
const SLACK: usize = 32;

/// A connection nobody uses.
#[derive(Debug)]
pub(super) struct Idle<C> {
    pub(super) conn: C,
    /// The driver it is still registered with.
    pub(super) home: u64,
    /// From this instant on it is not handed out any more.
    pub(super) expires: Instant,
}

/// When a connection became idle, counted in returns. Never reused, so it also names one stay.
type Stamp = u64;

/// All idle connections of a ledger.
///
/// The order of age is a queue whose outdated records are skipped when met, not searched for when a
/// connection is taken: putting and taking cost O(1) amortised plus a look at the key's own connections.
/// The only long scans are [`Shelves::put`]'s tidying, once per as many returns as it looks at.
#[derive(Debug)]
pub(super) struct Shelves<C> {
    /// By slot; the newest at the back, so the stamps of a shelf rise.
    shelves: Vec<VecDeque<(Stamp, Idle<C>)>>,
    /// One record per stay, oldest first; outdated once the connection has left.
    order: VecDeque<(Stamp, Slot)>,
    count: usize,
    last: Stamp,
}

impl<C> Shelves<C> {
    pub(super) const fn new() -> Self {
        Self { shelves: Vec::new(), order: VecDeque::new(), count: 0, last: 0 }
    }

    /// Idle connections of all keys.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Idle connections of one key, expired ones included.
    pub(super) fn len(&self, slot: Slot) -> usize {
        self.shelves.get(slot.0).map_or(0, VecDeque::len)
    }

    /// Adds the newest connection of its key and of all.
    pub(super) fn put(&mut self, slot: Slot, idle: Idle<C>) {
        if self.shelves.len() <= slot.0 {
            self.shelves.resize_with(slot.0 + 1, VecDeque::new);
        }
        let Some(shelf) = self.shelves.get_mut(slot.0) else { return };
        self.last += 1;
        shelf.push_back((self.last, idle));
        self.count += 1;
        self.order.push_back((self.last, slot));
        if self.order.len() > 2 * self.count + SLACK {
            self.tidy();
        }
    }

    /// Takes the newest connection of the key that lives with `me`, else the newest: a connection that stays
    /// with its driver need not be registered anew, and surplus ages at the bottom.
    pub(super) fn take(&mut self, slot: Slot, me: u64) -> Option<Idle<C>> {
        let shelf = self.shelves.get_mut(slot.0)?;
        let mine = shelf.iter().rposition(|(_, idle)| idle.home == me);
        let at = mine.or_else(|| shelf.len().checked_sub(1))?;
        let (stamp, idle) = shelf.remove(at)?;
        self.count -= 1;
        // Last returned, first taken is the usual case: then nothing outdated is left behind.
        if self.order.back().is_some_and(|(newest, _)| *newest == stamp) {
            self.order.pop_back();
        }
        Some(idle)
    }

    /// Takes the least recently used connection of all keys.
    pub(super) fn evict(&mut self) -> Option<(Slot, C)> {
        while let Some((stamp, slot)) = self.order.pop_front() {
            // What is oldest of all is oldest of its key, so the front of the shelf tells a live record.
            let shelf = self.shelves.get_mut(slot.0)?;
            if shelf.front().is_some_and(|(oldest, _)| *oldest == stamp)
                && let Some((_, idle)) = shelf.pop_front()
            {
                self.count -= 1;
                return Some((slot, idle.conn));
            }
        }
        None
    }

    /// Moves the expired connections of one key to `close`.
    pub(super) fn expire(&mut self, slot: Slot, now: Instant, close: &mut Vec<C>) {
        let Some(shelf) = self.shelves.get_mut(slot.0) else { return };
        while let Some(at) = shelf.iter().position(|(_, idle)| idle.expires <= now) {
            let Some((_, idle)) = shelf.remove(at) else { return };
            self.count -= 1;
            close.push(idle.conn);
        }
    }

    /// Drops the outdated records.
    fn tidy(&mut self) {
        let shelves = &self.shelves;
        self.order.retain(|(stamp, slot)| {
            let shelf = shelves.get(slot.0);
            shelf.is_some_and(|shelf| shelf.binary_search_by_key(stamp, |(own, _)| *own).is_ok())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::start;
    use super::*;

    fn shelves(homes: &[(usize, u64)]) -> Shelves<usize> {
        let (mut shelves, expires) = (Shelves::new(), start());
        for (conn, (slot, home)) in homes.iter().enumerate() {
            shelves.put(Slot(*slot), Idle { conn, home: *home, expires });
        }
        shelves
    }

    #[test]
    fn the_newest_of_the_asking_driver_is_taken_else_the_newest() {
        // Homes in the order of return; who asks; what it gets, one after the other.
        let cases = [
            ([7, 8, 9], 7, [0, 2, 1]),
            ([7, 8, 9], 8, [1, 2, 0]),
            ([7, 7, 9], 7, [1, 0, 2]),
            ([7, 8, 9], 5, [2, 1, 0]),
        ];
        for (homes, me, expected) in cases {
            let mut shelves = shelves(&homes.map(|home| (0, home)));
            let taken: Vec<_> =
                (0..3).filter_map(|_| shelves.take(Slot(0), me)).map(|idle| idle.conn).collect();
            assert_eq!((taken, shelves.count()), (expected.to_vec(), 0), "{homes:?} asked by {me}");
        }
    }

    #[test]
    fn the_oldest_of_all_keys_is_evicted_whatever_was_taken_before() {
        let mut shelves = shelves(&[(0, 7), (1, 7), (0, 8), (2, 7), (0, 9)]);
        shelves.take(Slot(0), 7);
        shelves.take(Slot(2), 7);
        let evicted: Vec<_> = std::iter::from_fn(|| shelves.evict()).collect();
        assert_eq!(evicted, [(Slot(1), 1), (Slot(0), 2), (Slot(0), 4)]);
    }

    #[test]
    fn the_order_of_age_does_not_grow_with_the_requests_made() {
        let mut shelves = shelves(&[(0, 7), (1, 7), (2, 7)]);
        for request in 0..1000 {
            // Never the one returned last, so every time a record stays behind.
            let slot = Slot(request % 3);
            let idle = shelves.take(slot, 7).unwrap();
            shelves.put(slot, idle);
            assert!(shelves.order.len() <= 2 * 3 + SLACK, "{}", shelves.order.len());
        }
        assert_eq!(shelves.evict().map(|(slot, _)| slot), Some(Slot(1)), "and it is still right");
    }
}
