//! Bindings to the interfaces of Spin that guests may import.

wasmtime::component::bindgen!({
    world: "guest",
    path: "wit",
    imports: { default: async | trappable },
    with: { "spin:postgres/postgres.connection": crate::postgres::Connection },
});
