use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::{self, Admin};
use crate::database::Reader;
use crate::metrics::Metrics;
use crate::otlp::Receiver;
use crate::{Error, Options, forward, server};

/// A sidecar that runs, in tasks of the runtime it was started in. They end when it is dropped.
pub struct Sidecar {
    metrics: SocketAddr,
    otlp: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Sidecar {
    /// Returns once both ports are bound; the database is first asked at the first scrape.
    ///
    /// # Errors
    /// What is wrong with the options, and [`Error::Bind`].
    pub async fn start(options: Options) -> Result<Self, Error> {
        let (metrics, registry) = Metrics::new(&options.build, &options.watch);
        let status = metrics.database.clone();
        let (reader, database) = Reader::new(&options.database, options.database_timeout, status.clone())?;
        let forward = options.forward.as_deref().map(|target| forward::new(target, &metrics));
        let (forwarder, worker) = forward.transpose()?.unzip();
        let (admin_listener, metrics_address) = bind(options.metrics).await?;
        let (otlp_listener, otlp_address) = bind(options.otlp).await?;

        let admin = admin::router(Admin { registry: Arc::new(registry), database, status });
        let receiver = Receiver::new(Arc::new(metrics), forwarder).router();
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(admin_listener, admin, stopped.clone()));
        tasks.spawn(server::serve(otlp_listener, receiver, stopped));
        tasks.spawn(reader.run());
        if let Some(worker) = worker {
            tasks.spawn(worker.run());
        }
        Ok(Self { metrics: metrics_address, otlp: otlp_address, stop, tasks })
    }

    /// Where `/metrics`, `/livez` and `/readyz` are.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// Where `/v1/traces`, `/v1/metrics` and `/v1/logs` are.
    pub fn otlp_address(&self) -> SocketAddr {
        self.otlp
    }

    /// Takes no more requests, lets those under way end and passes on what waits for it, `grace` long at most.
    pub async fn shutdown(mut self, grace: Duration) {
        self.stop.send_replace(true);
        // The reader and the forwarder end with the last request that could use them.
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
