//! Stores audit events. Internal: nothing outside the application reaches it.
//!
//! # Layout
//! - [`routes`]: every path and method, and the handler of each
//! - [`handlers`]: what the routes do
//! - [`event`]: what a valid event is
//! - [`store`]: the statements, each one function of the schema
//! - [`error`]: why events were not stored, and the response that becomes

pub mod error;
pub mod event;
pub mod handlers;
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
        http_toolkit::serve(&crate::routes::AUDIT, incoming, out);
    }
}
