//! A running host.

use crate::application::Application;
use crate::config::Config;
use crate::error::Error;
use crate::http::listener;
use crate::trace::{Exporter, Trace};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// An application that is being served. Dropping it stops all work at once; [`Host::shutdown`] lets it end.
pub struct Host {
    application: Arc<Application>,
    address: SocketAddr,
    exporter: Option<Exporter>,
}

impl Host {
    /// Loads the application, listens on its address and serves it in background tasks.
    ///
    /// # Errors
    /// Each variant of [`Error`]. The address is reserved before the manifest is read, but connections are refused until
    /// all components are loaded.
    pub async fn start(config: Config) -> Result<Self, Error> {
        raise_open_files();
        let wanted = config.listen;
        let refuse = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::AddressInUse(wanted),
            _ => Error::Listen(wanted, source),
        };
        let socket = reserve(wanted).map_err(refuse)?;
        let exporter = config.spans.as_ref().map(|url| Exporter::start(url, config.log.clone())).transpose()?;
        let trace = exporter.as_ref().map_or_else(Trace::default, Exporter::trace);
        // Compiling takes seconds when the cache is cold; other tasks go on meanwhile.
        let loading = tokio::task::spawn_blocking(move || Application::load(config, trace));
        let application = Arc::new(loading.await.map_err(|error| Error::Engine(error.to_string()))??);
        let listener = socket.listen(BACKLOG).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        tokio::spawn(listener::serve(application.clone(), listener));
        Ok(Self { application, address, exporter })
    }

    /// Where the application listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing new, waits for requests and the work after them, at most for `grace`, and stops the rest.
    pub async fn shutdown(self, grace: Duration) {
        let Application { stop, abort, tasks, .. } = &*self.application;
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
            abort.cancel();
            tasks.wait().await;
        }
        if let Some(exporter) = &self.exporter {
            exporter.shutdown().await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.application.stop.cancel();
        self.application.abort.cancel();
    }
}

/// What `spin up` prints when it serves: the address and the routes.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = format!("http://{}", self.address);
        write!(f, "\nServing {url}\nAvailable Routes:")?;
        for (route, component) in self.application.router.list() {
            write!(f, "\n  {component}: {url}{route}")?;
            if let Some(description) = &self.application.components[component].description {
                write!(f, "\n    {description}")?;
            }
        }
        Ok(())
    }
}

/// Raises the limit of open files to the most that is permitted: shells often set 1024, fewer than the connections of
/// clients and those to the database together.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is not permitted, the limit stays and connections wait for one another.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn reserve(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise connections of the last run would keep the port for a minute.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
