//! What came in over each connection, and how it ended.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The records of all connections, in the order of accepting.
#[derive(Debug, Default)]
pub(super) struct Records {
    list: Mutex<Vec<Record>>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Record {
    received: Vec<u8>,
    fault: Option<String>,
    ended: bool,
}

impl Records {
    /// Begins a record and returns its number.
    pub(super) fn add(&self) -> usize {
        let mut list = self.lock();
        list.push(Record::default());
        list.len() - 1
    }

    pub(super) fn receive(&self, connection: usize, bytes: &[u8]) {
        if let Some(record) = self.lock().get_mut(connection) {
            record.received.extend_from_slice(bytes);
        }
    }

    pub(super) fn end(&self, connection: usize, result: Result<(), String>) {
        if let Some(record) = self.lock().get_mut(connection) {
            record.ended = true;
            record.fault = result.err();
        }
        self.ended.notify_all();
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn received(&self) -> Vec<Vec<u8>> {
        self.lock().iter().map(|record| record.received.clone()).collect()
    }

    pub(super) fn faults(&self) -> Vec<String> {
        let list = self.lock();
        let faults = list.iter().enumerate();
        faults.filter_map(|(i, record)| Some(format!("connection {i}: {}", record.fault.as_ref()?))).collect()
    }

    pub(super) fn wait_until_ended(&self, connections: usize, limit: Duration) -> bool {
        let too_few =
            |list: &mut Vec<Record>| list.iter().filter(|record| record.ended).count() < connections;
        let waited = self.ended.wait_timeout_while(self.lock(), limit, too_few);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
