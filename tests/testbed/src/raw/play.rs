//! Playing a script on one connection.

use std::future;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Shared;
use super::script::{Ending, Script, Step};

/// Bytes per read: large enough that an upload is not slowed by the test server.
const READ_SIZE: usize = 64 << 10;

/// Plays to the end of the script. The error says which step failed, and why.
pub(super) async fn play(
    script: Script,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    shared: &Shared,
    connection: usize,
) -> Result<(), String> {
    // Bytes sent one by one must travel one by one.
    socket.set_nodelay(true).map_err(|e| format!("TCP_NODELAY: {e}"))?;
    let link = match tls {
        None => Link::Plain(socket),
        Some(acceptor) => {
            let stream = acceptor.accept(socket).await.map_err(|e| format!("TLS handshake: {e}"))?;
            Link::Tls(Box::new(stream))
        }
    };
    let mut player = Player { link, shared, connection, unclaimed: Vec::new() };
    for (number, step) in script.steps.into_iter().enumerate() {
        let name = format!("step {number} ({})", name(&step));
        if let Step::End(ending) = step {
            return player.end(ending).await.map_err(|e| format!("{name}: {e}"));
        }
        player.step(step).await.map_err(|e| format!("{name}: {e}"))?;
    }
    player.end(Ending::Orderly).await.map_err(|e| format!("end of script: {e}"))
}

/// A connection in the middle of its script.
struct Player<'a> {
    link: Link,
    shared: &'a Shared,
    connection: usize,
    /// Received bytes that no step has waited for yet.
    unclaimed: Vec<u8>,
}

impl Player<'_> {
    async fn step(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::ExpectUntil(end) => self.expect(|bytes, seen| position_after(bytes, seen, &end)).await,
            Step::ExpectBytes(wanted) => {
                self.expect(|bytes, _| (bytes.len() >= wanted).then_some(wanted)).await
            }
            Step::Send(bytes) => self.link.send(&bytes).await,
            Step::SendBytewise(bytes) => {
                for byte in bytes {
                    self.link.send(&[byte]).await?;
                }
                Ok(())
            }
            Step::Pause => {
                // The gate is never closed, so waiting for it cannot fail.
                if let Ok(permit) = self.shared.gate.acquire().await {
                    permit.forget();
                }
                Ok(())
            }
            Step::WaitForClose => {
                while let Ok(1..) = self.read().await {}
                Ok(())
            }
            Step::CloseWrite => self.link.close_write().await,
            Step::End(_) => Ok(()),
        }
    }

    /// Reads until `claim` says how many of the unclaimed bytes were waited for. It is told how many it has seen before.
    async fn expect(&mut self, claim: impl Fn(&[u8], usize) -> Option<usize>) -> io::Result<()> {
        let mut seen = 0;
        loop {
            if let Some(claimed) = claim(&self.unclaimed, seen) {
                self.unclaimed.drain(..claimed);
                return Ok(());
            }
            seen = self.unclaimed.len();
            if self.read().await? == 0 {
                let text = format!("the client closed after {} bytes of it", self.unclaimed.len());
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        let mut buffer = vec![0; READ_SIZE];
        let read = self.link.read(&mut buffer).await?;
        let bytes = buffer.get(..read).unwrap_or_default();
        self.shared.records.receive(self.connection, bytes);
        self.unclaimed.extend_from_slice(bytes);
        Ok(read)
    }

    async fn end(mut self, ending: Ending) -> io::Result<()> {
        match ending {
            // The peer may be gone already, which is an end as good as ours.
            Ending::Orderly => self.link.close_write().await.or(Ok(())),
            Ending::Truncated => Ok(()),
            Ending::Reset => self.link.socket().set_zero_linger(),
            Ending::Never => future::pending().await,
        }
    }
}

/// The transport under a script.
enum Link {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Link {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    async fn close_write(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.shutdown().await,
            Self::Tls(stream) => stream.shutdown().await,
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::ExpectUntil(_) => "expect until",
        Step::ExpectBytes(_) => "expect bytes",
        Step::Send(_) => "send",
        Step::SendBytewise(_) => "send bytewise",
        Step::Pause => "pause",
        Step::WaitForClose => "wait for close",
        Step::CloseWrite => "close write",
        Step::End(_) => "end",
    }
}

/// Where the first `end` in `bytes` ends, if it does not lie within the first `seen` of them.
fn position_after(bytes: &[u8], seen: usize, end: &[u8]) -> Option<usize> {
    if end.is_empty() {
        return Some(0);
    }
    let from = seen.saturating_sub(end.len() - 1);
    let start = bytes.get(from..)?.windows(end.len()).position(|window| window == end)?;
    Some(from + start + end.len())
}
