//! The list of items: one page, or the full list, streamed.

use std::error::Error as Cause;

use http_toolkit::{Context, Request, Response};

use crate::store::{Chunk, Store};
use crate::{Error, query};

/// `GET /items`: 200 with every item, or with one page if `limit` is given.
///
/// # Errors
/// 400 for a query that is refused, 503.
pub fn list<'a>(request: &'a Request, store: &'a Store) -> Result<Response<'a>, Error> {
    let selection = query::selection(request.query.as_deref())?;
    match selection.limit {
        Some(limit) => page(&request.context, selection.after, limit, store),
        None => full(&request.context, selection.after, store),
    }
}

/// One page, and a link to the next where there is one.
fn page(context: &Context, after: i64, limit: i32, store: &Store) -> Result<Response<'static>, Error> {
    let page = store.list(context, after, limit)?;
    let response = Response::new(200).json(page.json);
    Ok(match page.next {
        Some(next) => response.header("link", format!("</items?limit={limit}&after={next}>; rel=\"next\"")),
        None => response,
    })
}

/// Every item behind `after`. The first chunk is read before the head is sent, so that a database in trouble is still a
/// 503.
fn full<'a>(context: &Context, after: i64, store: &'a Store) -> Result<Response<'a>, Error> {
    let (last, count) = store.stream(context, after)?;
    let first = if count > 0 { store.chunk(after, last)? } else { None };
    let response = Response::new(200);
    Ok(match first {
        None => response.json("[]".to_owned()),
        Some(chunk) if chunk.last >= last => response.json(format!("[{}]", chunk.items)),
        Some(first) => {
            response.stream("application/json", Box::new(FullList { store, last, next: Next::First(first) }))
        }
    })
}

/// The JSON array of a full list, in parts. Each is read, and the connection returned to the pool, before it is
/// written: readers may be slow.
struct FullList<'a> {
    store: &'a Store,
    /// The id at which the list ends.
    last: i64,
    next: Next,
}

enum Next {
    /// A chunk that is read already.
    First(Chunk),
    /// The chunk behind this id.
    After(i64),
    Nothing,
}

impl FullList<'_> {
    /// The next part: the chunks between brackets, joined by commas.
    fn part(&mut self) -> Result<Option<String>, shared::Error> {
        let (separator, chunk) = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::First(chunk) => ('[', Some(chunk)),
            Next::After(reached) if reached < self.last => (',', self.store.chunk(reached, self.last)?),
            Next::After(_) => (',', None),
            Next::Nothing => return Ok(None),
        };
        self.store.return_connection();
        Ok(Some(match chunk {
            Some(Chunk { mut items, last }) => {
                self.next = Next::After(last);
                items.insert(0, separator);
                items
            }
            None => "]".to_owned(),
        }))
    }
}

impl Iterator for FullList<'_> {
    type Item = Result<String, Box<dyn Cause>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.part().map_err(Into::into).transpose()
    }
}
