use super::Lifetime;

const KEPT: [&str; 8] = [
    // 64 per role and host.
    "max_connections=200",
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    // Statements here are small: compiling them costs more than it gives.
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

/// Settings for a server on a developer's machine, as `postgres -c` takes them.
pub fn settings(lifetime: Lifetime) -> &'static [&'static str] {
    match lifetime {
        Lifetime::Kept => &KEPT,
        Lifetime::Temporary => &TEMPORARY,
    }
}
