//! `trim FILE...`: removes from built components, in place, the descriptions of interfaces that they do not use.
//!
//! A built core module carries descriptions of every interface that its libraries know. For spin-sdk and the crate wasi
//! that is 80 kB, of which the services use 9 kB; the rest describes databases, files and sockets.
//!
//! A WIT world that lists only what is used does not replace this step: the descriptions come with the object files of the
//! two libraries, so a world of our own would be one more.

mod module;

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    std::env::args_os().skip(1).map(PathBuf::from).try_for_each(|file| module::replace(&file))
}
