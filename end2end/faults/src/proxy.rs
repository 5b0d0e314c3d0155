//! A bad network on purpose: a TCP proxy between Ferry and the simulator that delays, throttles, cuts and falls silent.
//! What a toxic does, it does to the answers, as they come back; requests pass untouched, but for [`Toxic::AtCommit`].

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::chance::Chance;

/// What is done to every connection while it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// Answers come later, by `delay` and up to `jitter` more.
    Latency {
        /// Always.
        delay: Duration,
        /// At most, in addition.
        jitter: Duration,
    },
    /// So many bytes of answers a second.
    Bandwidth {
        /// Bytes.
        per_second: u64,
    },
    /// The connection stays open so long after the other side has closed it.
    SlowClose {
        /// How long.
        delay: Duration,
    },
    /// No answer at all; the connection is closed after this time, or never.
    Timeout {
        /// When it is closed.
        after: Option<Duration>,
    },
    /// A reset after this time.
    ResetPeer {
        /// When.
        after: Duration,
    },
    /// Answers come in small pieces, with a pause between them.
    Slicer {
        /// Bytes of a piece.
        size: usize,
        /// The pause.
        pause: Duration,
    },
    /// A reset after so many bytes of answers.
    LimitData {
        /// Bytes.
        bytes: usize,
    },
    /// In front of Postgres: a reset in the place of the answer to one of so many COMMITs. Of those, every other one does
    /// not arrive at all.
    AtCommit {
        /// One of so many.
        one_of: u64,
    },
    /// Nobody listens.
    Down,
}

/// A proxy. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    toxic: watch::Sender<Option<Toxic>>,
    connections: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// A proxy in front of an address. `seed` decides the jitter.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(upstream: SocketAddr, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (toxic, toxics) = watch::channel(None);
        let connections = Arc::new(AtomicU64::new(0));
        let chance = Arc::new(Mutex::new(Chance::of(seed)));
        let cuts = Arc::new(AtomicU64::new(0));
        let door = Door { address, upstream, toxics, connections: connections.clone(), cuts: cuts.clone(), chance };
        let task = tokio::spawn(door.serve(listener));
        Ok(Self { address, toxic, connections, cuts, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this, and nothing lets everything pass. Ends the connections that are open, and waits until it holds.
    pub async fn set(&self, toxic: Option<Toxic>) {
        self.toxic.send_replace(toxic);
        // Listening ends, and begins again, in the proxy's own task.
        loop {
            let listens = TcpStream::connect(self.address).await.is_ok();
            if listens != (toxic == Some(Toxic::Down)) {
                // Clients that keep connections have to notice that theirs are gone.
                return sleep(Duration::from_millis(15)).await;
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// COMMITs whose answer was cut off.
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }

    /// Connections that are open.
    pub fn open_connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

struct Door {
    address: SocketAddr,
    upstream: SocketAddr,
    toxics: watch::Receiver<Option<Toxic>>,
    connections: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
    chance: Arc<Mutex<Chance>>,
}

impl Door {
    async fn serve(mut self, listener: TcpListener) {
        let mut listener = Some(listener);
        loop {
            let toxic = *self.toxics.borrow_and_update();
            if toxic == Some(Toxic::Down) {
                listener = None;
            } else if listener.is_none() {
                listener = TcpListener::bind(self.address).await.ok();
            }
            let accepted = async {
                match &listener {
                    Some(listener) => listener.accept().await.ok(),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.toxics.changed() => if changed.is_err() { return },
                client = accepted => if let Some((client, _)) = client {
                    self.connect(client, toxic);
                },
            }
        }
    }

    fn connect(&self, client: TcpStream, toxic: Option<Toxic>) {
        let (upstream, connections, chance) = (self.upstream, self.connections.clone(), self.chance.clone());
        let cuts = self.cuts.clone();
        let mut toxics = self.toxics.clone();
        connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            tokio::select! {
                // However it ends, it is over.
                _ = carry(client, upstream, toxic, &chance, &cuts) => {}
                _ = toxics.changed() => {}
            }
            connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn carry(
    client: TcpStream,
    upstream: SocketAddr,
    toxic: Option<Toxic>,
    chance: &Mutex<Chance>,
    cuts: &AtomicU64,
) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if let Some(Toxic::ResetPeer { .. } | Toxic::LimitData { .. } | Toxic::AtCommit { .. }) = toxic {
        // Closing then sends a reset, not an end.
        client.set_zero_linger()?;
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        if let Some(Toxic::AtCommit { one_of }) = toxic {
            until_a_commit(&mut from_client, &mut to_server, one_of, chance).await?;
            cuts.fetch_add(1, Ordering::SeqCst);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        tokio::io::copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let down = async {
        let mut buffer = vec![0; 16 * 1024];
        let mut left = match toxic {
            Some(Toxic::LimitData { bytes }) => bytes,
            _ => usize::MAX,
        };
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                if let Some(Toxic::SlowClose { delay }) = toxic {
                    sleep(delay).await;
                }
                return to_client.shutdown().await;
            }
            let bytes = buffer.get(..read.min(left)).unwrap_or_default();
            left -= bytes.len();
            pass(&mut to_client, bytes, toxic, chance).await?;
            if left == 0 {
                return Ok(());
            }
        }
    };
    let both = async {
        tokio::select! { ended = down => ended, ended = async { up.await?; std::future::pending().await } => ended }
    };
    match toxic {
        Some(Toxic::ResetPeer { after }) => drop(timeout(after, both).await),
        Some(Toxic::Timeout { after: Some(after) }) => drop(timeout(after, both).await),
        _ => drop(both.await),
    }
    Ok(())
}

/// Carries what a client of Postgres says, until the COMMIT whose answer does not come back.
async fn until_a_commit(
    from: &mut tokio::net::tcp::OwnedReadHalf,
    to: &mut tokio::net::tcp::OwnedWriteHalf,
    one_of: u64,
    chance: &Mutex<Chance>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            to.shutdown().await?;
            return std::future::pending().await;
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        let is_commit = bytes.windows(7).any(|window| window == b"COMMIT\0");
        let (is_cut, arrives) = {
            let mut chance = chance.lock().unwrap_or_else(PoisonError::into_inner);
            (is_commit && chance.within(0..one_of) == 0, chance.happens(0.5))
        };
        if !is_cut || arrives {
            to.write_all(bytes).await?;
        }
        if is_cut {
            // What arrived is carried out before the connection goes.
            sleep(Duration::from_millis(20)).await;
            return Ok(());
        }
    }
}

async fn pass(
    to: &mut tokio::net::tcp::OwnedWriteHalf,
    bytes: &[u8],
    toxic: Option<Toxic>,
    chance: &Mutex<Chance>,
) -> io::Result<()> {
    match toxic {
        Some(Toxic::Latency { delay, jitter }) => {
            let share = chance.lock().unwrap_or_else(PoisonError::into_inner).share();
            sleep(delay + jitter.mul_f64(share)).await;
            to.write_all(bytes).await
        }
        Some(Toxic::Bandwidth { per_second }) => {
            for piece in bytes.chunks(usize::try_from(per_second / 10).unwrap_or(1).max(1)) {
                to.write_all(piece).await?;
                sleep(Duration::from_secs_f64(piece.len() as f64 / per_second.max(1) as f64)).await;
            }
            Ok(())
        }
        Some(Toxic::Slicer { size, pause }) => {
            for piece in bytes.chunks(size.max(1)) {
                to.write_all(piece).await?;
                sleep(pause).await;
            }
            Ok(())
        }
        Some(Toxic::Timeout { .. }) => Ok(()),
        _ => to.write_all(bytes).await,
    }
}
