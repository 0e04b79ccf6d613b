/// How long the data of a server lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Kept and durable: every commit is on disk.
    Kept,
    /// Removed with the server; fast and not durable. For tests.
    Temporary,
}

const KEPT: [&str; 8] = [
    // 64 connections per role and host.
    "max_connections=200",
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    // The statements are small: compiling them costs more than it saves.
    "jit=off",
    "track_functions=all",
    "shared_preload_libraries=pg_stat_statements",
    "log_line_prefix=%m [%p] %u@%d ",
    "log_checkpoints=off",
];

const TEMPORARY: [&str; 8] = [
    // Tests run many hosts at once.
    "max_connections=500",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "jit=off",
    "track_functions=all",
    "shared_preload_libraries=pg_stat_statements",
    "log_checkpoints=off",
];

/// Settings (`name=value`) for a server on a developer's machine, one for each `-c` of `postgres`.
pub fn settings(lifetime: Lifetime) -> &'static [&'static str] {
    match lifetime {
        Lifetime::Kept => &KEPT,
        Lifetime::Temporary => &TEMPORARY,
    }
}
