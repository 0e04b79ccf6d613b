//! Runs `SELECT 1` and answers 200 without a body.

// Only for WebAssembly: a native library cannot export a name such as wasi:http/incoming-handler@0.2.0#handle.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code)] // in what the attribute expands to
mod component {
    use spin_sdk::http::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
    use spin_sdk::{pg4, variables};

    #[spin_sdk::http_component]
    async fn handle(_: IncomingRequest, out: ResponseOutparam) {
        let address = variables::get("db_url").expect("the manifest declares it");
        let connection = pg4::Connection::open(&address).expect("the database accepts connections");
        connection.query("SELECT 1", &[]).expect("the database answers");
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("the body of a new response was not taken");
        out.set(response);
        _ = OutgoingBody::finish(body, None);
    }
}
