use std::path::Path;

use crate::files::{keep_private, write_private};
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
        let text = keep_private(file, || Self::random().text()).map_err(Error::file("keep passwords in", file))?;
        let value = |role: Role| text.lines().find_map(|line| line.strip_prefix(role.name())?.strip_prefix('='));
        let kept = |role| value(role).filter(|value| !value.is_empty()).map_or_else(random, str::to_owned);
        let passwords = Self(Role::ALL.map(kept));
        if Role::ALL.into_iter().any(|role| value(role) != Some(passwords.of(role))) {
            // The file was cut short or edited. What is missing is new, and from now on the same.
            write_private(file, &passwords.text()).map_err(Error::file("keep passwords in", file))?;
        }
        Ok(passwords)
    }

    fn text(&self) -> String {
        Role::ALL.map(|role| format!("{}={}\n", role.name(), self.of(role))).concat()
    }

    pub(crate) fn of(&self, role: Role) -> &str {
        &self.0[role as usize]
    }
}

/// 244 random bits in letters and digits, which need no quoting anywhere.
pub(crate) fn random() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// Generates the seed of the key that signs the trail's heads, unless `folder` has one: 64 hexadecimal digits.
pub(crate) fn keep_seed(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(Error::file("create the folder", folder))?;
    let file = folder.join("seed");
    keep_private(&file, || random() + "\n").map(drop).map_err(Error::file("keep the key of the trail in", &file))
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
        std::fs::write(&file, "items=\naudit=a").unwrap();
        let (third, fourth) = (Passwords::kept(&file).unwrap(), Passwords::kept(&file).unwrap());
        assert_eq!(third.0, fourth.0, "also those of a file that was cut short");
        assert_eq!((third.of(Role::Audit), third.of(Role::Items).len()), ("a", 64));
    }
}
