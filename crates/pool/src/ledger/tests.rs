//! The rules one by one (those about waiting stand beside the queue, those about age beside the shelves), then
//! a model that does anything in any order.

use std::time::{Duration, Instant};

use super::Class::{Batch, Send};
use super::{Ask, Busy, Claim, Class, Counts, Effects, Lease, Ledger, Limits, TicketId};

#[expect(
    clippy::disallowed_methods,
    reason = "there is no other way to a first instant; time is counted from it"
)]
pub(super) fn start() -> Instant {
    Instant::now()
}

type Book = Ledger<&'static str, u32, u64>;

/// A ledger with a clock that stands still until told. Driver 1 asks unless a test says otherwise.
pub(super) struct Desk {
    pub(super) ledger: Book,
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) closed: Vec<u32>,
    pub(super) woken: Vec<TicketId>,
}

impl Desk {
    pub(super) fn new(per_key: usize, total: usize) -> Self {
        let start = start();
        let ledger = Ledger::new(Limits { per_key, total });
        Self { ledger, start, now: start, closed: Vec::new(), woken: Vec::new() }
    }

    pub(super) fn run<R>(&mut self, call: impl FnOnce(&mut Book, &mut Effects<u32, u64>) -> R) -> R {
        let mut fx = Effects::default();
        let result = call(&mut self.ledger, &mut fx);
        self.closed.extend(fx.close);
        self.woken.extend(fx.wake.iter().map(|(_, ticket)| *ticket));
        result
    }

    pub(super) fn claim_as(&mut self, me: u64, key: &'static str, class: Class) -> Claim<u32> {
        let now = self.now;
        self.run(|ledger, fx| ledger.claim(&key, Ask { me, notify: &me, class }, now, fx))
    }

    pub(super) fn claim(&mut self, key: &'static str, class: Class) -> Claim<u32> {
        self.claim_as(1, key, class)
    }

    pub(super) fn wait(&mut self, key: &'static str, class: Class) -> TicketId {
        match self.claim(key, class) {
            Claim::Wait(ticket) => ticket,
            other => panic!("{key} {class:?} should wait and got {other:?}"),
        }
    }

    /// Dials once for every key named.
    pub(super) fn dial(&mut self, keys: &[&'static str], class: Class) {
        for key in keys {
            assert_eq!(self.claim(key, class), Claim::Dial, "{key}");
        }
    }

    /// A lease that began before the clock was moved.
    pub(super) fn lease(&self, class: Class) -> Lease {
        Lease { class, since: self.start }
    }

    pub(super) fn back_from(&mut self, home: u64, key: &'static str, conn: u32, class: Class, seconds: u64) {
        let (lease, now) = (self.lease(class), self.now);
        let expires = now + Duration::from_secs(seconds);
        self.run(|ledger, fx| ledger.give_back(&key, conn, lease, home, expires, now, fx));
    }

    pub(super) fn back(&mut self, key: &'static str, conn: u32, class: Class) {
        self.back_from(1, key, conn, class, 60);
    }

    pub(super) fn forget(&mut self, key: &'static str, class: Class) {
        let (lease, now) = (self.lease(class), self.now);
        self.run(|ledger, fx| ledger.forget(&key, lease, now, fx));
    }

    pub(super) fn abandon(&mut self, ticket: TicketId) {
        let now = self.now;
        self.run(|ledger, fx| ledger.abandon(ticket, now, fx));
    }

    pub(super) fn redeem(&mut self, ticket: TicketId) -> Option<Claim<u32>> {
        self.ledger.redeem(ticket).map(|(claim, _)| claim)
    }

    /// Dials and gives back, so that the connections are idle.
    pub(super) fn stock(&mut self, conns: &[(&'static str, u32)]) {
        for (key, _) in conns {
            self.dial(&[key], Send);
        }
        for (key, conn) in conns {
            self.back(key, *conn, Send);
        }
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let Counts { open, idle, waiting } = self.ledger.counts();
        (open, idle, waiting)
    }
}

#[test]
fn expired_connections_are_closed_on_the_way_and_their_slots_are_free() {
    let mut desk = Desk::new(2, 2);
    desk.dial(&["a", "a"], Send);
    desk.back_from(1, "a", 1, Send, 10);
    desk.back_from(2, "a", 2, Send, 5);
    desk.pass(5);
    assert_eq!(desk.claim_as(2, "a", Send), Claim::Reuse(1), "the newer one, at home there, has expired");
    assert_eq!(desk.closed, [2]);
    assert_eq!(desk.claim("a", Send), Claim::Dial);
    assert_eq!(desk.counts(), (2, 0, 0));
}

#[test]
fn there_is_room_up_to_both_limits() {
    // Limits per key and in total, keys asked for in turn, how many of these claims dial.
    let cases: [(usize, usize, &[&'static str], usize); 6] = [
        (2, 9, &["a", "a", "a"], 2),
        (9, 2, &["a", "a", "a"], 2),
        (2, 3, &["a", "a", "b", "b"], 3),
        (1, 9, &["a", "a", "b", "b"], 2),
        (0, 9, &["a", "a"], 1),
        (9, 0, &["a", "b"], 1),
    ];
    for (per_key, total, keys, dials) in cases {
        let mut desk = Desk::new(per_key, total);
        let dialled = keys.iter().filter(|key| desk.claim(key, Send) == Claim::Dial).count();
        assert_eq!((dialled, desk.counts()), (dials, (dials, 0, keys.len() - dials)), "{per_key} {total}");
    }
}

#[test]
fn a_full_total_closes_the_least_recently_used_idle_connection_of_another_key() {
    let mut desk = Desk::new(2, 4);
    desk.stock(&[("a", 1), ("b", 2), ("a", 3), ("c", 4)]);
    assert_eq!(desk.claim("b", Send), Claim::Reuse(2));
    desk.back("b", 2, Send);
    for (key, closed) in [("d", 1), ("e", 3), ("f", 4), ("g", 2)] {
        assert_eq!(desk.claim(key, Send), Claim::Dial);
        assert_eq!(desk.closed.pop(), Some(closed), "{key}");
    }
    desk.wait("h", Send);
}

#[test]
fn batches_leave_one_connection_of_the_key_and_one_of_the_total() {
    // Limits; batches that dial at one key, at keys of their own; whether a send finds a slot after the latter.
    let cases =
        [(1, 1, 1, 1, false), (2, 9, 1, 8, true), (4, 9, 3, 8, true), (9, 4, 3, 3, true), (3, 2, 1, 1, true)];
    for (per_key, total, same, spread, kept) in cases {
        let mut desk = Desk::new(per_key, total);
        let dialled = (0..20).filter(|_| desk.claim("a", Batch) == Claim::Dial).count();
        assert_eq!(dialled, same, "one key, {per_key} of {total}");
        let mut desk = Desk::new(per_key, total);
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let dialled = keys.iter().filter(|key| desk.claim(key, Batch) == Claim::Dial).count();
        assert_eq!(dialled, spread, "many keys, {per_key} of {total}");
        assert_eq!(desk.claim("z", Send) == Claim::Dial, kept, "a send, {per_key} of {total}");
    }
}

#[test]
fn the_share_of_batches_counts_reused_connections_too() {
    let mut desk = Desk::new(2, 9);
    desk.stock(&[("a", 1), ("a", 2)]);
    assert_eq!(desk.claim("a", Batch), Claim::Reuse(2));
    let waiting = desk.wait("a", Batch);
    assert_eq!(desk.claim("a", Send), Claim::Reuse(1), "kept for it");
    desk.back("a", 1, Send);
    assert_eq!(desk.redeem(waiting), None, "a send's return is not the batch's share");
    desk.back("a", 2, Batch);
    assert_eq!((desk.redeem(waiting), desk.counts()), (Some(Claim::Reuse(2)), (2, 1, 0)));
}

#[test]
fn a_connection_that_has_expired_by_its_return_is_closed() {
    let mut desk = Desk::new(1, 9);
    desk.dial(&["a"], Send);
    let [first, second] = [(); 2].map(|()| desk.wait("a", Send));
    desk.back_from(1, "a", 1, Send, 0);
    assert_eq!((desk.closed.clone(), desk.redeem(first)), (vec![1], Some(Claim::Dial)));
    desk.back_from(1, "a", 2, Send, 5);
    desk.pass(5);
    desk.abandon(second);
    assert_eq!(
        (desk.closed.clone(), desk.counts()),
        (vec![1, 2], (0, 0, 0)),
        "granted, then abandoned too late"
    );
}

#[test]
fn sweeping_closes_what_has_expired_and_draining_the_rest() {
    let mut desk = Desk::new(9, 9);
    desk.dial(&["a", "a", "b", "c"], Send);
    for (key, conn, seconds) in [("a", 1, 20), ("a", 2, 10), ("b", 3, 10), ("c", 4, 11)] {
        desk.back_from(1, key, conn, Send, seconds);
    }
    desk.pass(10);
    let now = desk.now;
    desk.run(|ledger, fx| ledger.sweep(now, fx));
    assert_eq!((desk.closed.clone(), desk.ledger.slots.len()), (vec![2, 3], 2));
    desk.run(Ledger::drain_idle);
    assert_eq!((desk.closed.clone(), desk.counts()), (vec![2, 3, 1, 4], (0, 0, 0)));
    assert_eq!(desk.ledger.slots.len(), 0);
}

#[test]
fn busy_counts_the_loans_of_a_key_and_dates_the_oldest() {
    let mut desk = Desk::new(2, 9);
    assert_eq!(desk.ledger.busy(&"a"), Busy { connections: 0, oldest: None });
    desk.dial(&["a"], Send);
    desk.pass(3);
    desk.dial(&["a", "b"], Batch);
    assert_eq!(desk.ledger.busy(&"a"), Busy { connections: 2, oldest: Some(desk.start) });
    let ticket = desk.wait("a", Send);
    let second = desk.now;
    desk.pass(3);
    desk.back("a", 1, Send);
    assert_eq!(desk.ledger.busy(&"a"), Busy { connections: 2, oldest: Some(second) });
    assert_eq!(desk.ledger.redeem(ticket), Some((Claim::Reuse(1), Lease { class: Send, since: desk.now })));
}

#[test]
fn a_lease_ends_once() {
    let mut desk = Desk::new(2, 9);
    desk.dial(&["a", "a"], Send);
    desk.forget("a", Batch);
    desk.forget("b", Send);
    desk.back("b", 9, Send);
    assert_eq!((desk.counts(), desk.closed.clone()), ((2, 0, 0), vec![9]), "nobody holds such a lease");
    desk.back("a", 1, Send);
    desk.forget("a", Send);
    desk.forget("a", Send);
    desk.back("a", 2, Send);
    assert_eq!((desk.counts(), desk.closed.clone()), ((1, 1, 0), vec![9, 2]));
}

/// Numerical Recipes' generator; the low bits are poor, so the high ones are used.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

struct Pending {
    id: TicketId,
    key: usize,
    class: Class,
    me: u64,
    granted: bool,
    /// Waiters of its key in front of it when it came.
    ahead: usize,
    /// Leases that ended and could have served it, but for those ahead and for other keys.
    chances: usize,
}

/// What the callers know: every connection ever made, what they hold, and who waits.
struct Model {
    ledger: Ledger<usize, usize, u64>,
    limits: Limits,
    keys: usize,
    now: Instant,
    /// Key, expiry, and whether the ledger has it (closed ones are `None`).
    conns: Vec<Option<(usize, Instant, bool)>>,
    held: Vec<(usize, Lease, usize)>,
    tickets: Vec<Pending>,
}

impl Model {
    fn apply(&mut self, fx: Effects<usize, u64>, ended: bool) {
        for conn in fx.close {
            let (_, _, inside) = self.conns[conn].take().expect("open until now");
            assert!(inside, "closed while somebody used it");
        }
        for (me, id) in fx.wake {
            let at = self.tickets.iter().position(|t| t.id == id && !t.granted);
            let at = at.expect("woken once, while waiting");
            let (key, class) = (self.tickets[at].key, self.tickets[at].class);
            assert_eq!(me, self.tickets[at].me);
            self.tickets[at].granted = true;
            let mut overtaken = self.tickets[..at].iter().filter(|t| t.key == key && !t.granted);
            assert!(overtaken.all(|t| (t.class, class) == (Batch, Send) && !self.share(key)), "first come");
        }
        self.check(ended);
    }

    fn leases(&self, wanted: impl Fn(usize, Class) -> bool) -> usize {
        let held = self.held.iter().filter(|(key, lease, _)| wanted(*key, lease.class)).count();
        held + self.tickets.iter().filter(|t| t.granted && wanted(t.key, t.class)).count()
    }

    /// Whether a batch could have one more lease of this key.
    fn share(&self, key: usize) -> bool {
        let left = |limit: usize, used: usize| used + usize::from(limit > 1) < limit;
        left(self.limits.per_key, self.leases(|own, class| own == key && class == Batch))
            && left(self.limits.total, self.leases(|_, class| class == Batch))
    }

    fn idle(&self, key: usize) -> usize {
        self.ledger.slots.get(&key).map_or(0, |slot| self.ledger.idle.len(*slot))
    }

    fn check(&mut self, ended: bool) {
        let Counts { open, idle, waiting } = self.ledger.counts();
        assert_eq!(idle, (0..self.keys).map(|key| self.idle(key)).sum());
        assert_eq!(open, idle + self.leases(|_, _| true));
        assert_eq!(waiting, self.tickets.iter().filter(|t| !t.granted).count());
        assert!(open <= self.limits.total);
        assert!(self.leases(|_, class| class == Batch) <= (self.limits.total - 1).max(1));
        for (batch_may, classes) in [(true, &[Send, Batch][..]), (false, &[Send])] {
            let waits = |t: &Pending, key| t.key == key && !t.granted && classes.contains(&t.class);
            let keys = (0..self.keys).filter(|key| self.tickets.iter().any(|t| waits(t, *key)));
            assert_eq!(self.ledger.queue.keys(batch_may).count(), keys.count(), "once each in the rotation");
        }
        let mut known = 0;
        for key in 0..self.keys {
            let (leases, own_idle) = (self.leases(|own, _| own == key), self.idle(key));
            assert!(leases + own_idle <= self.limits.per_key);
            let batches = self.leases(|own, class| own == key && class == Batch);
            assert!(batches <= (self.limits.per_key - 1).max(1));
            assert_eq!(self.ledger.busy(&key).connections, leases);
            let room = leases < self.limits.per_key;
            let share = self.share(key);
            for class in [Send, Batch] {
                let may = class == Send || share;
                let free = own_idle > 0 || (room && (open < self.limits.total || idle > 0));
                let mut waiters =
                    self.tickets.iter().filter(|t| (t.key, t.class, t.granted) == (key, class, false));
                assert!(!(may && free) || waiters.next().is_none(), "somebody waits who could be served");
            }
            let rounds = self.keys * (self.limits.total + 1);
            for ticket in self.tickets.iter_mut().filter(|t| t.key == key && t.class == Send && !t.granted) {
                ticket.chances += usize::from(ended && (room || self.keys == 1));
                let bound = if self.keys == 1 { ticket.ahead } else { (ticket.ahead + 1) * rounds };
                assert!(ticket.chances <= bound, "{} releases, {} ahead", ticket.chances, ticket.ahead);
            }
            known += usize::from(leases + own_idle > 0 || self.tickets.iter().any(|t| t.key == key));
        }
        assert_eq!(self.ledger.slots.len(), known, "a key is known while it has something");
        assert!(self.ledger.accounts.len() <= self.keys, "slots are used again");
    }

    fn claim(&mut self, key: usize, class: Class, me: u64) {
        let mut fx = Effects::new();
        let claim = self.ledger.claim(&key, Ask { me, notify: &me, class }, self.now, &mut fx);
        self.accept(key, claim, Lease { class, since: self.now }, me);
        self.apply(fx, false);
    }

    fn accept(&mut self, key: usize, claim: Claim<usize>, lease: Lease, me: u64) {
        match claim {
            Claim::Reuse(conn) => {
                let (own, expires, inside) = self.conns[conn].as_mut().expect("open");
                assert!(*own == key && *expires > lease.since && *inside, "idle, of the key, not expired");
                *inside = false;
                self.held.push((key, lease, conn));
            }
            Claim::Dial => {
                self.held.push((key, lease, self.conns.len()));
                self.conns.push(Some((key, self.now, false)));
            }
            Claim::Wait(id) => {
                assert!(self.tickets.iter().all(|t| t.id < id), "never reused");
                let ahead = self.tickets.iter().filter(|t| t.key == key && !t.granted).count();
                let class = lease.class;
                self.tickets.push(Pending { id, key, class, me, granted: false, ahead, chances: 0 });
            }
        }
    }

    /// Ends a lease: with the connection if it is good for `seconds` more, without it otherwise.
    fn end(&mut self, at: usize, home: u64, seconds: Option<u64>) {
        let (mut fx, now) = (Effects::new(), self.now);
        let (key, lease, conn) = self.held.swap_remove(at);
        if let Some(seconds) = seconds {
            let expires = now + Duration::from_secs(seconds);
            self.conns[conn] = Some((key, expires, true));
            self.ledger.give_back(&key, conn, lease, home, expires, now, &mut fx);
        } else {
            self.conns[conn] = None;
            self.ledger.forget(&key, lease, now, &mut fx);
        }
        self.apply(fx, true);
    }

    /// Comes for a ticket, granted or not, or gives it up.
    fn visit(&mut self, at: usize, give_up: bool) {
        let (id, key, granted) = (self.tickets[at].id, self.tickets[at].key, self.tickets[at].granted);
        let mut fx = Effects::new();
        if give_up {
            self.tickets.remove(at);
            self.ledger.abandon(id, self.now, &mut fx);
            assert!(self.ledger.redeem(id).is_none(), "given up");
            self.apply(fx, granted);
        } else if let Some((claim, lease)) = self.ledger.redeem(id) {
            assert!(granted && self.tickets[at].class == lease.class);
            let me = self.tickets.remove(at).me;
            self.accept(key, claim, lease, me);
            self.apply(fx, false);
        } else {
            assert!(!granted, "granted, but nothing there");
        }
    }

    fn step(&mut self, dice: &mut Lcg) {
        let me = dice.below(3) as u64;
        match dice.below(20) {
            0..8 if self.tickets.len() < 12 => {
                let class = if dice.below(2) == 0 { Send } else { Batch };
                self.claim(dice.below(self.keys), class, me);
            }
            8..14 if !self.held.is_empty() => {
                let seconds = (dice.below(4) > 0).then(|| dice.below(30) as u64);
                self.end(dice.below(self.held.len()), me, seconds);
            }
            14..18 if !self.tickets.is_empty() => {
                self.visit(dice.below(self.tickets.len()), dice.below(4) == 0);
            }
            18 => self.now += Duration::from_secs(dice.below(8) as u64),
            19 => {
                let mut fx = Effects::new();
                match dice.below(4) {
                    0 => self.ledger.drain_idle(&mut fx),
                    _ => self.ledger.sweep(self.now, &mut fx),
                }
                self.apply(fx, false);
            }
            _ => {}
        }
    }
}

#[test]
fn whatever_is_done_in_whatever_order_the_rules_hold() {
    for seed in 0..90 {
        let mut dice = Lcg(seed as u64);
        let limits = Limits { per_key: 1 + seed % 3, total: 1 + seed / 3 % 5 };
        let (ledger, now) = (Ledger::new(limits), start());
        let keys = 1 + seed / 15 % 4;
        let mut model = Model { ledger, limits, keys, now, conns: vec![], held: vec![], tickets: vec![] };
        for _ in 0..1000 {
            model.step(&mut dice);
        }
        // Everybody finishes: every waiter is served, and nothing is left.
        while !(model.held.is_empty() && model.tickets.is_empty()) {
            match model.tickets.iter().position(|ticket| ticket.granted) {
                Some(at) => model.visit(at, false),
                None => model.end(0, 0, (dice.below(2) == 0).then_some(60)),
            }
        }
        assert!(model.ledger.is_quiet());
        let mut fx = Effects::new();
        model.ledger.drain_idle(&mut fx);
        model.apply(fx, false);
        assert!(model.conns.iter().all(Option::is_none), "every connection was closed");
        assert_eq!(model.ledger.counts(), Counts { open: 0, idle: 0, waiting: 0 });
    }
}
