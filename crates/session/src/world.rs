//! What a call asks of the world beside connections: clocks and entropy.

use std::io;
use std::time::{Instant, SystemTime};

/// Clocks and entropy, as the driver has them.
pub(crate) trait World {
    fn now(&self) -> Instant;
    fn wall(&self) -> SystemTime;
    fn random(&mut self, out: &mut [u8]) -> io::Result<()>;
}

/// A world for unit tests: without a network, with entropy that is always the same.
#[cfg(test)]
pub(crate) fn simulated() -> pool::Driver {
    let pool = pool::sim::World::new(7).pool(pool::Config::default());
    match pool.driver() {
        Ok(driver) => driver,
        Err(error) => unreachable!("the simulated world has no selector to fail: {error}"),
    }
}
