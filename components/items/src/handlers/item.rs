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
        Created::New { id, json } => Ok(created(id, json)),
        Created::Replayed { id, json } => Ok(created(id, json).header("idempotency-replayed", "true")),
        Created::KeyConflict => Err(Error::KeyConflict),
    }
}

/// A new item has version 1, and a repeated request gets the response of the first.
fn created(id: i64, json: String) -> Response<'static> {
    Response::new(201).json(json).header("location", format!("/items/{id}")).header("etag", etag(1))
}

/// `GET /items/{id}`: 200 with the item, or 304 if `If-None-Match` lists its version.
///
/// # Errors
/// 400 for a request that is refused, 404, 503.
pub fn get(request: &Request, store: &Store) -> Result<Response<'static>, Error> {
    let id = id(request)?;
    let none_match = headers::if_none_match(&request.headers)?;
    match store.get(&request.context, id, none_match.as_deref())? {
        Read::Found(item) => Ok(found(item)),
        Read::NotModified { version } => Ok(Response::new(304).header("etag", etag(version))),
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
    changed(id, store.update(&request.context, id, &input, matching.as_deref())?).map(found)
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

fn found(item: Item) -> Response<'static> {
    Response::new(200).json(item.json).header("etag", etag(item.version))
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
