//! A host for development and tests that runs a `spin.toml` as Spin 3.6 does. The README holds the contract.
//!
//! # Layout
//! From a request downwards; a module uses only modules below it, apart from its own submodules.
//! - `main`: the command `host`.
//! - `host`: a running application, from start to shutdown.
//! - `http`: from a client's connection to the response.
//!   - `listener` accepts connections and routes requests.
//!   - `chaining` answers calls from one component to another within the process.
//!   - `run` runs one instance for one request; `response` is what it sends.
//!   - `request` checks a request before a component gets it; `headers` adds the `spin-*` headers.
//!   - `body` is the body of a request, and reads what no component wants of it.
//! - `application`: what all requests share; `admission` limits how many run at once.
//! - `component`: a `.wasm` file compiled and linked; `engine` holds the WebAssembly engine.
//! - `instance`: one running copy of a component, and what it may touch.
//!   - `database`, `variables` and `outbound` (through `client`) implement the interfaces it imports.
//!   - `output` turns its stdout and stderr into lines; `meter` measures its CPU time.
//! - `postgres`: sessions with database servers.
//!   - `pool` keeps them; `session` runs statements over its `wire`.
//!   - `values` converts parameters and rows, `failure` errors.
//! - `manifest`: `spin.toml`.
//!   - `grants` are what one component may use: its `variables` and its `allow_list`.
//!   - `routes` finds the component for a path; `internal_host` is the name by which components call each other.
//! - `trace`: spans; `export` sends them.
//! - `config`: how to start a host, and its limits.
//! - `log`: lines of components and of the host.
//! - `error`: why a host did not start.

mod application;
mod component;
mod config;
mod error;
mod host;
mod http;
mod instance;
mod log;
mod manifest;
mod postgres;
mod trace;

pub use config::{Config, Limits};
pub use error::Error;
pub use host::Host;
pub use log::{Line, Lines, Log, Source};
pub use manifest::variables;
pub use trace::receiver;
