//! The statements of items. Each calls one function of the schema, which does all of its work or none; what it decided
//! comes back as a row. The column `relay` is the holder of the lease, if this very statement obtained it.

mod outcome;

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use http_toolkit::{Context, State};
use shared::Error;
use shared::database::{self, Connection, Row};
use spin_sdk::pg4::ParameterValue;

use crate::caller;
use crate::input::Input;
pub use outcome::{Backlog, Changed, Chunk, Created, Item, Next, Page, Read};

/// Inserts an item and its event. With a key of the last 24 hours it inserts the event only: `replayed` returns the
/// item as it was created, `key_conflict` means another body. A created item has version 1.
pub const CREATE: &str = "SELECT outcome, id, item_tag(1), item, relay FROM items_create($1, $2, $3, $4, $5, $6, $7)";

/// Reads one item and writes the event; `not_modified` if the client has its version.
pub const GET: &str =
    "SELECT outcome, item_tag(version), item, relay FROM items_get($1, item_versions($2), $3, $4, $5, $6)";

/// Reads one page, as JSON text, and writes the event.
pub const LIST: &str = "SELECT items, next, relay FROM items_list($1, $2, $3, $4, $5, $6)";

/// Begins a full list: fixes its last id, counts it and writes the event, before the first item is sent. Does not try
/// to get the lease.
const STREAM: &str = "SELECT last, count FROM items_stream($1, $2, $3, $4, $5)";

/// Reads the next chunk of a full list, as large as `items_chunk` makes it. Writes nothing.
const CHUNK: &str = "SELECT items, last FROM items_chunk($1, $2)";

/// Replaces an item, if its version is one of those given, and writes the event.
const UPDATE: &str = "SELECT outcome, item_tag(version), item, relay \
                      FROM items_update($1, $2, $3, item_versions($4), $5, $6, $7, $8)";

/// Deletes an item, if its version is one of those given, and writes the event.
const DELETE: &str = "SELECT outcome, relay FROM items_delete($1, item_versions($2), $3, $4, $5, $6)";

/// Fails unless an event can be stored. Counts the waiting events, and tries to get the lease if there are any.
pub const READY: &str = "SELECT waiting, oldest_seconds, failing, relay FROM items_ready()";

/// Tries to get the lease if events wait; no row otherwise.
pub const RELAY_TAKE: &str = "SELECT relay FROM relay_take()";

/// Removes the delivered events, renews the lease, reads the next batch. No row: the lease is lost. NULLs: no event
/// waits, and the lease is free.
pub const RELAY_NEXT: &str = "SELECT seqs, events FROM relay_next($1, $2, $3)";

/// Removes the delivered events and frees the lease.
pub const RELAY_RELEASE: &str = "SELECT relay_release($1, $2)";

/// Lets nobody have the lease for 1 to 30 seconds: longer after each failure.
pub const RELAY_FAIL: &str = "SELECT relay_fail($1, $2)";

/// Moves one event out of the outbox into `audit_refused`, with the reason of audit, and renews the lease.
pub const RELAY_REFUSE: &str = "SELECT relay_refuse($1, $2, $3)";

/// Every statement above.
pub const STATEMENTS: [&str; 13] = [
    CREATE,
    GET,
    LIST,
    STREAM,
    CHUNK,
    UPDATE,
    DELETE,
    READY,
    RELAY_TAKE,
    RELAY_NEXT,
    RELAY_RELEASE,
    RELAY_FAIL,
    RELAY_REFUSE,
];

/// The database during one request: at most one connection, opened when first needed.
#[derive(Default)]
pub struct Store {
    address: OnceCell<String>,
    connection: Cell<Option<Connection>>,
    lease: Cell<Option<String>>,
    /// An event was written by a statement that does not try to get the lease.
    lease_untried: Cell<bool>,
    spent: Cell<Option<Duration>>,
}

impl State for Store {
    fn release(&self) -> Option<Duration> {
        self.return_connection();
        self.spent.get()
    }
}

impl Store {
    /// Creates an item, once for each `key` within 24 hours.
    ///
    /// # Errors
    /// As of all statements here: [`Error`], after which the outcome is unknown.
    pub fn create(&self, context: &Context, input: &Input, key: Option<&str>) -> Result<Created, Error> {
        let own = [text(&input.name), text(&input.description), database::text(key)];
        let mut row = self.operation(context, CREATE, own)?;
        let (outcome, id, tag, item) = (row.text()?, row.integer()?, row.text()?, row.text()?);
        self.keep_lease(row.text()?);
        let (id, tag) = (row.present(id)?, row.present(tag)?);
        match outcome.as_deref() {
            Some("ok") => Ok(Created::New { id, item: Item { tag, json: row.present(item)? } }),
            Some("replayed") => Ok(Created::Replayed { id, item: Item { tag, json: row.present(item)? } }),
            Some("key_conflict") => Ok(Created::KeyConflict),
            _ => Err(Error::Shape(CREATE)),
        }
    }

    /// Reads an item. `none_match`: the tags the client has; see [`crate::headers::if_none_match`].
    pub fn get(&self, context: &Context, id: i64, none_match: Option<&str>) -> Result<Read, Error> {
        let own = [ParameterValue::Int64(id), database::text(none_match)];
        let mut row = self.operation(context, GET, own)?;
        let (outcome, tag, item) = (row.text()?, row.text()?, row.text()?);
        self.keep_lease(row.text()?);
        match outcome.as_deref() {
            Some("ok") => Ok(Read::Found(Item { tag: row.present(tag)?, json: row.present(item)? })),
            Some("not_modified") => Ok(Read::NotModified { tag: row.present(tag)? }),
            Some("not_found") => Ok(Read::NotFound),
            _ => Err(Error::Shape(GET)),
        }
    }

    /// Reads a page of up to `limit` items behind the id `after`.
    pub fn list(&self, context: &Context, after: i64, limit: i32) -> Result<Page, Error> {
        let own = [ParameterValue::Int64(after), ParameterValue::Int32(limit)];
        let mut row = self.operation(context, LIST, own)?;
        let (json, next) = (row.text()?, row.integer()?);
        self.keep_lease(row.text()?);
        Ok(Page { json: row.present(json)?, next })
    }

    /// Begins a full list behind the id `after`: its last id, and how many items it has.
    pub fn stream(&self, context: &Context, after: i64) -> Result<(i64, i64), Error> {
        let mut row = self.operation(context, STREAM, [ParameterValue::Int64(after)])?;
        let (last, count) = (row.integer()?, row.integer()?);
        self.lease_untried.set(true);
        Ok((row.present(last)?, row.present(count)?))
    }

    /// Reads the chunk of a full list behind the id `after`; `None` if no item is left.
    pub fn chunk(&self, after: i64, last: i64) -> Result<Option<Chunk>, Error> {
        let Some(mut row) = self.query(CHUNK, &[ParameterValue::Int64(after), ParameterValue::Int64(last)])? else {
            return Ok(None);
        };
        let (items, last) = (row.text()?, row.integer()?);
        Ok(Some(Chunk { items: row.present(items)?, last: row.present(last)? }))
    }

    /// Replaces an item. `matching`: the tags of what may be replaced; `None` for any.
    pub fn update(
        &self,
        context: &Context,
        id: i64,
        input: &Input,
        matching: Option<&str>,
    ) -> Result<Changed<Item>, Error> {
        let own = [ParameterValue::Int64(id), text(&input.name), text(&input.description), database::text(matching)];
        let mut row = self.operation(context, UPDATE, own)?;
        let (outcome, tag, item) = (row.text()?, row.text()?, row.text()?);
        self.keep_lease(row.text()?);
        match outcome.as_deref() {
            Some("ok") => Ok(Changed::Done(Item { tag: row.present(tag)?, json: row.present(item)? })),
            Some("not_found") => Ok(Changed::NotFound),
            Some("precondition_failed") => Ok(Changed::PreconditionFailed),
            _ => Err(Error::Shape(UPDATE)),
        }
    }

    /// Deletes an item. `matching`: the tags of what may be deleted; `None` for any.
    pub fn delete(&self, context: &Context, id: i64, matching: Option<&str>) -> Result<Changed<()>, Error> {
        let own = [ParameterValue::Int64(id), database::text(matching)];
        let mut row = self.operation(context, DELETE, own)?;
        let outcome = row.text()?;
        self.keep_lease(row.text()?);
        match outcome.as_deref() {
            Some("ok") => Ok(Changed::Done(())),
            Some("not_found") => Ok(Changed::NotFound),
            Some("precondition_failed") => Ok(Changed::PreconditionFailed),
            _ => Err(Error::Shape(DELETE)),
        }
    }

    /// Whether an operation can be done, for readiness, and how the outbox is.
    pub fn backlog(&self) -> Result<Backlog, Error> {
        caller::trusted_proxies()?;
        database::lacks_nothing(self.query(database::LACKING, &[ParameterValue::Str(STATEMENTS.concat())])?)?;
        let mut row = self.query(READY, &[])?.ok_or(Error::Shape(READY))?;
        let (waiting, oldest, failing) = (row.integer()?, row.float()?, row.boolean()?);
        self.keep_lease(row.text()?);
        Ok(Backlog {
            waiting: row.present(waiting)?,
            oldest_seconds: row.present(oldest)?,
            failing: row.present(failing)?,
        })
    }

    /// Takes the lease if it is free and events wait; returns its holder.
    pub fn relay_take(&self) -> Result<Option<String>, Error> {
        self.query(RELAY_TAKE, &[])?.map_or(Ok(None), |mut row| row.text())
    }

    /// Removes the events `done` and reads the next batch of up to `most` events.
    pub fn relay_next(&self, holder: &str, done: &[i64], most: u16) -> Result<Next, Error> {
        let parameters = [text(holder), database::integers(done), ParameterValue::Int32(most.into())];
        let Some(mut row) = self.query(RELAY_NEXT, &parameters)? else {
            return Ok(Next::Lost);
        };
        match (row.integers()?, row.text()?) {
            (Some(seqs), Some(events)) => Ok(Next::Batch { seqs, events }),
            _ => Ok(Next::Drained),
        }
    }

    /// Removes the events `done` and frees the lease.
    pub fn relay_release(&self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.query(RELAY_RELEASE, &[text(holder), database::integers(done)]).map(drop)
    }

    /// Records a failure of audit and keeps the lease from everybody for a while.
    pub fn relay_fail(&self, holder: &str, reason: &str) -> Result<(), Error> {
        self.query(RELAY_FAIL, &[text(holder), text(reason)]).map(drop)
    }

    /// Moves the event `seq` to the refused ones.
    pub fn relay_refuse(&self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        self.query(RELAY_REFUSE, &[text(holder), ParameterValue::Int64(seq), text(reason)]).map(drop)
    }

    /// Returns the connection to the host's pool. Always done before waiting for anybody: the pool has 64 connections,
    /// and 64 waiting instances would hold them all.
    pub fn return_connection(&self) {
        self.connection.take();
    }

    /// The holder of the lease, if this request obtained it.
    pub fn lease(&self) -> Result<Option<String>, Error> {
        match self.lease.take() {
            None if self.lease_untried.get() => self.relay_take(),
            holder => Ok(holder),
        }
    }

    fn keep_lease(&self, holder: Option<String>) {
        if holder.is_some() {
            self.lease.set(holder);
        }
    }

    /// Runs an audited operation: its own parameters, then those that the event names.
    fn operation<const N: usize>(
        &self,
        context: &Context,
        statement: &'static str,
        own: [ParameterValue; N],
    ) -> Result<Row, Error> {
        let mut parameters = Vec::with_capacity(N + 4);
        parameters.extend(own);
        parameters.push(text(&context.request_id));
        parameters.push(database::text(context.trace_id.as_deref()));
        parameters.push(database::text(caller::actor(context)?));
        parameters.push(database::text(caller::address(context)?.as_deref()));
        self.query(statement, &parameters)?.ok_or(Error::Shape(statement))
    }

    fn query(&self, statement: &'static str, parameters: &[ParameterValue]) -> Result<Option<Row>, Error> {
        let begun = Instant::now();
        let result = self.connection().and_then(|connection| {
            let result = connection.query(statement, parameters);
            self.connection.set(Some(connection));
            result
        });
        self.spent.set(Some(self.spent.get().unwrap_or_default() + begun.elapsed()));
        result
    }

    /// The connection of this request, out of its place.
    fn connection(&self) -> Result<Connection, Error> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        if let Some(address) = self.address.get() {
            return Connection::open(address);
        }
        let address = database::address()?;
        Connection::open(self.address.get_or_init(|| address))
    }
}

fn text(value: &str) -> ParameterValue {
    ParameterValue::Str(value.to_owned())
}
