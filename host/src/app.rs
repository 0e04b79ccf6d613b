//! What all requests of one host share.

use crate::admission::Admission;
use crate::client::Client;
use crate::component::Component;
use crate::config::Config;
use crate::error::Error;
use crate::limits::Limits;
use crate::log::Log;
use crate::manifest::Manifest;
use crate::postgres::Pools;
use crate::route::Router;
use crate::trace::Trace;
use crate::variables::{self, Variables};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub struct App {
    pub name: String,
    pub version: Option<String>,
    pub components: HashMap<String, Arc<Component>>,
    pub router: Router,
    pub limits: Limits,
    pub log: Log,
    /// Where the spans of requests hang.
    pub trace: Trace,
    pub pools: Pools,
    pub client: Client,
    /// Guests for requests from outside.
    pub admission: Admission,
    /// Guests for chained calls. They have places of their own: with one set for both, callers could hold all places and wait for callees that get none.
    pub chained: Admission,
    /// Where the application itself is reached.
    pub address: SocketAddr,
    pub runtime: Handle,
    /// Connections and guests still at work.
    pub tasks: TaskTracker,
    /// No new requests.
    pub stop: CancellationToken,
    /// No more work either.
    pub abort: CancellationToken,
}

impl App {
    /// Reads the manifest and loads all components; `address` is where the application is going to listen.
    pub fn load(config: Config, address: SocketAddr, trace: Trace) -> Result<Self, Error> {
        let (manifest, folder) = Manifest::read(&config.manifest)?;
        let variables = Variables::resolve(&manifest.variables, &config.variables, variables::environment())?;
        let router = Router::new(&manifest.trigger.http)
            .map_err(|reason| Error::Manifest { file: config.manifest.clone(), reason })?;
        let components = std::thread::scope(|scope| {
            let load = |(id, declared)| {
                let (id, folder, variables): (&String, _, _) = (id, &folder, &variables);
                scope.spawn(move || Ok((id.clone(), Arc::new(Component::load(id, declared, folder, variables)?))))
            };
            let loading: Vec<_> = manifest.component.iter().map(load).collect();
            let joined = loading.into_iter().map(|component| component.join().map_err(|_| panicked())?);
            joined.collect::<Result<_, Error>>()
        })?;
        let limits = config.limits;
        Ok(Self {
            name: manifest.application.name,
            version: manifest.application.version,
            components,
            router,
            pools: Pools::default(),
            client: Client::new(),
            admission: Admission::new(limits.guests, limits.queue, limits.queue_wait),
            chained: Admission::new(limits.guests, 0, limits.queue_wait),
            limits,
            log: config.log,
            trace,
            address,
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        })
    }
}

fn panicked() -> Error {
    Error::Engine("the compiler panicked".to_owned())
}
