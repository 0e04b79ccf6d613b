//! Bindings to the interfaces of Spin, from the host's own definitions.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    world: "guest",
    path: "../../host/wit",
    generate_all,
});
