//! `fermyon:spin/variables@2.0.0` for an instance.

use super::Instance;
use crate::manifest::variables::check_name;
use bindings::fermyon::spin::variables::{Error, Host};

/// Bindings to the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        world: "variables",
        path: "wit",
        imports: { default: async | trappable },
    });
}

impl Host for Instance {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        let _span = self.outbound.trace.variable(&name);
        if let Err(reason) = check_name(&name) {
            return Ok(Err(Error::InvalidName(reason)));
        }
        let grants = &self.outbound.grants;
        let undefined = || Error::Undefined(format!("no variable for {:?}.{name:?}", &*grants.component));
        Ok(grants.variables.get(&name).cloned().ok_or_else(undefined))
    }
}
