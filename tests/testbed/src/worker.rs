//! A thread with a runtime of its own, which ends when its owner is dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

/// Connections the kernel may hold before they are accepted: enough for a burst of ten thousand on Linux, which cuts
/// it to `net.core.somaxconn` (4096 by default) and lets the rest retry their SYN.
const BACKLOG: u32 = 4096;

/// How long to leave a listener alone after an error, which as a rule is "no descriptors left" and would come again at
/// once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// The thread. Dropping it stops the work, closes every socket of it and joins the thread.
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Runs `work`, and whatever it spawns, on a new thread.
    pub(crate) fn spawn(
        name: &str,
        runtime: Runtime,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = work => {}
                }
            });
            // Dropping the runtime drops the spawned tasks, and with them their sockets, before the thread ends.
            drop(runtime);
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed by its own thread; here is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// A runtime for one thread, with sockets and timers.
pub(crate) fn runtime() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

/// Listens on loopback, so that an error is seen by who starts the server and not by the thread. Port 0 is any free one.
pub(crate) fn listen(runtime: &Runtime, port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let _context = runtime.enter();
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let bound = || {
        let socket = TcpSocket::new_v4()?;
        // Elsewhere than on Windows this only forgives connections in TIME-WAIT on a port chosen by the user.
        if !cfg!(windows) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(wanted)?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    bound().map_err(|e: io::Error| io::Error::new(e.kind(), format!("cannot listen on {wanted}: {e}")))
}

/// The next connection. A failed one, or a lack of descriptors, does not end a server.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
