use std::fs;
use std::io;

use crate::config::Plan;
use crate::files::write_private;
use crate::{Database, Error};

/// Writes the files by which other programs connect to the database: `pgpass` for `psql` (only to the stack's own
/// server) and `.env` for `spin up`, whose other lines are kept.
pub(crate) fn write(plan: &Plan, database: &Database) -> Result<(), Error> {
    let admin = database.admin();
    if let (None, Some(password)) = (&plan.database, &admin.password) {
        let file = plan.pgpass();
        let line = format!("{}:{}:*:{}:{password}\n", admin.host, admin.port, admin.user);
        write_private(&file, &line).map_err(Error::file("write", &file))?;
    }
    let file = plan.environment();
    let before = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        before => before.map_err(Error::file("read", &file))?,
    };
    let variables = database.environment();
    let is_other = |line: &&str| !variables.iter().any(|(name, _)| line.starts_with(&format!("{name}=")));
    let others = before.lines().filter(is_other).map(|line| format!("{line}\n"));
    let text: String =
        others.chain(variables.iter().map(|(name, value)| format!("{name}={}\n", quoted(value)))).collect();
    write_private(&file, &text).map_err(Error::file("write", &file))
}

/// A value for `.env`, where characters other than these need quotes and `$` would name a variable.
fn quoted(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte)) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', r"\\").replace('"', r#"\""#).replace('$', r"\$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_the_file_env_is_quoted_where_it_has_to_be() {
        assert_eq!(quoted("127.0.0.1"), "127.0.0.1");
        assert_eq!(quoted(r#"it's "5 $"\"#), r#""it's \"5 \$\"\\""#);
    }
}
