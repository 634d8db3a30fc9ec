//! Connections: accepting them, their TLS, and the way from a request to who answers it.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::body::Body;
use crate::call::{Call, Scheme};
use crate::stats::{Counters, Open};
use crate::{bench, httpbin, placeholder, reply, worker};

/// The longest request body that is kept in memory to be echoed: 64 MiB, far above what a test sends. `/sink` and
/// `/echo` take any length.
const MAX_BODY: usize = 64 << 20;

/// What all connections of a testbed share.
pub(crate) struct Server {
    protocol: http1::Builder,
    counters: Arc<Counters>,
    bench: bench::Bodies,
}

impl Server {
    pub(crate) fn new(counters: Arc<Counters>, keep_alive: bool) -> Self {
        let mut protocol = http1::Builder::new();
        // httpbin's names arrive in this case; and an idle connection stays until the client ends it.
        protocol.title_case_headers(true).keep_alive(keep_alive).header_read_timeout(None);
        Self { protocol, counters, bench: bench::Bodies::default() }
    }
}

/// Accepts until dropped.
pub(crate) async fn accept(server: Arc<Server>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let (socket, peer) = worker::accept(&listener).await;
        // An answer must not wait for the acknowledgement of the one before; a socket that refuses is gone anyway.
        let _ = socket.set_nodelay(true);
        let open = Open::new(&server.counters, tls.is_some());
        tokio::spawn(connection(Arc::clone(&server), socket, peer.ip(), tls.clone(), open));
    }
}

async fn connection(
    server: Arc<Server>,
    socket: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    _open: Open,
) {
    let Some(acceptor) = tls else {
        serve(&server, socket, peer, Scheme::Http).await;
        return;
    };
    // A client that does not trust us, or hangs up, is what some tests are about: nothing to report.
    let Ok(stream) = acceptor.accept(socket).await else { return };
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    server.counters.count(|stats| {
        stats.tls_handshakes += 1;
        stats.tls_resumed += u64::from(resumed);
    });
    serve(&server, stream, peer, Scheme::Https).await;
}

async fn serve<S>(server: &Arc<Server>, stream: S, peer: IpAddr, scheme: Scheme)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| answer(Arc::clone(server), request, peer, scheme));
    // How a connection ends is the client's to judge.
    let _ = server.protocol.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    server: Arc<Server>,
    request: Request<Incoming>,
    peer: IpAddr,
    scheme: Scheme,
) -> Result<Response<Body>, hyper::Error> {
    server.counters.count(|stats| stats.requests += 1);
    let (head, body) = request.into_parts();
    if let Some(response) = server.bench.answer(&head) {
        return Ok(response);
    }
    if head.method == Method::POST {
        match head.uri.path() {
            "/echo" => return Ok(bench::echo(&head, body)),
            "/sink" => return bench::sink(body).await,
            _ => {}
        }
    }
    Ok(match collect(head, body, peer, scheme).await? {
        Ok(call) => route(&call).await,
        Err(too_long) => too_long,
    })
}

/// Reads the whole body first, also for endpoints that ignore it: the connection is then always fit for another
/// request. The inner error is the answer to a body that is too long, the outer one a connection that broke.
async fn collect(
    head: Parts,
    body: Incoming,
    peer: IpAddr,
    scheme: Scheme,
) -> Result<Result<Call, Response<Body>>, hyper::Error> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(Ok(Call::new(head, collected.to_bytes(), scheme, peer))),
        Err(error) if error.is::<LengthLimitError>() => {
            let text =
                format!("A body of more than {MAX_BODY} bytes is not kept; /sink and /echo take any.\n");
            Ok(Err(reply::closing(reply::text(StatusCode::PAYLOAD_TOO_LARGE, text))))
        }
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(broken) => Err(*broken),
            Err(other) => Ok(Err(reply::closing(reply::bad_request(&other.to_string())))),
        },
    }
}

async fn route(call: &Call) -> Response<Body> {
    let delay = httpbin::delay_before(call);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    placeholder::answer(call)
        .or_else(|| bench::answer(call))
        .unwrap_or_else(|| httpbin::answer(call).unwrap_or_else(|| reply::not_found(call)))
}
