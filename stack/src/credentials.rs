use std::fs;
use std::io;

use crate::files::write_private;
use crate::{Config, Database, Error};

/// Writes the files by which other programs connect to the database: `pgpass` for `psql` (only to the stack's own
/// server) and `.env` for `spin up`, whose other lines are kept.
pub(crate) fn write(config: &Config, database: &Database) -> Result<(), Error> {
    let admin = database.admin();
    if let (None, Some(password)) = (&config.database_url, &admin.password) {
        let file = config.pgpass();
        let line = format!("{}:{}:*:{}:{password}\n", admin.host, admin.port, admin.user);
        write_private(&file, &line).map_err(Error::file("write", &file))?;
    }
    let file = config.data.with_file_name(".env");
    let before = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        before => before.map_err(Error::file("read", &file))?,
    };
    let variables = database.environment();
    let is_other = |line: &&str| !variables.iter().any(|(name, _)| line.starts_with(&format!("{name}=")));
    let others = before.lines().filter(is_other).map(|line| format!("{line}\n"));
    let text: String = others.chain(variables.iter().map(|(name, value)| format!("{name}={value}\n"))).collect();
    write_private(&file, &text).map_err(Error::file("write", &file))
}
