//! What each route does: read the request, run one statement, respond. A malformed request never reaches the database.

pub mod documents;
pub mod health;
pub mod item;
pub mod list;
