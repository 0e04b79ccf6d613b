//! Chaining: calls from one component of the application to another, within the process.

use super::headers::Origin;
use super::{request, response, run};
use crate::application::Application;
use crate::instance::outbound::{Chaining, Responding};
use crate::trace::Trace;
use http::Request;
use std::sync::Arc;
use wasmtime_wasi_http::{Error, WasiBody};

impl Chaining for Application {
    fn call(
        self: Arc<Self>,
        caller: Arc<str>,
        callee: String,
        trace: Trace,
        mut request: Request<WasiBody>,
    ) -> Responding {
        Box::pin(async move {
            let Some(component) = self.components.get(&callee) else {
                let text = format!("a call to component {callee} failed: the application has no such component");
                self.services.log.host(&caller, text);
                return Err(Error::DestinationNotFound);
            };
            let Some(place) = self.chained.enter().await else {
                return Ok(response::busy());
            };
            request::complete(&mut request, &Origin::Chained)
                .map_err(|reason| Error::InternalError(Some(reason.to_string())))?;
            Ok(run::respond(&self, component, request, trace, place).await)
        })
    }
}
