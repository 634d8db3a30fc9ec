//! Who may use which connection: the one thing the callers of a pool share.
//!
//! The ledger is bookkeeping and nothing else. It knows no socket, no clock and no thread: a connection is an
//! opaque value `C`, the present is an argument, and what follows from a decision (connections to close,
//! callers to wake) is appended to an [`Effects`] for the caller to carry out once the lock is released.
//! Nothing in here acts when dropped.
//!
//! ```text
//!             claim ──▶ Reuse ─┐                  ┌─ give_back ──▶ first waiter of the key, else idle
//!               │ └───▶ Dial ──┼──▶ a lease ──────┤
//!               └─────▶ Wait ──┘ redeem           └─ forget ─────▶ the slot goes round the waiting keys
//!                         └─ abandon
//! ```
//!
//! What holds between two calls:
//!
//! - A key has at most `per_key` connections, leased or idle, and all keys together at most `total`.
//! - Nobody waits who could be served. Whether one could depends on its key and its [`Class`] alone
//!   ([`Ledger::may_have`]), and every call that ends a lease serves whom it can before it returns. Hence a
//!   newcomer that is served at once overtakes nobody who could have been, without looking at the queue; and
//!   closing idle connections never frees a waiter, for a waiter could have had the room of an idle connection.
//! - [`Class::Batch`] leaves one connection of every key, and one of the total, to [`Class::Send`].
//! - A key without connections and waiters is unknown.

mod idle;
mod keys;
mod queue;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::time::Instant;

use self::idle::{Idle, Shelves};
use self::keys::Keys;
use self::queue::{Grant, Queue, Waiter};

/// How many connections there may be, leased and idle. A limit of zero would serve nobody and counts as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Connections of one key.
    pub(crate) per_key: usize,
    /// Connections of all keys.
    pub(crate) total: usize,
}

/// What a connection is wanted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// One request whose caller waits for the answer.
    Send,
    /// One of many requests under way together, or a stream the caller reads at leisure. A batch never takes
    /// the last connection of a key, nor of the total (where the limit is 2 or more): a send made in the middle
    /// of a batch would otherwise wait for connections which only its own thread can free.
    Batch,
}

/// Who asks for a connection.
#[derive(Debug)]
pub(crate) struct Ask<'a, D> {
    /// The driver that asks; compared with the `home` of idle connections.
    pub(crate) me: u64,
    /// Whom to wake if it has to wait. Cloned in that case only.
    pub(crate) notify: &'a D,
    /// What for.
    pub(crate) class: Class,
}

/// The answer to an [`Ask`].
///
/// `Reuse` and `Dial` come with a [`Lease`]. A lease is the right to *a* connection of the key: whoever finds
/// the reused one dead may close it and dial under the same lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Claim<C> {
    /// An idle connection. It was alive when it was given back; nobody has looked since.
    Reuse(C),
    /// There is room: make a connection.
    Dial,
    /// There is none: the ticket will be in [`Effects::wake`] of a later call.
    Wait(TicketId),
}

/// Names a place in the queue. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct TicketId(u64);

/// What a holder must give back, with the connection or without it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lease {
    /// Who holds it.
    pub(crate) class: Class,
    /// Since when: the `now` of the claim, or of the call that served the waiter.
    pub(crate) since: Instant,
}

/// What is to be done after a call, outside the lock: closing and waking are system calls.
#[derive(Debug)]
pub(crate) struct Effects<C, D> {
    /// Connections nobody will use again.
    pub(crate) close: Vec<C>,
    /// Whom to wake, with the ticket that has been served: [`Ledger::redeem`] tells what it got.
    pub(crate) wake: Vec<(D, TicketId)>,
}

impl<C, D> Effects<C, D> {
    /// Nothing to do. Does not allocate.
    pub(crate) const fn new() -> Self {
        Self { close: Vec::new(), wake: Vec::new() }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.close.is_empty() && self.wake.is_empty()
    }
}

impl<C, D> Default for Effects<C, D> {
    fn default() -> Self {
        Self::new()
    }
}

/// The leases of one key, for the text of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Busy {
    /// How many connections of the key are on loan.
    pub(crate) connections: usize,
    /// When the oldest of these loans began.
    pub(crate) oldest: Option<Instant>,
}

/// How many there are of what, over all keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    /// Connections, leased (a dial under way is one) and idle.
    pub(crate) open: usize,
    /// The idle ones among them.
    pub(crate) idle: usize,
    /// Tickets that have been given nothing yet.
    pub(crate) waiting: usize,
}

/// Idle connections, limits and waiters of a pool.
///
/// `K` is what makes two connections interchangeable, `C` a connection, `D` whom to wake.
#[derive(Debug)]
pub(crate) struct Ledger<K, C, D> {
    limits: Limits,
    /// Never iterated: nothing depends on the order of a hash map.
    slots: Keys<K, Slot>,
    accounts: Vec<Account<K>>,
    /// Slots of keys that were left; their vectors are used again.
    vacant: Vec<Slot>,
    idle: Shelves<C>,
    queue: Queue<C, D>,
    /// Leases of all keys, and those of batches among them.
    leased: usize,
    batches: usize,
    /// Connections handed on within a key, in a row, while a waiter of another key could have had the room.
    passed_over: usize,
}

/// Stands for a key while it is known: an index, so that the rotation and the order of age need no hashing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Slot(usize);

/// What one key has on loan.
#[derive(Debug)]
struct Account<K> {
    /// `None` while the slot is vacant.
    key: Option<K>,
    leases: Vec<Lease>,
    batches: usize,
}

impl<K: Eq + Hash + Clone, C, D: Clone> Ledger<K, C, D> {
    /// An empty ledger.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits: Limits { per_key: limits.per_key.max(1), total: limits.total.max(1) },
            slots: Keys::default(),
            accounts: Vec::new(),
            vacant: Vec::new(),
            idle: Shelves::new(),
            queue: Queue::new(),
            leased: 0,
            batches: 0,
            passed_over: 0,
        }
    }

    /// Asks for a connection of `key`. In order of preference: the newest idle one that lives with the asker,
    /// the newest idle one, a new one if the limits leave room, a new one in the place of the least recently
    /// used idle connection of another key, and a place in the queue.
    ///
    /// The lease of a `Reuse` or `Dial` is the asker's class since `now`. Idle connections of the key that
    /// have expired are closed on the way.
    pub(crate) fn claim(
        &mut self,
        key: &K,
        ask: Ask<'_, D>,
        now: Instant,
        fx: &mut Effects<C, D>,
    ) -> Claim<C> {
        let slot = self.slot(key);
        if !self.may_have(slot, ask.class) {
            return Claim::Wait(self.queue.enter(slot, &ask));
        }
        self.lend(slot, ask.me, Lease { class: ask.class, since: now }, fx).into()
    }

    /// Returns a connection that can be used again until `expires`, and that is registered with the driver
    /// `home`. It goes to the first waiter of its key that may have it, else it becomes idle.
    ///
    /// A connection whose lease the ledger does not know, or that has expired, is closed.
    #[expect(clippy::too_many_arguments, reason = "all that is known about a connection, and all different")]
    pub(crate) fn give_back(
        &mut self,
        key: &K,
        conn: C,
        lease: Lease,
        home: u64,
        expires: Instant,
        now: Instant,
        fx: &mut Effects<C, D>,
    ) {
        match self.slots.get(key) {
            Some(slot) => self.take_back(*slot, Idle { conn, home, expires }, lease, now, fx),
            None => fx.close.push(conn),
        }
    }

    /// Ends a lease whose connection is closed, or was never made. The freed slot goes to the key with waiters
    /// that was served least recently. A lease the ledger does not know is ignored.
    pub(crate) fn forget(&mut self, key: &K, lease: Lease, now: Instant, fx: &mut Effects<C, D>) {
        if let Some(slot) = self.slots.get(key).copied() {
            self.vacate(slot, lease, now, fx);
        }
    }

    /// Comes for what a ticket was given, after a wake-up. The ticket is used up then.
    ///
    /// `None` while it waits, and for a ticket that is used up.
    pub(crate) fn redeem(&mut self, ticket: TicketId) -> Option<(Claim<C>, Lease)> {
        let (grant, lease) = self.queue.redeem(ticket)?;
        Some((grant.into(), lease))
    }

    /// Gives up a ticket. What it may have been granted goes to the next as if it had been given back.
    /// A ticket that is used up is ignored.
    pub(crate) fn abandon(&mut self, ticket: TicketId, now: Instant, fx: &mut Effects<C, D>) {
        let Some(left) = self.queue.leave(ticket) else { return };
        match left.granted {
            Some((Grant::Reuse(idle), lease)) => self.take_back(left.slot, idle, lease, now, fx),
            Some((Grant::Dial, lease)) => self.vacate(left.slot, lease, now, fx),
            None => self.retire(left.slot),
        }
    }

    /// Closes the idle connections that have expired. Looks at every one.
    pub(crate) fn sweep(&mut self, now: Instant, fx: &mut Effects<C, D>) {
        if self.idle.count() == 0 {
            return;
        }
        for slot in (0..self.accounts.len()).map(Slot) {
            self.idle.expire(slot, now, &mut fx.close);
            self.retire(slot);
        }
    }

    /// Closes all idle connections, the least recently used first.
    pub(crate) fn drain_idle(&mut self, fx: &mut Effects<C, D>) {
        while self.evict(fx) {}
    }

    /// What a key has on loan, things granted to tickets included.
    pub(crate) fn busy(&self, key: &K) -> Busy {
        let account = self.slots.get(key).and_then(|slot| self.accounts.get(slot.0));
        let leases = account.map_or(&[][..], |account| &account.leases);
        Busy { connections: leases.len(), oldest: leases.iter().map(|lease| lease.since).min() }
    }

    #[cfg(test)]
    /// Whether nothing is on loan and nobody waits. Idle connections do not count.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.leased == 0 && self.queue.waiting() == 0
    }

    /// How many connections and waiters there are.
    pub(crate) const fn counts(&self) -> Counts {
        Counts { open: self.open(), idle: self.idle.count(), waiting: self.queue.waiting() }
    }

    /// The rule: whether a lease of this class can be made now. `lend` finds the way.
    fn may_have(&self, slot: Slot, class: Class) -> bool {
        let room = self.open() < self.limits.total || self.idle.count() > 0;
        (class == Class::Send || self.batch_may(slot))
            && (self.idle.len(slot) > 0 || (self.leases(slot) < self.limits.per_key && room))
    }

    /// Whether batches have something left of their share of the key and of the total.
    fn batch_may(&self, slot: Slot) -> bool {
        let mine = self.accounts.get(slot.0).map_or(0, |account| account.batches);
        mine < batch_share(self.limits.per_key) && self.batches < batch_share(self.limits.total)
    }

    /// Makes a lease that [`Ledger::may_have`] allows, in the order of preference of [`Ledger::claim`].
    fn lend(&mut self, slot: Slot, me: u64, lease: Lease, fx: &mut Effects<C, D>) -> Grant<C> {
        self.idle.expire(slot, lease.since, &mut fx.close);
        let idle = self.idle.take(slot, me);
        // An idle connection just taken has left room; so if there is none, what is evicted is another key's.
        if self.open() >= self.limits.total {
            self.evict(fx);
        }
        if let Some(account) = self.accounts.get_mut(slot.0) {
            let batch = usize::from(lease.class == Class::Batch);
            account.leases.push(lease);
            account.batches += batch;
            self.batches += batch;
            self.leased += 1;
        }
        idle.map_or(Grant::Dial, Grant::Reuse)
    }

    /// Strikes a lease out; false if there is none like it.
    fn end(&mut self, slot: Slot, lease: Lease) -> bool {
        let Some(account) = self.accounts.get_mut(slot.0) else { return false };
        let Some(at) = account.leases.iter().position(|own| *own == lease) else { return false };
        let batch = usize::from(lease.class == Class::Batch);
        account.leases.swap_remove(at);
        account.batches -= batch;
        self.batches -= batch;
        self.leased -= 1;
        true
    }

    /// Ends a lease whose connection is still good.
    fn take_back(&mut self, slot: Slot, idle: Idle<C>, lease: Lease, now: Instant, fx: &mut Effects<C, D>) {
        if idle.expires <= now {
            fx.close.push(idle.conn);
            return self.vacate(slot, lease, now, fx);
        }
        if !self.end(slot, lease) {
            return fx.close.push(idle.conn);
        }
        self.idle.put(slot, idle);
        self.hand_on(slot, now, fx);
    }

    /// Ends a lease that leaves no connection behind.
    fn vacate(&mut self, slot: Slot, lease: Lease, now: Instant, fx: &mut Effects<C, D>) {
        if self.end(slot, lease) {
            self.serve_all(now, fx);
            self.retire(slot);
        }
    }

    /// Serves waiters after a return: those of the same key first, which need no new connection.
    ///
    /// But a busy key would keep its connections for ever, and another one that waits for room in the total
    /// would starve. So after as many such hand-overs in a row as there may be connections, about one
    /// response time of everybody, the rotation decides, though it costs a connection.
    fn hand_on(&mut self, slot: Slot, now: Instant, fx: &mut Effects<C, D>) {
        if self.next_key(Some(slot)).is_none() {
            self.passed_over = 0;
        } else if self.passed_over < self.limits.total && self.serve(slot, now, fx) {
            self.passed_over += 1;
        }
        self.serve_all(now, fx);
    }

    /// Serves waiters in rotation until nobody is left who could be served.
    fn serve_all(&mut self, now: Instant, fx: &mut Effects<C, D>) {
        while let Some(slot) = self.next_key(None)
            && self.serve(slot, now, fx)
        {
            self.passed_over = 0;
        }
    }

    /// The key with a waiter that could be served, the least recently served one.
    ///
    /// Keys that are passed by here are at a limit of their own, so there are at most `total` of them.
    fn next_key(&self, except: Option<Slot>) -> Option<Slot> {
        if self.queue.waiting() == 0 || (self.idle.count() == 0 && self.open() >= self.limits.total) {
            return None;
        }
        let batch_may = self.batches < batch_share(self.limits.total);
        let mut keys = self.queue.keys(batch_may);
        keys.find(|slot| Some(*slot) != except && self.next_waiter(*slot).is_some())
    }

    /// The first waiter of a key that could be served.
    fn next_waiter(&self, slot: Slot) -> Option<Waiter> {
        let waiter = self.queue.first(slot, self.batch_may(slot))?;
        self.may_have(slot, waiter.class).then_some(waiter)
    }

    /// Serves one waiter of this key, if that can be.
    fn serve(&mut self, slot: Slot, now: Instant, fx: &mut Effects<C, D>) -> bool {
        let Some(waiter) = self.next_waiter(slot) else { return false };
        let lease = Lease { class: waiter.class, since: now };
        let grant = self.lend(slot, waiter.me, lease, fx);
        if let Some(notify) = self.queue.grant(waiter.ticket, grant, lease) {
            fx.wake.push((notify, waiter.ticket));
        }
        true
    }

    /// Closes the least recently used idle connection; false if there is none.
    fn evict(&mut self, fx: &mut Effects<C, D>) -> bool {
        let Some((slot, conn)) = self.idle.evict() else { return false };
        fx.close.push(conn);
        self.retire(slot);
        true
    }

    const fn open(&self) -> usize {
        self.leased + self.idle.count()
    }

    fn leases(&self, slot: Slot) -> usize {
        self.accounts.get(slot.0).map_or(0, |account| account.leases.len())
    }

    /// The slot of a key, which becomes known if it was not.
    fn slot(&mut self, key: &K) -> Slot {
        if let Some(slot) = self.slots.get(key) {
            return *slot;
        }
        let slot = self.vacant.pop().unwrap_or(Slot(self.accounts.len()));
        match self.accounts.get_mut(slot.0) {
            Some(account) => account.key = Some(key.clone()),
            None => self.accounts.push(Account { key: Some(key.clone()), leases: Vec::new(), batches: 0 }),
        }
        self.slots.insert(key.clone(), slot);
        slot
    }

    /// Makes a key unknown that has neither connections nor waiters.
    fn retire(&mut self, slot: Slot) {
        if self.leases(slot) > 0 || self.idle.len(slot) > 0 || !self.queue.is_empty(slot) {
            return;
        }
        if let Some(key) = self.accounts.get_mut(slot.0).and_then(|account| account.key.take()) {
            self.slots.remove(&key);
            self.vacant.push(slot);
        }
    }
}

/// What batches may hold of a limit: all but one, or the one there is.
const fn batch_share(limit: usize) -> usize {
    if limit >= 2 { limit - 1 } else { limit }
}

impl<C> From<Grant<C>> for Claim<C> {
    fn from(grant: Grant<C>) -> Self {
        match grant {
            Grant::Reuse(idle) => Self::Reuse(idle.conn),
            Grant::Dial => Self::Dial,
        }
    }
}
