//! Calls from one component of the application to another, within the process.

use crate::app::App;
use crate::component::Component;
use crate::request;
use crate::route::Origin;
use crate::server;
use crate::trace::Trace;
use http::{Request, Response, Uri};
use std::sync::Arc;
use wasmtime_wasi_http::{Error, WasiBody};

const DOMAIN: &str = "spin.internal";

/// The component a URL such as `http://audit.spin.internal` names.
pub fn target(uri: &Uri) -> Option<&str> {
    component_of(uri.host()?)
}

/// The component a host such as `audit.spin.internal:80` names.
pub fn component_of(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (component, domain) = host.split_once('.')?;
    (domain == DOMAIN).then_some(component)
}

/// Lets `callee` answer a request of `caller`. The called guest runs on even when the caller drops the call.
pub async fn call(
    app: &Arc<App>,
    caller: &Component,
    callee: String,
    depth: usize,
    trace: Trace,
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let Some(component) = app.components.get(&callee) else {
        app.log.host(&caller.id, format!("a call to component {callee} failed: the application has no such component"));
        return Err(Error::DestinationNotFound);
    };
    if depth >= app.limits.chain_depth {
        app.log.host(&caller.id, format!("a call to component {callee} is refused: {depth} calls deep already"));
        return Err(Error::LoopDetected);
    }
    let Some(place) = app.chained.enter().await else {
        return Ok(server::busy());
    };
    request::complete(&mut request, &Origin::Chained)
        .map_err(|reason| Error::InternalError(Some(reason.to_string())))?;
    Ok(crate::run::respond(app, component, request, depth + 1, trace, place).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_label_below_the_domain_names_a_component() {
        assert_eq!(component_of("audit.spin.internal"), Some("audit"));
        assert_eq!(component_of("audit.spin.internal:80"), Some("audit"));
        for host in ["spin.internal", "a.b.spin.internal", "audit.spin.internal.example", "audit"] {
            assert_eq!(component_of(host), None, "{host}");
        }
    }
}
