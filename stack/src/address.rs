use std::fmt;
use std::net::Ipv4Addr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Error;

/// Every character that RFC 3986 does not call unreserved is escaped.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What becomes of a connection parameter.
enum Use {
    /// It is a part of the address.
    Part,
    /// `psql` gets it, to apply the schema. Components and sidecar have a value of their own.
    Psql,
    /// The same, for an integer.
    Integer,
    /// It must have one of these values; otherwise it is refused for this reason.
    OneOf(&'static [&'static str], &'static str),
    /// It is refused for this reason.
    Refused(&'static str),
}

use Use::{Integer, OneOf, Part, Psql, Refused};

const TLS: &str = "needs TLS, which the embedded host does not support (Spin does)";
const GSSAPI: &str = "needs GSSAPI, which the components do not support";
const OWN: &str = "would not reach the components, whose connection parameters are in spin.toml";

/// The connection parameters of libpq 15 (PostgreSQL's manual, 34.1.2) with their variables (34.15). What a URL leaves
/// out comes from its variable. Each parameter holds for schema, components and sidecar alike, or is refused.
const PARAMETERS: [(&str, &str, Use); 38] = [
    ("host", "PGHOST", Part),
    ("port", "PGPORT", Part),
    ("user", "PGUSER", Part),
    ("password", "PGPASSWORD", Part),
    ("dbname", "PGDATABASE", Part),
    ("passfile", "PGPASSFILE", Psql),
    ("application_name", "PGAPPNAME", Psql),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Integer),
    (
        "target_session_attrs",
        "PGTARGETSESSIONATTRS",
        OneOf(&["any", "read-write", "primary"], "asks for a server that may refuse writes"),
    ),
    (
        "client_encoding",
        "PGCLIENTENCODING",
        OneOf(&["UTF8", "utf8", "UTF-8", "utf-8"], "is not UTF8, the encoding of the schema"),
    ),
    ("sslmode", "PGSSLMODE", OneOf(&["disable", "allow", "prefer"], TLS)),
    ("channel_binding", "PGCHANNELBINDING", OneOf(&["disable", "prefer"], TLS)),
    ("gssencmode", "PGGSSENCMODE", OneOf(&["disable", "prefer"], GSSAPI)),
    ("ssl", "", Refused(TLS)),
    ("requiressl", "PGREQUIRESSL", Refused(TLS)),
    ("sslcompression", "PGSSLCOMPRESSION", Refused(TLS)),
    ("sslcert", "PGSSLCERT", Refused(TLS)),
    ("sslkey", "PGSSLKEY", Refused(TLS)),
    ("sslpassword", "", Refused(TLS)),
    ("sslrootcert", "PGSSLROOTCERT", Refused(TLS)),
    ("sslcrl", "PGSSLCRL", Refused(TLS)),
    ("sslcrldir", "PGSSLCRLDIR", Refused(TLS)),
    ("sslsni", "PGSSLSNI", Refused(TLS)),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Refused(TLS)),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Refused(TLS)),
    ("krbsrvname", "PGKRBSRVNAME", Refused(GSSAPI)),
    ("gsslib", "PGGSSLIB", Refused(GSSAPI)),
    ("hostaddr", "PGHOSTADDR", Refused("is not supported: components may connect to a host that they name")),
    ("requirepeer", "PGREQUIREPEER", Refused("is about Unix sockets, which a component cannot use")),
    ("service", "PGSERVICE", Refused("names an entry of a service file, which the stack does not read")),
    ("replication", "", Refused("asks for a connection that runs no statements")),
    ("fallback_application_name", "", Refused("is for programs; application_name does the same")),
    ("options", "PGOPTIONS", Refused(OWN)),
    ("keepalives", "", Refused(OWN)),
    ("keepalives_idle", "", Refused(OWN)),
    ("keepalives_interval", "", Refused(OWN)),
    ("keepalives_count", "", Refused(OWN)),
    ("tcp_user_timeout", "", Refused(OWN)),
];

/// Where a database is and who connects to it. `Display` and `Debug` leave the password out.
#[derive(Clone)]
pub struct Address {
    /// A name or an IPv4 address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The role that connects.
    pub user: String,
    /// `None`: libpq finds a password by itself (a password file), or the server asks for none.
    pub password: Option<String>,
    /// The name of the database.
    pub database: String,
    /// Variables of libpq for `psql`, beyond those for the fields above.
    parameters: Vec<(&'static str, String)>,
}

impl Address {
    pub(crate) fn new(host: &str, port: u16, user: &str, password: &str, database: &str) -> Self {
        Self {
            host: host.into(),
            port,
            user: user.into(),
            password: Some(password.into()),
            database: database.into(),
            parameters: Vec::new(),
        }
    }

    /// Reads `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?PARAMETER=VALUE&…]` as libpq does: what the URL leaves
    /// out comes from variables such as `PGPASSWORD`.
    ///
    /// # Errors
    /// [`Error::Setting`] names the part, parameter or variable that is missing or cannot be used. It never repeats a
    /// value, which may be a part of a password.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text, |variable| std::env::var(variable).ok())
    }

    fn read(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let given = split(text)?;
        if let Some((name, _)) = given.iter().find(|(name, _)| !PARAMETERS.iter().any(|(known, ..)| known == name)) {
            return Err(refused(&format!("{name} of DATABASE_URL is an unknown parameter")));
        }
        let mut address = Self { password: None, ..Self::new("", 5432, "", "", "") };
        for (name, variable_name, usage) in &PARAMETERS {
            // libpq uses the last one, too.
            let in_url = given.iter().rev().find(|(given, value)| given == name && !value.is_empty());
            let from_variable = || variable(variable_name).filter(|value| !value.is_empty());
            let Some(value) = in_url.map(|(_, value)| value.clone()).or_else(from_variable) else { continue };
            let problem = match usage {
                Part => address.set(name, &value),
                Integer if value.trim().parse::<i32>().is_err() => Some("is not an integer"),
                OneOf(values, reason) if !values.contains(&&*value) => Some(*reason),
                Refused(reason) => Some(*reason),
                Psql | Integer | OneOf(..) => {
                    address.parameters.push((variable_name, value));
                    None
                }
            };
            match problem {
                None => {}
                Some(problem) if in_url.is_some() => return Err(refused(&format!("{name} of DATABASE_URL {problem}"))),
                Some(problem) => {
                    return Err(Error::Setting(format!("{variable_name} {problem}"), format!("unset {variable_name}")));
                }
            }
        }
        for (part, value) in [("host", &address.host), ("user", &address.user), ("database", &address.database)] {
            if value.is_empty() {
                return Err(refused(&format!("DATABASE_URL names no {part}")));
            }
        }
        Ok(address)
    }

    /// Sets a part, or returns why its value cannot be used.
    fn set(&mut self, part: &str, value: &str) -> Option<&'static str> {
        match part {
            "user" => self.user = value.into(),
            "password" => self.password = Some(value.into()),
            "dbname" if value.contains(char::is_control) => return Some("has a control character"),
            "dbname" => self.database = value.into(),
            _ if value.contains(',') => return Some("is a list, but components may connect to one server only"),
            "port" => match value.trim().parse() {
                Ok(port) if port > 0 => self.port = port,
                _ => return Some("is not a port (in a user or password, write %2F for / and %3A for :)"),
            },
            _ if value.starts_with(['/', '@']) => return Some("is a Unix socket, which a component cannot use"),
            _ if value.contains(':') => {
                return Some("is an IPv6 address, which Spin lets no component connect to; a name of that host works");
            }
            _ if is_host(value) => self.host = value.into(),
            _ => return Some("is neither a name nor an IPv4 address (in a password, write %40 for @)"),
        }
        None
    }

    /// The same server and user, another database.
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.into(), ..self.clone() }
    }

    pub(crate) fn with_role(&self, user: &str, password: &str) -> Self {
        Self { user: user.into(), password: Some(password.into()), ..self.clone() }
    }

    /// The address as a URL, **with the password**: for a client library, never for a log or a command line. It has no
    /// parameter that a client library could lack.
    pub fn url(&self) -> String {
        let encode = |text| utf8_percent_encode(text, RESERVED);
        let password = self.password.as_ref().map(|password| format!(":{}", encode(password))).unwrap_or_default();
        let (user, database) = (encode(&self.user), encode(&self.database));
        format!("postgres://{user}{password}@{}:{}/{database}?sslmode=disable", self.host, self.port)
    }

    /// The address as variables of libpq, for a program of PostgreSQL.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, String)> {
        let parts = [("PGHOST", &self.host), ("PGUSER", &self.user), ("PGDATABASE", &self.database)];
        let password = self.password.iter().map(|password| ("PGPASSWORD", password));
        let texts = parts.into_iter().chain(password).map(|(name, value)| (name, value.clone()));
        texts.chain([("PGPORT", self.port.to_string())]).chain(self.parameters.iter().cloned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}:{} as {}", self.database, self.host, self.port, self.user)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

fn refused(problem: &str) -> Error {
    Error::Setting(problem.into(), "DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE".into())
}

/// The parameters of a URL by libpq's rules, which are laxer than RFC 3986: the first `@`, if no `/` is before it, ends
/// user and password, and neither `?` nor `#` is special in them.
fn split(text: &str) -> Result<Vec<(String, String)>, Error> {
    let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    let rest = rest.ok_or_else(|| refused("DATABASE_URL is not a URL that begins with postgres://"))?;
    let (credentials, rest) = match rest.split_once('@') {
        Some((credentials, rest)) if !credentials.contains('/') => (credentials, rest),
        _ => ("", rest),
    };
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (server, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, port) = match server.split_once(':') {
        Some(parts) if !server.starts_with('[') && !server.contains(',') => parts,
        _ => (server, ""),
    };
    let database = path.strip_prefix('/').unwrap_or(path);
    let mut parts = vec![("user", user), ("password", password), ("host", host), ("port", port), ("dbname", database)];
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        parts.push(parameter.split_once('=').ok_or_else(|| refused("DATABASE_URL has a parameter without ="))?);
    }
    parts.into_iter().map(|(name, value)| Ok((decode(name)?, decode(value)?))).collect()
}

fn decode(text: &str) -> Result<String, Error> {
    let is_code = |code: &str| code != "00" && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(|rest| rest.get(..2).is_some_and(is_code)) {
        return Err(refused("DATABASE_URL has a % without the two digits of a character (write %25 for %)"));
    }
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| refused("DATABASE_URL is not UTF-8"))?.into_owned())
}

/// Whether a component may connect to this host and Spin reads it as it is: names and IPv4 addresses, without the other
/// spellings of an address that a resolver knows, such as 127.1.
fn is_host(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_plain && (!is_number || text.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address, Error> {
        Address::read(url, |_| None)
    }

    /// The error for a URL without variables of libpq.
    fn refusal(url: &str) -> String {
        read(url).unwrap_err().to_string()
    }

    #[test]
    fn every_character_of_user_password_and_database_is_kept() {
        let text = "postgres://us%40er:p%2F%3A%25w@db.example:6432/it's%20a%20%22sh%C3%B6p%22%5C+?sslmode=prefer";
        let address = read(text).unwrap();
        assert_eq!((address.host.as_str(), address.port), ("db.example", 6432));
        assert_eq!((address.user.as_str(), address.password.as_deref()), ("us@er", Some("p/:%w")));
        assert_eq!(address.database, r#"it's a "shöp"\+"#);
        let again = read(&address.url()).unwrap();
        assert_eq!(again.url(), address.url());
        assert_eq!(again.database, address.database);
        // What libpq accepts without an escape.
        let address = read("postgresql://u:a:b?c#d+e @127.0.0.1/d").unwrap();
        assert_eq!(address.password.as_deref(), Some("a:b?c#d+e "));
        let address = read("postgres:///?host=h&user=u&dbname=first&dbname=a%2Fb&password=p&port=6").unwrap();
        assert_eq!(address.url(), "postgres://u:p@h:6/a%2Fb?sslmode=disable");
    }

    #[test]
    fn what_a_url_leaves_out_comes_from_the_variables_of_libpq() {
        let variables = |name: &str| {
            let value = match name {
                "PGHOST" => "db",
                "PGPORT" => "6432",
                "PGUSER" => "me",
                "PGPASSWORD" => "s3cret",
                "PGDATABASE" => "shop",
                "PGCONNECT_TIMEOUT" => "7",
                _ => "",
            };
            Some(value.to_owned())
        };
        let address = Address::read("postgres://", variables).unwrap();
        assert_eq!(address.url(), "postgres://me:s3cret@db:6432/shop?sslmode=disable");
        let environment: Vec<_> = address.environment().collect();
        assert!(environment.contains(&("PGCONNECT_TIMEOUT", "7".to_owned())), "{environment:?}");
        let address = Address::read("postgres://you@other:5/d?connect_timeout=3", variables).unwrap();
        assert_eq!(address.url(), "postgres://you:s3cret@other:5/d?sslmode=disable");
        assert!(address.environment().any(|variable| variable == ("PGCONNECT_TIMEOUT", "3".to_owned())));
        for variable in ["PGSSLMODE", "PGSERVICE", "PGHOSTADDR", "PGOPTIONS", "PGSSLROOTCERT", "PGREQUIRESSL"] {
            let set = |name: &str| (name == variable).then(|| "require".to_owned());
            let error = Address::read("postgres://u@h/d", set).unwrap_err().to_string();
            assert!(error.starts_with(variable) && error.ends_with(&format!("fix: unset {variable}")), "{error}");
        }
    }

    /// The programs of PostgreSQL know more parameters with each version; none may pass by unseen.
    #[test]
    fn each_parameter_of_libpq_works_or_is_refused_by_name() {
        let values = |usage: &Use| match usage {
            Part | Psql => vec!["6"],
            Integer => vec!["6", "-1"],
            OneOf(values, _) => values.to_vec(),
            Refused(_) => vec![],
        };
        for (name, _, usage) in &PARAMETERS {
            for value in values(usage) {
                let value = if *name == "host" { "h" } else { value };
                assert!(read(&format!("postgres://u@h/d?{name}={value}")).is_ok(), "{name}={value}");
            }
            if !matches!(usage, Part | Psql) {
                let error = refusal(&format!("postgres://u@h/d?{name}=s3cret"));
                assert!(error.starts_with(&format!("{name} of DATABASE_URL ")) && !error.contains("s3cret"), "{error}");
            }
        }
        assert!(
            refusal("postgres://u@h/d?load_balance_hosts=random")
                .contains("load_balance_hosts of DATABASE_URL is an unknown")
        );
    }

    #[test]
    fn a_part_that_is_missing_or_cannot_be_used_is_named() {
        assert_eq!(read("postgres://u@h/d").unwrap().port, 5432);
        for (url, complaint) in [
            ("host=db dbname=items", "not a URL"),
            ("itemsdb", "not a URL"),
            ("mysql://db/items", "not a URL"),
            ("postgres://u@h", "names no database"),
            ("postgres://h/d", "names no user"),
            ("postgres://u@/d", "names no host"),
            ("postgres://u@%2Frun%2Fpostgresql/d", "host of DATABASE_URL is a Unix socket"),
            ("postgres://u@/d?host=/tmp", "host of DATABASE_URL is a Unix socket"),
            ("postgres://u@a,b/d", "host of DATABASE_URL is a list"),
            ("postgres://u@a:1,b:2/d", "host of DATABASE_URL is a list"),
            ("postgres://u@h/d?port=1,2", "port of DATABASE_URL is a list"),
            ("postgres://u@[::1]:5432/d", "host of DATABASE_URL is an IPv6 address"),
            ("postgres://u@[fe80::1%25eth0]/d", "host of DATABASE_URL is an IPv6 address"),
            ("postgres://u@127.1/d", "host of DATABASE_URL is neither"),
            ("postgres://u@b\u{fc}cher.example/d", "host of DATABASE_URL is neither"),
            ("postgres://u:s3@cret@h/d", "host of DATABASE_URL is neither"),
            ("postgres://u:s3/cret@h/d", "port of DATABASE_URL is not a port"),
            ("postgres://u@h:0/d", "port of DATABASE_URL is not a port"),
            ("postgres://u@h:65536/d", "port of DATABASE_URL is not a port"),
            ("postgres://u:100%@h/d", "a % without"),
            ("postgres://u@h/d%00", "a % without"),
            ("postgres://u:%ff@h/d", "not UTF-8"),
            ("postgres://u@h/d%0A", "dbname of DATABASE_URL has a control character"),
            ("postgres://u@h/d?connect_timeout", "parameter without ="),
            ("postgres://u@h/d?pool=3", "pool of DATABASE_URL is an unknown"),
        ] {
            let error = refusal(url);
            assert!(error.contains(complaint) && error.contains("; fix: "), "{url}: {error}");
            assert!(!error.contains("s3") && !error.contains("cret"), "{url}: {error}");
        }
    }

    #[test]
    fn neither_display_nor_debug_shows_the_password() {
        let address = read("postgres://admin:s3cret@db/items").unwrap();
        assert!(!format!("{address} {address:?}").contains("s3cret"));
    }
}
