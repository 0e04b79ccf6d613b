//! The list: one page, or all of it streamed.

use std::time::Duration;

use shared::clock::Deadline;
use shared::request::Request;
use shared::response::Response;
use shared::stream::Writer;

use super::Answer;
use crate::store::{Chunk, Store};
use crate::{Error, query};

/// A reader that takes nothing for this long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// A whole list is written within this time or cut.
const LIST_PATIENCE: Duration = Duration::from_secs(60);

/// A list whose head can leave: its first part, and the id at which it ends.
pub struct Rest {
    first: Chunk,
    last: i64,
}

pub fn list(request: &Request, store: &mut Store) -> Result<Answer, Error> {
    let selection = query::selection(request.query.as_deref())?;
    match selection.limit {
        Some(limit) => page(selection.after, limit, store).map(Answer::Whole),
        None => whole(selection.after, store),
    }
}

fn page(after: i64, limit: i32, store: &mut Store) -> Result<Response, Error> {
    let page = store.list(after, limit)?;
    let response = Response::new(200).json(page.json);
    Ok(match page.next {
        Some(next) => response.header("link", format!("</items?limit={limit}&after={next}>; rel=\"next\"")),
        None => response,
    })
}

/// The first part is read before the head leaves, so that a database in trouble is still a 503.
fn whole(after: i64, store: &mut Store) -> Result<Answer, Error> {
    let (last, count) = store.stream(after)?;
    let first = if count > 0 { store.chunk(after, last)? } else { None };
    let head = Response::new(200);
    Ok(match first {
        None => head.json("[]".to_owned()).into(),
        Some(chunk) if chunk.last >= last => head.json(format!("[{}]", chunk.items)).into(),
        Some(first) => Answer::Streamed(head.header("content-type", "application/json"), Rest { first, last }),
    })
}

/// Writes a list part by part. Each part is read and the connection given back before it is written: readers may be slow.
///
/// # Errors
/// A failed statement, or a peer that is slow or gone: the answer has to be cut.
pub fn write_rest(store: &mut Store, writer: &Writer, rest: Rest) -> Result<(), shared::Error> {
    let end = Deadline::after(LIST_PATIENCE);
    let Rest { first: Chunk { mut items, last: mut reached }, last } = rest;
    items.insert(0, '[');
    loop {
        store.give_back();
        writer.write(items.as_bytes(), Deadline::after(WRITE_PATIENCE).min(end))?;
        let next = if reached < last { store.chunk(reached, last)? } else { None };
        match next {
            Some(chunk) => {
                items = chunk.items;
                items.insert(0, ',');
                reached = chunk.last;
            }
            None => break,
        }
    }
    store.give_back();
    writer.write(b"]", Deadline::after(WRITE_PATIENCE).min(end))
}
