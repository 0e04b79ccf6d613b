//! Limits of the audit event's way from items to audit. The events themselves are made by the database; the relay passes
//! their text on, and audit checks it.

/// Events in one request to audit.
pub const MAX_EVENTS: usize = 500;

/// Bytes of one request to audit: twice what the relay's batches hold.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// Where audit takes events.
pub const PATH: &str = "/events";
