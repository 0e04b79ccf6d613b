//! What both components speak: requests and answers over `wasi:http`, problem documents, request ids, log lines,
//! the database, and the limits of an audit event.
//!
//! Everything is synchronous. A database call blocks the guest anyway, and whatever else waits here waits for one
//! pollable and a clock (see [`clock::Deadline`]), so there is nothing an executor could interleave.

pub mod body;
pub mod clock;
pub mod context;
pub mod db;
pub mod error;
pub mod event;
pub mod json;
pub mod log;
pub mod problem;
pub mod request;
pub mod response;
pub mod route;
pub mod stream;

pub use error::Error;
