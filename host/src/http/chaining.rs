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
    fn has(&self, callee: &str) -> bool {
        self.components.contains_key(callee)
    }

    fn call(self: Arc<Self>, callee: String, trace: Trace, mut request: Request<WasiBody>) -> Responding {
        Box::pin(async move {
            let component = self.components.get(&callee).ok_or(Error::DestinationNotFound)?;
            if let Err(reason) = request::complete(&mut request, &Origin::Chained) {
                return Ok(response::invalid(&self.services.log, component, &reason));
            }
            let Some(place) = self.chained.enter().await else {
                return Ok(response::busy());
            };
            Ok(run::respond(&self, component, request, trace, place).await)
        })
    }
}
