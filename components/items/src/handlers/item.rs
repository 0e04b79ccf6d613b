//! One item: create, get, update, delete.

use http_toolkit::{Request, Response};

use crate::store::{Changed, Created, Item, Read, Store};
use crate::{Error, headers, input, query};

/// `POST /items`: 201 with the new item, or the first response again for a known `Idempotency-Key`.
///
/// # Errors
/// 400, 413, 415 and 422 for a request that is refused, 422 for a key used with another body, 503.
pub fn create(request: &Request, store: &Store) -> Result<Response<'static>, Error> {
    query::none(request.query.as_deref())?;
    let key = headers::idempotency_key(&request.headers)?;
    let input = input::parse(&request.json(input::MAX_BODY)?)?;
    match store.create(&request.context, &input, key)? {
        Created::New { id, item } => Ok(created(id, item)),
        Created::Replayed { id, item } => Ok(created(id, item).header("idempotency-replayed", "true")),
        Created::KeyConflict => Err(Error::KeyConflict),
    }
}

fn created(id: i64, item: Item) -> Response<'static> {
    with_item(201, item).header("location", format!("/items/{id}"))
}

/// `GET /items/{id}`: 200 with the item, or 304 if `If-None-Match` lists its version.
///
/// # Errors
/// 400 for a request that is refused, 404, 503.
pub fn get(request: &Request, store: &Store) -> Result<Response<'static>, Error> {
    let id = id(request)?;
    let none_match = headers::if_none_match(&request.headers)?;
    match store.get(&request.context, id, none_match.as_deref())? {
        Read::Found(item) => Ok(with_item(200, item)),
        Read::NotModified { tag } => Ok(Response::new(304).header("etag", etag(&tag))),
        Read::NotFound => Err(Error::NotFound(id)),
    }
}

/// `PUT /items/{id}`: replaces name and description, 200 with the item.
///
/// # Errors
/// 400, 413, 415 and 422 for a request that is refused, 404, 412 if `If-Match` does not list the item's version, 503.
pub fn update(request: &Request, store: &Store) -> Result<Response<'static>, Error> {
    let id = id(request)?;
    let matching = headers::if_match(&request.headers)?;
    let input = input::parse(&request.json(input::MAX_BODY)?)?;
    changed(id, store.update(&request.context, id, &input, matching.as_deref())?).map(|item| with_item(200, item))
}

/// `DELETE /items/{id}`: 204.
///
/// # Errors
/// 400 for a request that is refused, 404, 412 if `If-Match` does not list the item's version, 503.
pub fn delete(request: &Request, store: &Store) -> Result<Response<'static>, Error> {
    let id = id(request)?;
    let matching = headers::if_match(&request.headers)?;
    changed(id, store.delete(&request.context, id, matching.as_deref())?).map(|()| Response::new(204))
}

/// The item that the path names. None of its routes has query parameters.
fn id(request: &Request) -> Result<i64, Error> {
    let id = query::id(&request.id)?;
    query::none(request.query.as_deref())?;
    Ok(id)
}

/// RFC 9110, 13.2.1: a request that would be a 404 without its condition is a 404.
fn changed<T>(id: i64, outcome: Changed<T>) -> Result<T, Error> {
    match outcome {
        Changed::Done(result) => Ok(result),
        Changed::NotFound => Err(Error::NotFound(id)),
        Changed::PreconditionFailed => Err(Error::PreconditionFailed),
    }
}

fn with_item(status: u16, item: Item) -> Response<'static> {
    Response::new(status).json(item.json).header("etag", etag(&item.tag))
}

fn etag(tag: &str) -> String {
    format!("\"{tag}\"")
}
