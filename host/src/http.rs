//! HTTP/1.1, from a client's connection to the response of a component.

mod body;
mod chaining;
mod headers;
pub mod listener;
mod request;
mod response;
mod run;
