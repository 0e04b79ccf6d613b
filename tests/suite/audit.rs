//! The audit trail: every operation in it once, by no other way, and for as long as it is kept.

mod details;
mod events;
mod operations;
mod private;
mod retention;
