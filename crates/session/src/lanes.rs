//! Which request of a batch may go where, and when.

use crate::fast_map::FastMap;
use pool::Route;
use std::collections::VecDeque;

/// How many exchanges are under way, by route, and who waits for room. The numbers stay one below those of the pool,
/// so that a batch never waits in the pool for itself, and a `send` made beside it finds a connection.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: FastMap<Route, Lane>,
    running: usize,
    waiting: usize,
    per_origin: usize,
    total: usize,
    /// How often in a row room stayed in its lane while somebody waited in another.
    kept: usize,
}

#[derive(Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<usize>,
}

impl Lanes {
    /// Lanes for a pool that may have so many connections to one origin, and so many in all. With a limit of 1 there is
    /// none to keep for others.
    pub(crate) fn new(per_origin: usize, total: usize) -> Self {
        let less_one = |limit: usize| limit.saturating_sub(1).max(1);
        Self { per_origin: less_one(per_origin), total: less_one(total), ..Self::default() }
    }

    /// Takes room at a route, or a place in the queue for it, in front of or behind the others.
    pub(crate) fn enter(&mut self, route: &Route, index: usize, in_front: bool) -> bool {
        let lane = self.lanes.entry(route.clone()).or_default();
        if lane.running < self.per_origin
            && self.running < self.total
            && (in_front || lane.waiting.is_empty())
        {
            lane.running += 1;
            self.running += 1;
            return true;
        }
        self.waiting += 1;
        if in_front {
            lane.waiting.push_front(index)
        } else {
            lane.waiting.push_back(index)
        }
        false
    }

    /// Gives room at a route back; to whom it, or the room in total, passes on.
    pub(crate) fn leave(&mut self, route: &Route) -> Option<(usize, Route)> {
        if let Some(lane) = self.lanes.get_mut(route) {
            lane.running = lane.running.saturating_sub(1);
            self.running = self.running.saturating_sub(1);
        }
        let next = if self.waiting == 0 { None } else { self.pass_on(route) };
        self.tidy(route);
        next
    }

    /// The first of the same route, whose connection is kept; of another one, where the total was what they waited for,
    /// and after as many in a row as there may be in all: then who was taken first, so that nobody waits for ever.
    fn pass_on(&mut self, route: &Route) -> Option<(usize, Route)> {
        let open = |lane: &Lane| lane.running < self.per_origin && !lane.waiting.is_empty();
        let same = self.lanes.get(route).filter(|lane| open(lane));
        let all = same.is_some_and(|lane| lane.waiting.len() == self.waiting);
        let other = if all || (same.is_some() && self.kept < self.total) {
            None
        } else {
            let others = self.lanes.iter().filter(|(other, lane)| *other != route && open(lane));
            others.min_by_key(|(_, lane)| lane.waiting.front()).map(|(other, _)| other.clone())
        };
        self.kept = if other.is_some() || all { 0 } else { self.kept + 1 };
        let route = other.or_else(|| same.map(|_| route.clone()))?;
        let lane = self.lanes.get_mut(&route)?;
        let index = lane.waiting.pop_front()?;
        lane.running += 1;
        self.running += 1;
        self.waiting -= 1;
        Some((index, route))
    }

    /// Leaves a queue.
    pub(crate) fn forget(&mut self, route: &Route, index: usize) {
        if let Some(lane) = self.lanes.get_mut(route) {
            let before = lane.waiting.len();
            lane.waiting.retain(|other| *other != index);
            self.waiting -= before - lane.waiting.len();
        }
        self.tidy(route);
    }

    /// Routes that nobody uses are not remembered.
    fn tidy(&mut self, route: &Route) {
        if self.lanes.get(route).is_some_and(|lane| lane.running == 0 && lane.waiting.is_empty()) {
            self.lanes.remove(route);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.lanes.clear();
        (self.running, self.waiting) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pool::Origin;

    fn route(name: &str) -> Route {
        Route::direct(Origin::http(name))
    }

    /// Steps: `a1` 1 wants into lane a, `a1!` in front of the others, `-a` somebody leaves lane a, `~a1` 1 gives up
    /// waiting for lane a. Expected after each: `+` has room, `.` waits, or whom room is passed on to.
    #[test]
    fn one_connection_is_kept_and_room_goes_to_the_same_lane_first_but_not_for_ever() {
        for (per_origin, total, steps, expected) in [
            (3, 9, "a1 a2 a3 -a -a", "+ + . a3 _"),
            (1, 9, "a1 a2 b3 -a", "+ . + a2"),
            (2, 9, "a1 a2 a3 a4! -a -a -a", "+ . . . a4 a2 a3"),
            (9, 3, "a1 b2 c3 d4 -b", "+ + . . c3|d4"),
            (9, 3, "a1 b2 b3 c4 -b", "+ + . . b3"),
            (2, 3, "a1 b2 a3 c4 -b", "+ + . . c4"),
            (2, 9, "a1 a2 a3 ~a2 -a", "+ . . _ a3"),
            (9, 1, "a1 b2 -a -b", "+ . b2 _"),
            (9, 3, "a1 a2 a3 a4 a5 c7 b6 -a -a -a -b -c", "+ + . . . . . a3 a4 b6 a5 c7"),
        ] {
            let mut lanes = Lanes::new(per_origin, total);
            for (step, expected) in steps.split(' ').zip(expected.split(' ')) {
                let name = |at: usize| &step[at..=at];
                let index = |at: usize| step[at..=at].parse().unwrap();
                let got = match name(0) {
                    "-" => lanes
                        .leave(&route(name(1)))
                        .map_or("_".to_owned(), |(index, route)| format!("{}{index}", route.origin().host())),
                    "~" => {
                        lanes.forget(&route(name(1)), index(2));
                        "_".to_owned()
                    }
                    lane if lanes.enter(&route(lane), index(1), step.ends_with('!')) => "+".to_owned(),
                    _ => ".".to_owned(),
                };
                assert!(
                    expected.split('|').any(|one| one == got),
                    "{per_origin}/{total} {steps}: {step} gave {got}"
                );
            }
        }
    }

    #[test]
    fn lanes_nobody_uses_are_forgotten() {
        let mut lanes = Lanes::new(2, 9);
        for name in ["a", "b", "c"] {
            lanes.enter(&route(name), 1, false);
            lanes.leave(&route(name));
        }
        assert!(lanes.lanes.is_empty());
    }
}
