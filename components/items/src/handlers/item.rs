//! One item: create, get, update, delete.

use shared::request::Request;
use shared::response::Response;

use crate::store::{Changed, Created, Item, Read, Store};
use crate::{Error, headers, input, query};

pub fn create(request: &Request, store: &mut Store) -> Result<Response, Error> {
    query::none(request.query.as_deref())?;
    let key = headers::idempotency_key(&request.headers)?;
    let input = input::parse(&request.json(input::MAX_BODY)?)?;
    match store.create(&input, key)? {
        Created::New { id, json } => Ok(created(id, json)),
        Created::Replayed { id, json } => Ok(created(id, json).header("idempotency-replayed", "true")),
        Created::KeyConflict => Err(Error::KeyConflict),
    }
}

/// The first answer, or the same again: an item begins at version 1.
fn created(id: i64, json: String) -> Response {
    Response::new(201).json(json).header("location", format!("/items/{id}")).header("etag", etag(1))
}

pub fn get(request: &Request, id: i64, store: &mut Store) -> Result<Response, Error> {
    query::none(request.query.as_deref())?;
    let held = headers::if_none_match(&request.headers)?;
    match store.get(id, held.as_deref())? {
        Read::Found(item) => Ok(whole(item)),
        Read::NotModified { version } => Ok(Response::new(304).header("etag", etag(version))),
        Read::NotFound => Err(Error::NotFound(id)),
    }
}

pub fn update(request: &Request, id: i64, store: &mut Store) -> Result<Response, Error> {
    query::none(request.query.as_deref())?;
    let matching = headers::if_match(&request.headers)?;
    let input = input::parse(&request.json(input::MAX_BODY)?)?;
    changed(id, store.update(id, &input, matching.as_deref())?).map(whole)
}

pub fn delete(request: &Request, id: i64, store: &mut Store) -> Result<Response, Error> {
    query::none(request.query.as_deref())?;
    let matching = headers::if_match(&request.headers)?;
    changed(id, store.delete(id, matching.as_deref())?).map(|()| Response::new(204))
}

/// RFC 9110, 13.2.1: what would be a 404 without the condition stays one.
fn changed<T>(id: i64, outcome: Changed<T>) -> Result<T, Error> {
    match outcome {
        Changed::Done(result) => Ok(result),
        Changed::NotFound => Err(Error::NotFound(id)),
        Changed::PreconditionFailed => Err(Error::PreconditionFailed),
    }
}

fn whole(item: Item) -> Response {
    Response::new(200).json(item.json).header("etag", etag(item.version))
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
