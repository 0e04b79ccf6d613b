//! What the statements decided.

/// An item, and its entity tag.
#[derive(Debug)]
pub struct Item {
    /// Without quotes.
    pub tag: String,
    /// The item as clients see it.
    pub json: String,
}

/// The outcome of a create.
#[derive(Debug)]
pub enum Created {
    /// A new item.
    New { id: i64, item: Item },
    /// The item that the first request with this key created, as it was then.
    Replayed { id: i64, item: Item },
    /// The key belongs to a request with another body.
    KeyConflict,
}

/// The outcome of a get.
#[derive(Debug)]
pub enum Read {
    /// The item.
    Found(Item),
    /// The client has this version already.
    NotModified { tag: String },
    /// No item has this id.
    NotFound,
}

/// The outcome of an update or a delete.
#[derive(Debug)]
pub enum Changed<T> {
    /// It was done.
    Done(T),
    /// No item has this id.
    NotFound,
    /// The item has another version than the client asked for.
    PreconditionFailed,
}

/// One page of the list.
#[derive(Debug)]
pub struct Page {
    /// A JSON array of items.
    pub json: String,
    /// The id behind which the next page starts; `None` on the last page.
    pub next: Option<i64>,
}

/// A part of a full list.
#[derive(Debug)]
pub struct Chunk {
    /// Items as JSON objects, joined by commas.
    pub items: String,
    /// The id of the last of them.
    pub last: i64,
}

/// The outbox, as readiness reports it.
#[derive(Debug)]
pub struct Backlog {
    /// Waiting events, counted up to 10 001.
    pub waiting: i64,
    /// Age of the oldest waiting event.
    pub oldest_seconds: f64,
    /// The last attempt to reach audit failed.
    pub failing: bool,
}

/// What there is for the relay to do.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Events to deliver, as a JSON array, and their places in the outbox in the same order.
    Batch { seqs: Vec<i64>, events: String },
    /// No event waits; the lease is free.
    Drained,
    /// Another instance has the lease.
    Lost,
}
