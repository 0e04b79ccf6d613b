//! What all requests of one host share.

mod admission;

pub use admission::Place;

use crate::component::Component;
use crate::config::Config;
use crate::error::Error;
use crate::instance::Services;
use crate::manifest::Manifest;
use crate::manifest::routes::Router;
use crate::manifest::variables::{Variables, environment};
use crate::trace::Trace;
use admission::Admission;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A loaded application and the state of serving it.
pub struct Application {
    /// The components that a trigger names, by their id.
    pub components: HashMap<String, Arc<Component>>,
    /// Which component answers a path.
    pub router: Router,
    /// Where the spans of requests hang.
    pub trace: Trace,
    /// What the instances share.
    pub services: Arc<Services>,
    /// Places for requests from clients.
    pub admission: Admission,
    /// Places for chained calls. In a common set, callers could hold all places and wait for callees that get none.
    pub chained: Admission,
    /// Where instances go on after their response.
    pub runtime: Handle,
    /// Connections and instances still at work.
    pub tasks: TaskTracker,
    /// Cancelled when no new requests are accepted.
    pub stop: CancellationToken,
    /// Cancelled when all work has to end.
    pub abort: CancellationToken,
}

impl Application {
    /// Reads the manifest and loads all components.
    ///
    /// # Errors
    /// Those of the manifest, its variables and its components.
    pub fn load(config: Config, trace: Trace) -> Result<Self, Error> {
        let (manifest, folder) = Manifest::read(&config.manifest)?;
        let variables = Variables::resolve(&manifest.variables, &config.variables, environment()?)?;
        let router = Router::new(&manifest.trigger.http);
        let router = router.map_err(|reason| Error::Manifest(config.manifest.clone(), reason))?;
        let load = |(id, declared): (&String, _)| {
            let component = Component::load(id, declared, &folder, &variables)?;
            Ok::<_, Error>((id.clone(), Arc::new(component)))
        };
        let mut components = manifest.component.iter().map(load).collect::<Result<HashMap<_, _>, _>>()?;
        // Nobody can call a component without a trigger.
        components.retain(|id, _| manifest.trigger.http.iter().any(|trigger| trigger.component == *id));
        let limits = config.limits;
        Ok(Self {
            components,
            router,
            trace,
            admission: Admission::new(limits.instances, limits.queue, limits.queue_wait),
            chained: Admission::new(limits.instances, 0, limits.queue_wait),
            services: Arc::new(Services::new(limits, config.log)),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        })
    }
}
