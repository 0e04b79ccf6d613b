//! Stores audit events. Internal: nothing outside the application reaches it.

pub mod error;
pub mod event;
pub mod exchange;
pub mod routes;
pub mod store;

pub use error::Error;

// Only where it can be linked: a native library cannot export a name such as wasi:http/incoming-handler@0.2.0#handle.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code)] // in what the attribute expands to
mod component {
    use spin_sdk::http::{IncomingRequest, ResponseOutparam};

    #[spin_sdk::http_component]
    async fn handle(request: IncomingRequest, out: ResponseOutparam) {
        crate::exchange::serve(request, out);
    }
}
