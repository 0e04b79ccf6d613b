//! What the statements decide.

/// An item as JSON text, and its version.
#[derive(Debug)]
pub struct Item {
    pub version: i64,
    pub json: String,
}

#[derive(Debug)]
pub enum Created {
    New { id: i64, json: String },
    Replayed { id: i64, json: String },
    KeyConflict,
}

#[derive(Debug)]
pub enum Read {
    Found(Item),
    NotModified { version: i64 },
    NotFound,
}

#[derive(Debug)]
pub enum Changed<T> {
    Done(T),
    NotFound,
    PreconditionFailed,
}

/// A JSON array, and where the next page starts.
#[derive(Debug)]
pub struct Page {
    pub json: String,
    pub next: Option<i64>,
}

/// Items as JSON objects joined by commas; `last` is the id of the last of them.
#[derive(Debug)]
pub struct Chunk {
    pub items: String,
    pub last: i64,
}

/// The outbox as readiness sees it. `waiting` is counted up to 10 001.
#[derive(Debug)]
pub struct Backlog {
    pub waiting: i64,
    pub oldest_seconds: f64,
    /// The last attempt to reach audit failed.
    pub failing: bool,
}

/// What the relay does next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// `events` is a JSON array, `seqs` their places in the outbox in the same order.
    Batch {
        seqs: Vec<i64>,
        events: String,
    },
    Drained,
    Lost,
}
