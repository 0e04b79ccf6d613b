//! The public REST API over the items table. Every operation is one statement, which also writes its audit event; the
//! instance whose statement obtained the lease relays waiting events to audit after its response.
//!
//! # Layout
//! - [`routes`]: every path and method, and the handler of each
//! - [`handlers`]: one file per resource; they read a request with [`query`], [`headers`] and [`input`]
//! - [`caller`]: who called, for the trail
//! - [`store`]: the statements, each one function of the schema
//! - [`relay`]: what runs after the response, its log line and the rest of a refused body
//! - [`error`]: why a request was not served, and the response that becomes

pub mod caller;
pub mod error;
pub mod handlers;
pub mod headers;
pub mod input;
pub mod query;
pub mod relay;
pub mod routes;
pub mod store;

pub use error::Error;

// Only for WebAssembly: a native library cannot export a name such as wasi:http/incoming-handler@0.2.0#handle.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code)] // in what the attribute expands to
mod component {
    use spin_sdk::http::{IncomingRequest, ResponseOutparam};

    #[spin_sdk::http_component]
    async fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
        if let Some((request, store)) = http_toolkit::serve(&crate::routes::ITEMS, incoming, out) {
            crate::relay::run(&store, &request.context);
        }
    }
}
