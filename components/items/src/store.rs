//! The statements of items. Each is one function of the schema, whole or not at all; what it decided comes back as a row.
//! `relay` in a row is the holder of the relay's lease, if this very statement obtained it.

mod outcome;

use std::time::{Duration, Instant};

use shared::Error;
use shared::context::Context;
use shared::db::{self, Connection, Row};
use spin_sdk::pg4::ParameterValue;

use crate::input::Input;
pub use outcome::{Backlog, Changed, Chunk, Created, Item, Next, Page, Read};

/// Inserts an item and its event. With a key seen in the last 24 hours it inserts the event only: `replayed` gives the first
/// answer again, `key_conflict` means another body.
const CREATE: &str = "SELECT outcome, id, item, relay FROM items_create($1, $2, $3, $4, $5, $6, $7)";

/// Reads one item and writes the event; `not_modified` when the client holds its version.
const GET: &str = "SELECT outcome, version, item, relay FROM items_get($1, $2, $3, $4, $5, $6)";

/// Reads one page, as JSON text, and writes the event.
const LIST: &str = "SELECT items, next, relay FROM items_list($1, $2, $3, $4, $5, $6)";

/// Fixes the end of a whole list, counts it and writes the event: before the first item leaves. Does not try the lease.
const STREAM: &str = "SELECT last, count FROM items_stream($1, $2, $3, $4, $5)";

/// Reads the next part of a whole list: at most 500 items and 1 MiB. Writes nothing.
const CHUNK: &str = "SELECT items, last FROM items_chunk($1, $2)";

/// Replaces an item, if its version is one of those given, and writes the event.
const UPDATE: &str = "SELECT outcome, version, item, relay FROM items_update($1, $2, $3, $4, $5, $6, $7, $8)";

/// Deletes an item, if its version is one of those given, and writes the event.
const DELETE: &str = "SELECT outcome, relay FROM items_delete($1, $2, $3, $4, $5, $6)";

/// Looks at the outbox and tries the lease when something waits in it.
const READY: &str = "SELECT waiting, oldest_seconds, failing, relay FROM items_ready()";

/// Tries the lease when something waits in the outbox; no row otherwise.
const RELAY_TAKE: &str = "SELECT relay FROM relay_take()";

/// Removes what was delivered, renews the lease, reads the next batch, of so many events at most. No row: the lease is lost.
/// NULLs: nothing is left, and the lease is free.
const RELAY_NEXT: &str = "SELECT seqs, events FROM relay_next($1, $2, $3)";

/// Removes what was delivered and frees the lease.
const RELAY_RELEASE: &str = "SELECT relay_release($1, $2)";

/// Closes the lease for 1 to 30 seconds.
const RELAY_FAIL: &str = "SELECT relay_fail($1, $2)";

/// Moves one event out of the outbox, with the reason why audit will not have it, and renews the lease.
const RELAY_REFUSE: &str = "SELECT relay_refuse($1, $2, $3)";

const TRUST_ACTOR: &str = "trust_actor";

/// The database as one request uses it: at most one connection, opened when first needed.
pub struct Store<'a> {
    context: &'a Context,
    address: Option<String>,
    connection: Option<Connection>,
    lease: Option<String>,
    /// Whether an event was written by a statement that leaves the lease alone.
    lease_untried: bool,
    spent: Option<Duration>,
}

impl<'a> Store<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self { context, address: None, connection: None, lease: None, lease_untried: false, spent: None }
    }

    pub fn create(&mut self, input: &Input, key: Option<&str>) -> Result<Created, Error> {
        let own = [text(&input.name), text(&input.description), db::text(key)];
        let mut row = self.operation(CREATE, own)?;
        let (outcome, id, item) = (row.text()?, row.integer()?, row.text()?);
        self.keep_lease(row.text()?);
        let id = row.present(id)?;
        match outcome.as_deref() {
            Some("ok") => Ok(Created::New { id, json: row.present(item)? }),
            Some("replayed") => Ok(Created::Replayed { id, json: row.present(item)? }),
            Some("key_conflict") => Ok(Created::KeyConflict),
            _ => Err(Error::Shape(CREATE)),
        }
    }

    /// `none_match`: the versions the client holds, 0 for any; see [`crate::headers::if_none_match`].
    pub fn get(&mut self, id: i64, none_match: Option<&[i64]>) -> Result<Read, Error> {
        let mut row = self.operation(GET, [ParameterValue::Int64(id), db::integers(none_match)])?;
        let (outcome, version, item) = (row.text()?, row.integer()?, row.text()?);
        self.keep_lease(row.text()?);
        match outcome.as_deref() {
            Some("ok") => Ok(Read::Found(Item { version: row.present(version)?, json: row.present(item)? })),
            Some("not_modified") => Ok(Read::NotModified { version: row.present(version)? }),
            Some("not_found") => Ok(Read::NotFound),
            _ => Err(Error::Shape(GET)),
        }
    }

    pub fn list(&mut self, after: i64, limit: i32) -> Result<Page, Error> {
        let mut row = self.operation(LIST, [ParameterValue::Int64(after), ParameterValue::Int32(limit)])?;
        let (json, next) = (row.text()?, row.integer()?);
        self.keep_lease(row.text()?);
        Ok(Page { json: row.present(json)?, next })
    }

    /// The highest id of the whole list behind `after`, and how many items it has.
    pub fn stream(&mut self, after: i64) -> Result<(i64, i64), Error> {
        let mut row = self.operation(STREAM, [ParameterValue::Int64(after)])?;
        let (last, count) = (row.integer()?, row.integer()?);
        self.lease_untried = true;
        Ok((row.present(last)?, row.present(count)?))
    }

    /// The part of a whole list behind `after`; `None` when nothing is left.
    pub fn chunk(&mut self, after: i64, last: i64) -> Result<Option<Chunk>, Error> {
        let Some(mut row) = self.query(CHUNK, &[ParameterValue::Int64(after), ParameterValue::Int64(last)])? else {
            return Ok(None);
        };
        let (items, last) = (row.text()?, row.integer()?);
        Ok(Some(Chunk { items: row.present(items)?, last: row.present(last)? }))
    }

    /// `matching`: the versions that may be replaced; `None` for any.
    pub fn update(&mut self, id: i64, input: &Input, matching: Option<&[i64]>) -> Result<Changed<Item>, Error> {
        let own = [ParameterValue::Int64(id), text(&input.name), text(&input.description), db::integers(matching)];
        let mut row = self.operation(UPDATE, own)?;
        let (outcome, version, item) = (row.text()?, row.integer()?, row.text()?);
        self.keep_lease(row.text()?);
        match outcome.as_deref() {
            Some("ok") => Ok(Changed::Done(Item { version: row.present(version)?, json: row.present(item)? })),
            Some("not_found") => Ok(Changed::NotFound),
            Some("precondition_failed") => Ok(Changed::PreconditionFailed),
            _ => Err(Error::Shape(UPDATE)),
        }
    }

    /// `matching`: the versions that may be deleted; `None` for any.
    pub fn delete(&mut self, id: i64, matching: Option<&[i64]>) -> Result<Changed<()>, Error> {
        let mut row = self.operation(DELETE, [ParameterValue::Int64(id), db::integers(matching)])?;
        let outcome = row.text()?;
        self.keep_lease(row.text()?);
        match outcome.as_deref() {
            Some("ok") => Ok(Changed::Done(())),
            Some("not_found") => Ok(Changed::NotFound),
            Some("precondition_failed") => Ok(Changed::PreconditionFailed),
            _ => Err(Error::Shape(DELETE)),
        }
    }

    pub fn backlog(&mut self) -> Result<Backlog, Error> {
        let mut row = self.query(READY, &[])?.ok_or(Error::Shape(READY))?;
        let (waiting, oldest, failing) = (row.integer()?, row.float()?, row.boolean()?);
        self.keep_lease(row.text()?);
        Ok(Backlog {
            waiting: row.present(waiting)?,
            oldest_seconds: row.present(oldest)?,
            failing: row.present(failing)?,
        })
    }

    /// The lease's holder, if it is free and something waits.
    pub fn relay_take(&mut self) -> Result<Option<String>, Error> {
        self.query(RELAY_TAKE, &[])?.map_or(Ok(None), |mut row| row.text())
    }

    pub fn relay_next(&mut self, holder: &str, done: &[i64], most: i32) -> Result<Next, Error> {
        let parameters = [text(holder), db::integers(Some(done)), ParameterValue::Int32(most)];
        let Some(mut row) = self.query(RELAY_NEXT, &parameters)? else {
            return Ok(Next::Lost);
        };
        match (row.integers()?, row.text()?) {
            (Some(seqs), Some(events)) => Ok(Next::Batch { seqs, events }),
            _ => Ok(Next::Drained),
        }
    }

    pub fn relay_release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.query(RELAY_RELEASE, &[text(holder), db::integers(Some(done))]).map(drop)
    }

    pub fn relay_fail(&mut self, holder: &str, reason: &str) -> Result<(), Error> {
        self.query(RELAY_FAIL, &[text(holder), text(reason)]).map(drop)
    }

    pub fn relay_refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        self.query(RELAY_REFUSE, &[text(holder), ParameterValue::Int64(seq), text(reason)]).map(drop)
    }

    /// Gives the connection back to the host's pool. Always before waiting for anybody: 64 waiting guests are a whole pool.
    pub fn give_back(&mut self) {
        self.connection = None;
    }

    /// The holder of the relay's lease, if this request obtained it.
    pub fn lease(&mut self) -> Result<Option<String>, Error> {
        match self.lease.take() {
            None if self.lease_untried => self.relay_take(),
            holder => Ok(holder),
        }
    }

    /// Time spent on statements, the wait for a connection included; `None` without any.
    pub fn spent(&self) -> Option<Duration> {
        self.spent
    }

    fn keep_lease(&mut self, holder: Option<String>) {
        self.lease = holder.or(self.lease.take());
    }

    /// Runs an audited operation: its own parameters, then whom the event names.
    fn operation<const N: usize>(&mut self, statement: &'static str, own: [ParameterValue; N]) -> Result<Row, Error> {
        let Context { request_id, trace_id, client_addr, .. } = self.context;
        let mut parameters = Vec::with_capacity(N + 4);
        parameters.extend(own);
        parameters.push(text(request_id));
        parameters.push(db::text(trace_id.as_deref()));
        parameters.push(db::text(self.actor()?));
        parameters.push(db::text(client_addr.as_deref()));
        self.query(statement, &parameters)?.ok_or(Error::Shape(statement))
    }

    /// The caller's name, where `trust_actor` says that whoever passes requests on vouches for it.
    fn actor(&self) -> Result<Option<&str>, Error> {
        // A request without a name needs no variable: reading one is a call of the host.
        let Some(actor) = &self.context.claimed_actor else { return Ok(None) };
        let trusted = spin_sdk::variables::get(TRUST_ACTOR).map_err(|_| Error::Variable(TRUST_ACTOR))? == "true";
        Ok(trusted.then_some(actor))
    }

    fn query(&mut self, statement: &'static str, parameters: &[ParameterValue]) -> Result<Option<Row>, Error> {
        let begun = Instant::now();
        let result = self.connection().and_then(|connection| connection.query(statement, parameters));
        self.spent = Some(self.spent.unwrap_or_default() + begun.elapsed());
        result
    }

    fn connection(&mut self) -> Result<&Connection, Error> {
        let address = match self.address {
            Some(ref address) => address,
            None => self.address.insert(db::address()?),
        };
        match self.connection {
            Some(ref connection) => Ok(connection),
            None => Ok(self.connection.insert(Connection::open(address)?)),
        }
    }
}

fn text(value: &str) -> ParameterValue {
    ParameterValue::Str(value.to_owned())
}
