//! Limits of a request to audit. The database makes the events; the relay passes their text on, and audit checks it.

/// The most events in one request.
pub const MAX_EVENTS: u16 = 500;

/// The most bytes of one request: twice what a batch of the relay holds.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// The path where audit accepts events.
pub const PATH: &str = "/events";
