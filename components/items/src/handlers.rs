//! What each endpoint does: parse, one statement, an answer.

pub mod item;
pub mod list;
pub mod service;

use shared::request::Request;
use shared::response::Response;
use shared::route::Found;

use crate::routes::Endpoint;
use crate::store::Store;
use crate::{Error, query};

pub enum Answer {
    Whole(Response),
    /// The head, and the list that follows it.
    Streamed(Response, list::Rest),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Whole(response)
    }
}

const NOTHING: &str = "There is nothing at this path; GET /openapi.json lists what there is.";

/// Answers one request. Nothing of a request that is malformed reaches the database.
pub fn answer(request: &Request, found: &Found<Endpoint>, store: &mut Store) -> Result<Answer, Error> {
    let (endpoint, id) = match found {
        Found::Endpoint { endpoint, id, .. } => (*endpoint, *id),
        Found::Options { allow, .. } => {
            return Ok(Response::new(204).header("allow", allow.clone()).into());
        }
        Found::WrongMethod { allow, .. } => {
            return Err(shared::Error::WrongMethod { allow: allow.clone() }.into());
        }
        Found::Nothing => return Err(shared::Error::NoRoute { detail: NOTHING }.into()),
    };
    let response = match endpoint {
        Endpoint::ListItems => return list::list(request, store),
        Endpoint::CreateItem => item::create(request, store)?,
        Endpoint::GetItem => item::get(request, query::id(id)?, store)?,
        Endpoint::UpdateItem => item::update(request, query::id(id)?, store)?,
        Endpoint::DeleteItem => item::delete(request, query::id(id)?, store)?,
        Endpoint::Liveness => service::liveness(),
        Endpoint::Readiness => service::readiness(store)?,
        Endpoint::Page => service::page(),
        Endpoint::Contract => service::contract(),
    };
    Ok(response.into())
}
