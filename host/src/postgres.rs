//! Pooled sessions with PostgreSQL servers, and their results in the types of `spin:postgres@4.0.0`.

mod failure;
mod pool;
mod session;
mod values;
mod wire;

pub use pool::{Connection, Pools};

/// Bindings to the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        world: "postgres",
        path: "wit",
        imports: { default: async | trappable },
        with: { "spin:postgres/postgres.connection": super::Connection },
    });
}
