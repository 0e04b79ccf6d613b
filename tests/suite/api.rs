//! Every row of the API table, through the front door.

mod answers;
mod items;
mod paths;
mod service;
