use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::{self, Admin, Trail};
use crate::database::Database;
use crate::metrics::Metrics;
use crate::otlp::Receiver;
use crate::process::Processes;
use crate::trail::Signer;
use crate::{Config, Error, forward, listener};

/// A running sidecar. Its tasks belong to the runtime it was started in and end when this value is dropped.
pub struct Sidecar {
    metrics: SocketAddr,
    otlp: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Sidecar {
    /// Returns once both ports are bound. The first scrape is the first to connect to the database.
    ///
    /// # Errors
    /// When the configuration is not valid, and [`Error::Bind`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let database = Arc::new(Database::new(&config.database, config.database_timeout)?);
        registry.register_collector(Box::new(database.status.clone()));
        let signer = config.trail.map(|trail| Signer::new(trail, database.clone())).transpose()?;
        let trail = signer.as_ref().map(|signer| Trail { status: signer.status.clone(), key: signer.public_key() });
        if let Some(trail) = &trail {
            registry.register_collector(Box::new(trail.status.clone()));
        }
        registry.register_collector(Box::new(Processes(config.watch)));
        let forward = config.forward.as_deref().map(|target| forward::new(target, &metrics));
        let (forwarder, worker) = forward.transpose()?.unzip();
        let (admin_listener, metrics_address) = bind(config.metrics).await?;
        let (otlp_listener, otlp_address) = bind(config.otlp).await?;

        let admin = admin::router(Admin { registry: Arc::new(registry), database, trail });
        let receiver = Receiver::new(metrics, forwarder).router();
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(listener::serve(admin_listener, admin, stopped.clone()));
        tasks.spawn(listener::serve(otlp_listener, receiver, stopped.clone()));
        if let Some(signer) = signer {
            tasks.spawn(signer.run(stopped));
        }
        if let Some(worker) = worker {
            tasks.spawn(worker.run());
        }
        Ok(Self { metrics: metrics_address, otlp: otlp_address, stop, tasks })
    }

    /// Where `/metrics`, `/livez` and `/readyz` are served.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// Where `/v1/traces`, `/v1/metrics` and `/v1/logs` are received.
    pub fn otlp_address(&self) -> SocketAddr {
        self.otlp
    }

    /// Accepts no more requests, then waits for those in progress and for exports to be passed on, for at most `grace`.
    pub async fn shutdown(mut self, grace: Duration) {
        self.stop.send_replace(true);
        // The forwarding task ends with the last request that could use it.
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(grace, ended).await;
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|source| Error::Bind { address, source })
}
