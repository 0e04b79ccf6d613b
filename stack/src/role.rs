/// A database role of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The component items: may call the functions on items and of the relay.
    Items,
    /// The component audit: may store events.
    Audit,
    /// The sidecar: may read counters and statistics.
    Metrics,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Items, Self::Audit, Self::Metrics];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Audit => "audit",
            Self::Metrics => "metrics",
        }
    }
}
