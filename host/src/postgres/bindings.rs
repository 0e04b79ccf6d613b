//! Bindings to the interface.

wasmtime::component::bindgen!({
    world: "postgres",
    path: "wit",
    imports: { default: async | trappable },
    with: { "spin:postgres/postgres.connection": super::pool::Connection },
});
