//! The connection under HTTP: resets, answers that stop half way, answers that drip. Nothing here
//! knows what the bytes mean, except where the head of an answer ends.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// What happens to the next answer on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireFault {
    /// `left` more bytes leave (of the body, or of head and body), then the connection ends: with a
    /// reset, or as if the peer had closed it.
    Cut { body_only: bool, left: usize, reset: bool },
    /// A few bytes at a time; `left` is the length of the body.
    Trickle { bytes: usize, every: Duration, body_only: bool, left: usize, begun: bool },
}

/// A handle on one connection.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<Mutex<Option<WireFault>>>);

impl Connection {
    /// Does this to the next answer.
    pub fn arm(&self, fault: WireFault) {
        *self.fault() = Some(fault);
    }

    /// Ends the connection with a reset as soon as something is written.
    pub fn reset(&self) {
        self.arm(WireFault::Cut { body_only: false, left: 0, reset: true });
    }

    fn fault(&self) -> MutexGuard<'_, Option<WireFault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener whose connections can be broken on purpose.
#[derive(Debug)]
pub struct Door(pub TcpListener);

impl Listener for Door {
    type Io = Stream;
    type Addr = Connection;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (tcp, _) = Listener::accept(&mut self.0).await;
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "no nodelay");
        }
        let connection = Connection::default();
        (Stream { tcp, connection: connection.clone(), pause: None }, connection)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Connection::default())
    }
}

impl Connected<IncomingStream<'_, Door>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream that obeys its [`Connection`].
#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    connection: Connection,
    pause: Option<Pin<Box<Sleep>>>,
}

/// How much of `bytes` is the head of an HTTP answer; 0 when it does not end in here.
fn head_length(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4)
}

impl Stream {
    /// How many of `bytes` may leave now, or that the connection is over.
    fn allowance(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut fault = self.connection.fault();
        match fault.as_mut() {
            None => Ok(bytes.len()),
            Some(WireFault::Cut { body_only, left, reset }) => {
                if std::mem::take(body_only) {
                    *left += head_length(bytes);
                }
                if *left > 0 {
                    return Ok((*left).min(bytes.len()));
                }
                if *reset {
                    self.tcp.set_zero_linger()?;
                }
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Some(WireFault::Trickle { bytes: few, body_only, left, begun, .. }) => {
                if !std::mem::replace(begun, true) {
                    let head = head_length(bytes);
                    *left += head;
                    if *body_only && head > 0 {
                        return Ok(head);
                    }
                }
                Ok((*few).min(bytes.len()))
            }
        }
    }

    /// Books what left and says how long to pause.
    fn book(&self, written: usize) -> Option<Duration> {
        let mut fault = self.connection.fault();
        let (left, pause) = match fault.as_mut() {
            None => return None,
            Some(WireFault::Cut { left, .. }) => {
                *left = left.saturating_sub(written);
                return None;
            }
            Some(WireFault::Trickle { left, every, .. }) => (left, *every),
        };
        *left = left.saturating_sub(written);
        if *left == 0 {
            *fault = None;
            return None;
        }
        Some(pause)
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(pause) = self.pause.as_mut() {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let allowed = self.allowance(bytes)?;
        let part = bytes.get(..allowed).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, part))?;
        if let Some(pause) = self.book(written) {
            self.pause = Some(Box::pin(sleep(pause)));
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
