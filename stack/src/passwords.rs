use std::path::Path;

use crate::files::keep_private;
use crate::{Error, Role};

/// The passwords of the application's roles on one server, in the order of [`Role::ALL`].
#[derive(Clone)]
pub struct Passwords([String; 3]);

impl Passwords {
    /// New ones, for a server that nothing else uses.
    pub fn random() -> Self {
        Self(Role::ALL.map(|_| random()))
    }

    /// The passwords in `file` (mode 0600); the first call generates them.
    ///
    /// # Errors
    /// [`Error::File`] when the file can be neither read nor written.
    pub fn kept(file: &Path) -> Result<Self, Error> {
        let line = |(role, password)| format!("{}={password}\n", Role::name(role));
        let new = || Role::ALL.into_iter().zip(Self::random().0).map(line).collect();
        let text = keep_private(file, new).map_err(Error::file("keep passwords in", file))?;
        let value = |role: Role| text.lines().find_map(|line| line.strip_prefix(role.name())?.strip_prefix('='));
        // Where a file was cut short or edited, any password will do: the schema sets it in the database at every
        // start.
        Ok(Self(Role::ALL.map(|role| value(role).map_or_else(random, str::to_owned))))
    }

    pub(crate) fn of(&self, role: Role) -> &str {
        &self.0[role as usize]
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
        assert_eq!(first.0, second.0);
        assert!(first.0.iter().all(|password| password.len() == 64));
        assert_ne!(first.of(Role::Items), first.of(Role::Audit));
    }
}
