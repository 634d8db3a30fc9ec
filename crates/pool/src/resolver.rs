//! Who finds the addresses of a host.

use std::io;
use std::net::IpAddr;

/// Finds the addresses of a host.
///
/// Implemented by functions `Fn(&str) -> io::Result<Vec<IpAddr>>`. Called on a helper thread, for names only, never
/// for addresses. An empty answer counts as "no such host".
pub trait Resolve: Send + Sync {
    /// The addresses in the order they are to be tried.
    ///
    /// # Errors
    /// Ends the exchanges that wait for this host with [`ErrorKind::Resolve`](crate::ErrorKind::Resolve).
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

impl<F: Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync> Resolve for F {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self(host)
    }
}
