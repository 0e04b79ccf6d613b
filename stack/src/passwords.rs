use std::path::Path;

use crate::files::keep_private;
use crate::{Error, Role};

/// The passwords of the application's roles on one server.
#[derive(Clone)]
pub struct Passwords {
    pub(crate) items: String,
    pub(crate) audit: String,
    pub(crate) metrics: String,
}

impl Passwords {
    /// New ones, for a server nobody else uses.
    pub fn random() -> Self {
        Self { items: random(), audit: random(), metrics: random() }
    }

    /// Those kept in `file` (mode 0600); the first call makes them.
    ///
    /// # Errors
    /// [`Error::File`] when the file can be neither read nor written.
    pub fn kept(file: &Path) -> Result<Self, Error> {
        let text = keep_private(file, || Self::random().to_text()).map_err(Error::file("keep passwords in", file))?;
        let value = |role: Role| {
            let line = text.lines().find_map(|line| line.strip_prefix(role.name())?.strip_prefix('='));
            // A file cut short or edited gives random ones for what it lacks: the roles follow at every start.
            line.map_or_else(random, str::to_owned)
        };
        Ok(Self { items: value(Role::Items), audit: value(Role::Audit), metrics: value(Role::Metrics) })
    }

    pub(crate) fn of(&self, role: Role) -> &str {
        match role {
            Role::Items => &self.items,
            Role::Audit => &self.audit,
            Role::Metrics => &self.metrics,
        }
    }

    fn to_text(&self) -> String {
        Role::ALL.iter().map(|role| format!("{}={}\n", role.name(), self.of(*role))).collect()
    }
}

/// 244 random bits in letters and digits, which need no quoting anywhere.
pub(crate) fn random() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_passwords_are_the_same_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords");
        let (first, second) = (Passwords::kept(&file).unwrap(), Passwords::kept(&file).unwrap());
        for role in Role::ALL {
            assert_eq!(first.of(role), second.of(role));
            assert_eq!(first.of(role).len(), 64);
        }
        assert_ne!(first.items, first.audit);
    }
}
