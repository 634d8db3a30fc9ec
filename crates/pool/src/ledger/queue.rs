//! Who waits: a line per key, tickets by name, and the rotation over keys.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::idle::Idle;
use super::{Ask, Class, Lease, Slot, TicketId};

/// What a waiter was given.
#[derive(Debug)]
pub(super) enum Grant<C> {
    /// An idle connection.
    Reuse(Idle<C>),
    /// Leave to make one.
    Dial,
}

/// The waiter whose turn it is in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) ticket: TicketId,
    pub(super) class: Class,
    pub(super) me: u64,
}

/// A ticket that has left the queue.
#[derive(Debug)]
pub(super) struct Left<C> {
    pub(super) slot: Slot,
    /// What it had been given, if anything.
    pub(super) granted: Option<(Grant<C>, Lease)>,
}

/// Waiting until `granted`; then it keeps what it got until somebody comes for it.
#[derive(Debug)]
struct Ticket<C, D> {
    slot: Slot,
    class: Class,
    me: u64,
    /// Taken out when it has been used.
    notify: Option<D>,
    granted: Option<(Grant<C>, Lease)>,
}

/// The waiters of one key. Tickets are numbered in order of arrival, so two queues lose no order.
#[derive(Debug, Default)]
struct Line {
    sends: VecDeque<TicketId>,
    batches: VecDeque<TicketId>,
    /// Place in the rotation: set when the line forms and when it is served.
    turn: u64,
}

impl Line {
    const fn of(&mut self, class: Class) -> &mut VecDeque<TicketId> {
        match class {
            Class::Send => &mut self.sends,
            Class::Batch => &mut self.batches,
        }
    }

    fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.batches.is_empty()
    }
}

/// All tickets of a ledger.
#[derive(Debug)]
pub(super) struct Queue<C, D> {
    /// Never iterated: nothing depends on the order of a hash map.
    tickets: HashMap<TicketId, Ticket<C, D>>,
    lines: Vec<Line>,
    /// Keys with waiters, the least recently served first.
    rotation: BTreeSet<(u64, Slot)>,
    /// Those among them where a [`Class::Send`] waits. Kept apart so that thousands of keys with waiting
    /// batches are not looked through while batches have used up their share.
    sends: BTreeSet<(u64, Slot)>,
    waiting: usize,
    last_ticket: u64,
    last_turn: u64,
}

impl<C, D> Queue<C, D> {
    pub(super) fn new() -> Self {
        Self {
            tickets: HashMap::new(),
            lines: Vec::new(),
            rotation: BTreeSet::new(),
            sends: BTreeSet::new(),
            waiting: 0,
            last_ticket: 0,
            last_turn: 0,
        }
    }

    /// Waiters of all keys that have been given nothing yet.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether nobody waits for this key.
    pub(super) fn is_empty(&self, slot: Slot) -> bool {
        self.lines.get(slot.0).is_none_or(Line::is_empty)
    }

    /// Puts a waiter at the end of its key's line.
    pub(super) fn enter(&mut self, slot: Slot, ask: &Ask<'_, D>) -> TicketId
    where
        D: Clone,
    {
        self.last_ticket += 1;
        let id = TicketId(self.last_ticket);
        let ticket =
            Ticket { slot, class: ask.class, me: ask.me, notify: Some(ask.notify.clone()), granted: None };
        self.tickets.insert(id, ticket);
        if self.lines.len() <= slot.0 {
            self.lines.resize_with(slot.0 + 1, Line::default);
        }
        let last_in_rotation = self.is_empty(slot);
        self.edit(slot, last_in_rotation, |line| line.of(ask.class).push_back(id));
        self.waiting += 1;
        id
    }

    /// The waiter of this key who is to be served next, given whether a batch may have anything now.
    pub(super) fn first(&self, slot: Slot, batch_may: bool) -> Option<Waiter> {
        let line = self.lines.get(slot.0)?;
        let send = line.sends.front();
        // A batch waits for its own share only: while other batches hold all of that, what is free could not
        // be given to it anyway, and a send behind it would wait for nothing.
        let batch = line.batches.front().filter(|_| batch_may);
        let id = *[send, batch].into_iter().flatten().min()?;
        let ticket = self.tickets.get(&id)?;
        Some(Waiter { ticket: id, class: ticket.class, me: ticket.me })
    }

    /// Keys with somebody to serve, the least recently served first.
    pub(super) fn keys(&self, batch_may: bool) -> impl Iterator<Item = Slot> {
        let keys = if batch_may { &self.rotation } else { &self.sends };
        keys.iter().map(|(_, slot)| *slot)
    }

    /// Takes a waiter out of the line, lays down what it gets, and says whom to wake. Its key goes to the end
    /// of the rotation.
    pub(super) fn grant(&mut self, id: TicketId, grant: Grant<C>, lease: Lease) -> Option<D> {
        let ticket = self.tickets.get_mut(&id)?;
        ticket.granted = Some((grant, lease));
        let (slot, class, notify) = (ticket.slot, ticket.class, ticket.notify.take());
        self.step_out(slot, class, id, true);
        notify
    }

    /// What a ticket was given; the ticket is used up. `None` while it waits.
    pub(super) fn redeem(&mut self, id: TicketId) -> Option<(Grant<C>, Lease)> {
        self.tickets.get(&id)?.granted.as_ref()?;
        self.tickets.remove(&id)?.granted
    }

    /// Removes a ticket, whether it waits or was granted something.
    pub(super) fn leave(&mut self, id: TicketId) -> Option<Left<C>> {
        let Ticket { slot, class, granted, .. } = self.tickets.remove(&id)?;
        if granted.is_none() {
            self.step_out(slot, class, id, false);
        }
        Some(Left { slot, granted })
    }

    fn step_out(&mut self, slot: Slot, class: Class, id: TicketId, served: bool) {
        let left = self.edit(slot, served, |line| {
            let queue = line.of(class);
            queue.binary_search(&id).ok().and_then(|at| queue.remove(at))
        });
        if left.flatten().is_some() {
            self.waiting -= 1;
        }
    }

    /// Changes a line and keeps the rotation in step with it.
    fn edit<R>(&mut self, slot: Slot, to_the_end: bool, change: impl FnOnce(&mut Line) -> R) -> Option<R> {
        let line = self.lines.get_mut(slot.0)?;
        self.rotation.remove(&(line.turn, slot));
        self.sends.remove(&(line.turn, slot));
        let result = change(line);
        if to_the_end {
            self.last_turn += 1;
            line.turn = self.last_turn;
        }
        if !line.is_empty() {
            self.rotation.insert((line.turn, slot));
        }
        if !line.sends.is_empty() {
            self.sends.insert((line.turn, slot));
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Claim;
    use super::super::Class::{Batch, Send};
    use super::super::tests::Desk;

    #[test]
    fn a_key_is_served_in_order_of_arrival_and_newcomers_wait_behind() {
        let mut desk = Desk::new(1, 9);
        desk.dial(&["a"], Send);
        let first = desk.wait("a", Send);
        let second = desk.wait("a", Send);
        assert_eq!(desk.redeem(first), None, "still waiting");
        desk.back("a", 7, Send);
        assert_eq!((desk.counts(), desk.woken.clone()), ((1, 0, 1), vec![first]), "handed over, never idle");
        let third = desk.wait("a", Send);
        assert_eq!(desk.redeem(first), Some(Claim::Reuse(7)));
        assert_eq!(desk.redeem(first), None, "used up");
        desk.forget("a", Send);
        assert_eq!(desk.redeem(second), Some(Claim::Dial));
        desk.back("a", 8, Send);
        assert_eq!(
            (desk.redeem(third), desk.woken.clone()),
            (Some(Claim::Reuse(8)), vec![first, second, third])
        );
    }

    #[test]
    fn freed_slots_go_round_the_waiting_keys() {
        let mut desk = Desk::new(9, 3);
        desk.dial(&["x"; 3], Send);
        let [a1, a2, b1, c1, b2] = ["a", "a", "b", "c", "b"].map(|key| desk.wait(key, Send));
        for _ in 0..3 {
            desk.forget("x", Send);
        }
        desk.forget("c", Send);
        desk.forget("a", Send);
        assert_eq!(desk.woken, [a1, b1, c1, a2, b2]);
    }

    #[test]
    fn a_return_nobody_of_the_key_waits_for_makes_room_for_another_key() {
        let mut desk = Desk::new(9, 2);
        desk.dial(&["a", "a"], Send);
        let ticket = desk.wait("b", Send);
        desk.back("a", 1, Send);
        assert_eq!((desk.closed.clone(), desk.redeem(ticket)), (vec![1], Some(Claim::Dial)));
    }

    #[test]
    fn a_busy_key_does_not_starve_one_that_waits_for_room() {
        let total = 3;
        let mut desk = Desk::new(9, total);
        desk.dial(&["hot"; 3], Send);
        let cold = desk.wait("cold", Send);
        let mut hot: Vec<_> = (0..9).map(|_| desk.wait("hot", Send)).collect();
        for round in 0..total {
            desk.back("hot", 0, Send);
            assert_eq!(desk.woken.pop(), Some(hot.remove(0)), "round {round} stays with the key");
        }
        desk.back("hot", 0, Send);
        assert_eq!((desk.woken.pop(), desk.closed.clone()), (Some(cold), vec![0]));
        desk.back("hot", 0, Send);
        assert_eq!(desk.woken.pop(), Some(hot.remove(0)), "and goes on as before");
    }

    #[test]
    fn a_send_passes_batches_that_have_used_up_their_share_and_only_those() {
        let mut desk = Desk::new(2, 9);
        desk.dial(&["a"], Batch);
        desk.dial(&["a"], Send);
        let batch = desk.wait("a", Batch);
        let sends = [desk.wait("a", Send), desk.wait("a", Send)];
        desk.back("a", 1, Send);
        assert_eq!(desk.woken, [sends[0]], "the share of the key is used up");
        desk.back("a", 2, Batch);
        assert_eq!(desk.woken, [sends[0], batch], "it is first and may have it");
        desk.forget("a", Send);
        assert_eq!(desk.woken, [sends[0], batch, sends[1]]);
    }

    #[test]
    fn the_end_of_a_batch_at_one_key_serves_a_batch_at_another() {
        let mut desk = Desk::new(9, 3);
        desk.stock(&[("b", 5)]);
        desk.dial(&["a", "a"], Batch);
        let ticket = desk.wait("b", Batch);
        desk.back("a", 6, Batch);
        assert_eq!((desk.redeem(ticket), desk.counts()), (Some(Claim::Reuse(5)), (3, 1, 0)));
    }

    #[test]
    fn an_abandoned_ticket_loses_nothing() {
        let mut desk = Desk::new(1, 9);
        desk.dial(&["a"], Send);
        let [first, second, third] = [(); 3].map(|()| desk.wait("a", Send));
        desk.abandon(second);
        desk.back("a", 1, Send);
        desk.abandon(first);
        assert_eq!((desk.woken.clone(), desk.counts()), (vec![first, third], (1, 0, 0)));
        desk.abandon(third);
        assert_eq!(
            (desk.counts(), desk.ledger.is_quiet()),
            ((1, 1, 0), true),
            "the connection is idle again"
        );
        assert_eq!(desk.claim("a", Send), Claim::Reuse(1));

        let [fourth, fifth] = [(); 2].map(|()| desk.wait("a", Send));
        desk.forget("a", Send);
        desk.abandon(fourth);
        assert_eq!(desk.woken, [first, third, fourth, fifth], "leave to dial is passed on as well");
        desk.abandon(fifth);
        desk.abandon(fifth);
        assert_eq!((desk.counts(), desk.ledger.slots.len()), ((0, 0, 0), 0));
    }
}
