//! What a call asks of the world beside connections: clocks and entropy.

use std::io;
use std::time::{Instant, SystemTime};

/// Clocks and entropy, as the driver has them.
pub(crate) trait World {
    fn now(&self) -> Instant;
    fn wall(&self) -> SystemTime;
    fn random(&mut self, out: &mut [u8]) -> io::Result<()>;
}
