//! A small synchronous web toolkit over `wasi:http`: skip it unless you want to know how a request is read or a
//! response sent. Nothing in it knows of items, audit or a database.
//!
//! A component describes itself with a [`Service`] (a name and a table of routes) and passes each request to [`serve`],
//! which returns once the response is sent and logged, and the rest of a refused body is read and dropped. Everything is synchronous: an instance serves one request, and
//! whatever it waits for is one pollable and a clock (see [`clock::Deadline`]), so an executor would have nothing to
//! do.
//!
//! # Layout
//! - [`service`]: one request from its head to its log line
//! - [`route`]: a line of the route table, and the search for the one that a request matches
//! - [`request`], [`headers`], [`body`]: what came in
//! - [`context`]: request id, trace id and caller, which join response, log line and audit event
//! - [`response`], [`stream`]: what goes out
//! - [`error`], [`problem`]: refused requests, as problem documents (RFC 9457)
//! - [`json`]: reading strictly, writing objects
//! - [`log`]: log lines
//! - [`clock`]: deadlines, pauses, timestamps

pub mod body;
pub mod clock;
pub mod context;
pub mod error;
pub mod headers;
pub mod json;
pub mod log;
pub mod problem;
pub mod request;
pub mod response;
pub mod route;
pub mod service;
pub mod stream;

pub use context::Context;
pub use error::{Error, causes};
pub use headers::Headers;
pub use request::{Method, Request};
pub use response::Response;
pub use route::Route;
pub use service::{Failure, Service, State, serve};
