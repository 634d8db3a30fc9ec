//! Which request of a batch may go when, over all pools of a session.
//!
//! Each pool has limits of its own, and so [`Lanes`] of its own. Pools over the same net share one driver, and their
//! requests are under way together. A thread cannot wait on two nets at once: where pools have different ones, a batch
//! works on one net at a time. What is for another waits until everything under way is done; then the nets change.
//! A pause before another attempt, which may take hours, holds up nobody.
//! So that this comes, only a bounded number of requests may pass those that wait.

use crate::lanes::Lanes;
use crate::mount::{PoolIndex, Pools};
use pool::Route;
use std::collections::VecDeque;

/// Where an exchange goes: over which pool, and there on which connections.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pool: PoolIndex,
    pub(crate) route: Route,
}

/// Who may go, by pool.
pub(crate) struct Gates {
    lanes: Vec<Lanes>,
    /// The net of each pool, named by the first pool that has it.
    nets: Vec<PoolIndex>,
    /// The net at work.
    net: Option<PoolIndex>,
    /// Those that wait for another net.
    elsewhere: VecDeque<(usize, Place)>,
    /// How many requests were taken while somebody waited for another net.
    passed: usize,
    width: usize,
}

impl Gates {
    pub(crate) fn new(pools: &Pools) -> Self {
        let mut gates = Self {
            lanes: Vec::new(),
            nets: Vec::new(),
            net: None,
            elsewhere: VecDeque::new(),
            passed: 0,
            width: 0,
        };
        for (index, pool) in pools.iter().enumerate() {
            let (per_origin, total) = (pool.config().origin_limit(), pool.config().total_limit());
            gates.lanes.push(Lanes::new(per_origin, total));
            let same = (0..index).find(|other| pools.share_net(*other, index));
            gates.nets.push(same.unwrap_or(index));
            if pools.first_of(index) == index {
                gates.width = gates.width.saturating_add(total.max(1));
            }
        }
        gates
    }

    /// How many requests may be known at a time.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether another request may be taken.
    pub(crate) fn admits(&self) -> bool {
        self.passed < self.width
    }

    /// The first request decides which net is worked on first; those that come while others wait are counted.
    pub(crate) fn open(&mut self, place: &Place) {
        let net = self.net_of(place);
        self.net.get_or_insert(net);
        self.passed += usize::from(!self.elsewhere.is_empty());
    }

    /// A pool of the net at work.
    pub(crate) fn net(&self) -> PoolIndex {
        self.net.unwrap_or(0)
    }

    /// Takes room at a place, or a place in a queue for it, in front of or behind the others.
    pub(crate) fn enter(&mut self, place: &Place, index: usize, in_front: bool) -> bool {
        let wanted = self.net_of(place);
        if *self.net.get_or_insert(wanted) != wanted {
            self.elsewhere.push_back((index, place.clone()));
            return false;
        }
        self.lanes.get_mut(place.pool).is_some_and(|lanes| lanes.enter(&place.route, index, in_front))
    }

    /// Gives room back; to whom it passes on.
    pub(crate) fn leave(&mut self, place: &Place) -> Option<(usize, Place)> {
        let (index, route) = self.lanes.get_mut(place.pool)?.leave(&place.route)?;
        Some((index, Place { pool: place.pool, route }))
    }

    /// Leaves a queue.
    pub(crate) fn forget(&mut self, place: &Place, index: usize) {
        if !self.elsewhere.is_empty() {
            self.elsewhere.retain(|(other, _)| *other != index);
            if self.elsewhere.is_empty() {
                self.passed = 0;
            }
        }
        if let Some(lanes) = self.lanes.get_mut(place.pool) {
            lanes.forget(&place.route, index);
        }
    }

    /// Whether anybody waits for another net.
    pub(crate) fn has_waiters_elsewhere(&self) -> bool {
        !self.elsewhere.is_empty()
    }

    /// If all of `calls` requests wait for another net: those that now have their turn, in their order, each still to
    /// [`enter`](Self::enter).
    pub(crate) fn change_net(&mut self, calls: usize) -> Option<Vec<(usize, Place)>> {
        if self.elsewhere.is_empty() || self.elsewhere.len() < calls {
            return None;
        }
        let (_, place) = self.elsewhere.front()?;
        let net = self.net_of(place);
        (self.net, self.passed) = (Some(net), 0);
        let (now, later) = std::mem::take(&mut self.elsewhere)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, place)| self.net_of(place) == net);
        self.elsewhere = later.into();
        Some(now)
    }

    pub(crate) fn clear(&mut self) {
        self.lanes.iter_mut().for_each(Lanes::clear);
        self.elsewhere.clear();
        (self.net, self.passed) = (None, 0);
    }

    fn net_of(&self, place: &Place) -> PoolIndex {
        self.nets.get(place.pool).copied().unwrap_or_default()
    }
}
