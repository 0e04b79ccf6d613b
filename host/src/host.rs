//! A running host.

use crate::app::App;
use crate::config::Config;
use crate::error::Error;
use crate::guest::Guest;
use crate::server;
use crate::trace::{Exporter, Trace};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An application that is being served. Dropping it stops all work at once; [`Host::shutdown`] lets it end.
pub struct Host {
    app: Arc<App>,
    exporter: Option<Exporter>,
}

impl Host {
    /// Loads the application, binds its address and serves it in background tasks.
    ///
    /// # Errors
    /// Each is one line that says what to do.
    pub async fn start(config: Config) -> Result<Self, Error> {
        allow_descriptors();
        let listener = bind(config.listen).await?;
        let address = listener.local_addr().map_err(|source| Error::Listen { address: config.listen, source })?;
        let exporter = config.spans.as_ref().map(|url| Exporter::start(url, config.log.clone())).transpose()?;
        let trace = exporter.as_ref().map_or_else(Trace::default, Exporter::trace);
        // Compiling takes seconds when the cache is cold; other tasks go on meanwhile.
        let loading = tokio::task::spawn_blocking(move || App::load(config, address, trace));
        let app = Arc::new(loading.await.map_err(|error| Error::Engine(error.to_string()))??);
        tokio::spawn(server::serve(app.clone(), listener));
        Ok(Self { app, exporter })
    }

    pub fn address(&self) -> SocketAddr {
        self.app.address
    }

    /// How long an instance of each component takes to be made ready and to be gone again, without a call: the mean of `count`.
    ///
    /// # Errors
    /// [`Error::Engine`] when one cannot be started.
    pub async fn time_starts(&self, count: u32) -> Result<Vec<(Arc<str>, Duration)>, Error> {
        let mut times = Vec::new();
        for component in self.app.components.values() {
            let begun = Instant::now();
            for _ in 0..count {
                let mut store = Guest::store(&self.app, component, 0, Trace::default());
                let started = component.pre.instantiate_async(&mut store).await;
                started.map_err(|error| Error::Engine(error.to_string()))?;
            }
            times.push((component.id.clone(), begun.elapsed() / count.max(1)));
        }
        Ok(times)
    }

    /// Accepts nothing new and waits until requests and the work after them have ended, at most for `grace`; what is left then is stopped.
    pub async fn shutdown(self, grace: Duration) {
        self.app.stop.cancel();
        self.app.tasks.close();
        if tokio::time::timeout(grace, self.app.tasks.wait()).await.is_err() {
            self.app.abort.cancel();
            self.app.tasks.wait().await;
        }
        if let Some(exporter) = &self.exporter {
            exporter.shutdown().await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.app.stop.cancel();
        self.app.abort.cancel();
    }
}

/// What `spin up` prints when it serves: the address and the routes.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = format!("http://{}", self.app.address);
        write!(f, "\nServing {url}\nAvailable Routes:")?;
        for (route, component) in self.app.router.list() {
            write!(f, "\n  {component}: {url}{route}")?;
            if let Some(description) = &self.app.components[component].description {
                write!(f, "\n    {description}")?;
            }
        }
        Ok(())
    }
}

/// What a shell allows, often 1024 open files, is less than the connections of clients and those to the database together.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is not permitted, the limit stays and connections wait for one another.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => Error::AddressInUse(address),
        _ => Error::Listen { address, source },
    })
}
