//! Starting and stopping: a listener, the two parts of the router, and a handle on what runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::control;
use crate::gateway::{self, Shared};
use crate::options::Options;
use crate::state::State;
use crate::wire::{Connection, Door};

/// How long open connections may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Listens and serves in the background of the current tokio runtime.
    pub async fn start(options: Options) -> io::Result<Running> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options));
        let state = State(Arc::clone(&shared));
        let api = Router::new().fallback(gateway::handle).with_state(Arc::clone(&shared));
        let app = api.nest("/_sim", control::routes(state.clone()));
        let stopping = shared.stopping.clone();
        let service = app.into_make_service_with_connect_info::<Connection>();
        let serve = axum::serve(Door(listener), service).with_graceful_shutdown(stopping.cancelled_owned());
        let task = tokio::spawn(async move { serve.await });
        Ok(Running { address, state, task })
    }
}

/// A simulator that runs. Dropping it leaves it running; [`Running::stop`] ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    state: State,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address of the API, `http://127.0.0.1:PORT/api`.
    pub fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The base address of the control endpoints, `http://127.0.0.1:PORT/_sim`.
    pub fn control_url(&self) -> String {
        format!("http://{}/_sim", self.address)
    }

    /// A handle to look at and change what it holds.
    pub fn state(&self) -> State {
        self.state.clone()
    }

    /// Stops listening, lets open requests end for two seconds, and cuts the rest.
    pub async fn stop(mut self) {
        self.state.0.stopping.cancel();
        if tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
