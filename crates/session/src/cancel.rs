//! Giving up from another thread.

use crate::fast_map::FastMap;
use pool::Driver;
use pool::net::Wake;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Ends the requests it was given to, from any thread.
///
/// A handle: clones are the same canceller. It is given to requests with
/// [`cancel_on`](crate::RequestBuilder::cancel_on), to any number of them, and to those of a whole session with
/// [`Settings::set_canceller`](crate::Settings::set_canceller). After [`cancel`](Self::cancel) each of them fails with
/// [`ErrorKind::Canceled`](crate::ErrorKind::Canceled), wherever it is: in the queue for a connection, while it
/// connects, in the middle of a body, in a pause before another attempt, in a blocked read of a
/// [`Streaming`](crate::Streaming). Its connection is closed. A request that is sent later fails at once; one that is
/// complete stays complete. There is no way back: make a new one for what comes next.
///
/// What runs in the caller's own code (a hook, the source of a body) is not interrupted; the request fails when that
/// returns.
///
/// ```
/// use session::{Canceller, ErrorKind, Session};
/// # // Takes connections and says nothing.
/// # let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// # let url = format!("http://{}/slow", server.local_addr().unwrap());
/// let (session, canceller) = (Session::new(), Canceller::new());
/// # let session = Session::builder().ignore_environment().build().unwrap();
/// let request = session.get("https://example.com/slow").cancel_on(&canceller);
/// # let request = session.get(url).cancel_on(&canceller);
/// let worker = std::thread::spawn(move || request.send());
/// canceller.cancel(); // the user has pressed a key
/// let error = worker.join().unwrap().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Canceled);
/// ```
#[derive(Clone, Default)]
pub struct Canceller(Arc<Inner>);

#[derive(Default)]
struct Inner {
    canceled: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Whom to wake, each under a number of its own.
#[derive(Default)]
struct Waiting {
    next: u64,
    bells: FastMap<u64, Arc<Bell>>,
}

impl Canceller {
    /// One that nothing was given to yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the requests. Returns at once, and does nothing the second time.
    pub fn cancel(&self) {
        // Before the list is looked at: whoever is not on it yet looks at the flag when it is.
        self.0.canceled.store(true, Ordering::Release);
        let bells = std::mem::take(&mut self.waiting(|waiting| std::mem::take(&mut waiting.bells)));
        for bell in bells.values() {
            bell.ring();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.0.canceled.load(Ordering::Acquire)
    }

    fn waiting<R>(&self, work: impl FnOnce(&mut Waiting) -> R) -> R {
        work(&mut self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canceller(canceled: {})", self.is_canceled())
    }
}

/// Wakes one driver, and tells its loop that this was why.
pub(crate) struct Bell {
    rung: AtomicBool,
    waker: Mutex<Arc<dyn Wake>>,
}

impl Bell {
    pub(crate) fn new(driver: &Driver) -> Arc<Self> {
        Arc::new(Self { rung: AtomicBool::new(false), waker: Mutex::new(driver.waker()) })
    }

    fn ring(&self) {
        // Many requests of one loop may hang on one canceller; one wake-up is enough for them.
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone().wake();
        }
    }

    /// Another driver takes over, whose loop looks whether it [was rung](Self::take) before it waits.
    pub(crate) fn hang_at(&self, driver: &Driver) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = driver.waker();
    }

    /// Whether it was rung since the last look.
    pub(crate) fn take(&self) -> bool {
        self.rung.load(Ordering::Acquire) && self.rung.swap(false, Ordering::AcqRel)
    }
}

/// One request that is under way on a driver, on the list of its canceller for so long.
pub(crate) struct Watch {
    canceller: Canceller,
    bell: Arc<Bell>,
    number: u64,
}

impl Watch {
    /// For a request that a driver works on alone.
    pub(crate) fn new(canceller: Option<&Canceller>, driver: &Driver) -> Option<Self> {
        canceller.map(|canceller| Self::ringing(canceller, Bell::new(driver)))
    }

    /// For one of many: `bell` is that of their driver.
    pub(crate) fn ringing(canceller: &Canceller, bell: Arc<Bell>) -> Self {
        let number = canceller.waiting(|waiting| {
            waiting.next += 1;
            waiting.bells.insert(waiting.next, bell.clone());
            waiting.next
        });
        Self { canceller: canceller.clone(), bell, number }
    }

    /// Another driver works on the request from now on; its loop looks at [`is_canceled`](Self::is_canceled) first.
    pub(crate) fn go_with(&self, driver: &Driver) {
        self.bell.hang_at(driver);
    }

    pub(crate) fn is_canceled(&self) -> bool {
        self.canceller.is_canceled()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let bell = self.canceller.waiting(|waiting| waiting.bells.remove(&self.number));
        drop(bell);
    }
}
