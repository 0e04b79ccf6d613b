//! `trim FILE...`: removes from built components, in place, the descriptions of interfaces that they do not use.
//!
//! A built core module carries descriptions of every interface that its libraries know. For spin-sdk and the crate wasi
//! that is 80 kB, of which the services use 9 kB; the rest describes databases, files and sockets.

mod module;

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    std::env::args_os().skip(1).map(PathBuf::from).try_for_each(|file| module::replace(&file))
}
