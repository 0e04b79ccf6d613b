//! A host for development and tests that runs a `spin.toml` as Spin 3.6 does.

mod admission;
mod allow;
mod app;
mod bindings;
mod chain;
mod client;
mod component;
mod config;
mod engine;
mod error;
mod guest;
mod host;
mod limits;
mod log;
mod manifest;
mod meter;
mod outbound;
mod postgres;
mod request;
mod route;
mod run;
mod server;
mod trace;
pub mod variables;

pub use config::Config;
pub use error::Error;
pub use host::Host;
pub use limits::Limits;
pub use log::{Line, Lines, Log, Source};
pub use trace::receiver;
