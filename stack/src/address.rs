use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::Error;

/// Everything RFC 3986 does not call unreserved is escaped.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Connection parameters a `DATABASE_URL` may carry, and the environment variable libpq reads for each.
const PARAMETERS: [(&str, &str); 10] = [
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("gssencmode", "PGGSSENCMODE"),
    ("options", "PGOPTIONS"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
];

/// Where a database is and who asks: one host, one port, one user, one database.
///
/// `Display` and `Debug` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
    pub user: String,
    /// `None`: libpq finds one by itself (`PGPASSWORD`, a password file) or the server asks for none.
    pub password: Option<String>,
    pub database: String,
    parameters: Vec<(String, String)>,
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

    /// Reads `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=…]`.
    ///
    /// # Errors
    /// [`Error::Url`] names what is missing, unknown or not understood; it never repeats the URL, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|e| Error::Url(format!("is not a URL ({e})")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(Error::Url("does not begin with postgres://".into()));
        }
        let host = match url.host() {
            Some(url::Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => decode(&host.to_string())?,
            None => {
                return Err(Error::Url("names no host (Unix sockets are out of a component's reach)".into()));
            }
        };
        if host.starts_with('/') {
            return Err(Error::Url("names a Unix socket, which is out of a component's reach".into()));
        }
        let database = decode(url.path().trim_start_matches('/'))?;
        if database.is_empty() {
            return Err(Error::Url("names no database".into()));
        }
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if let Some((key, _)) = parameters.iter().find(|(key, _)| variable(key).is_none()) {
            return Err(Error::Url(format!("carries the unknown parameter {key}")));
        }
        Ok(Self {
            host,
            port: url.port().unwrap_or(5432),
            user: if url.username().is_empty() { "postgres".into() } else { decode(url.username())? },
            password: url.password().map(decode).transpose()?,
            database,
            parameters,
        })
    }

    /// The same server and user, another database.
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.into(), ..self.clone() }
    }

    pub(crate) fn with_role(&self, user: &str, password: &str) -> Self {
        Self { user: user.into(), password: Some(password.into()), ..self.clone() }
    }

    /// The `sslmode` a component's address gets: what its host knows is `disable`, and `require`, which checks chain and host name.
    pub fn sslmode(&self) -> &'static str {
        match self.parameters.iter().find(|(key, _)| key == "sslmode") {
            Some((_, value)) if matches!(value.as_str(), "require" | "verify-ca" | "verify-full") => "require",
            _ => "disable",
        }
    }

    /// The address as a URL, **with the password**: for a client library, never for a log or a command line.
    pub fn url(&self) -> String {
        let encode = |text| utf8_percent_encode(text, RESERVED);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let password = self.password.as_deref().map(|p| format!(":{}", encode(p))).unwrap_or_default();
        let mut url =
            format!("postgres://{}{password}@{host}:{}/{}", encode(&self.user), self.port, encode(&self.database));
        for (index, (key, value)) in self.parameters.iter().enumerate() {
            url += &format!("{}{key}={}", if index == 0 { '?' } else { '&' }, encode(value));
        }
        url
    }

    /// The address as libpq reads it from the environment, which keeps the password off the command line.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("PGHOST", &*self.host), ("PGUSER", &self.user), ("PGDATABASE", &self.database)]
            .into_iter()
            .chain(self.password.as_deref().map(|password| ("PGPASSWORD", password)))
            .chain(self.parameters.iter().filter_map(|(key, value)| Some((variable(key)?, &**value))))
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

fn variable(parameter: &str) -> Option<&'static str> {
    PARAMETERS.iter().find(|(key, _)| *key == parameter).map(|(_, variable)| *variable)
}

fn decode(text: &str) -> Result<String, Error> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| Error::Url("is not UTF-8".into()))?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_survives_the_way_there_and_back() {
        let text = "postgres://us%40er:p%2F%3A%25w@[::1]:6432/my%20items?sslmode=require&connect_timeout=3";
        let address = Address::parse(text).unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 6432));
        assert_eq!((address.user.as_str(), address.password.as_deref()), ("us@er", Some("p/:%w")));
        assert_eq!((address.database.as_str(), address.sslmode()), ("my items", "require"));
        assert_eq!(address.url(), text);
    }

    #[test]
    fn what_a_url_leaves_out_has_a_default_or_a_message() {
        let address = Address::parse("postgresql://db.example/items").unwrap();
        assert_eq!((address.port, address.user.as_str(), address.password), (5432, "postgres", None));
        for (url, complaint) in [
            ("host=db dbname=items", "not a URL"),
            ("mysql://db/items", "postgres://"),
            ("postgres://db.example", "no database"),
            ("postgres:///items", "no host"),
            ("postgres://%2Frun%2Fpostgresql/items", "Unix socket"),
            ("postgres://db.example/items?pool=3", "parameter pool"),
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(complaint), "{url}: {error}");
        }
    }

    #[test]
    fn neither_display_nor_debug_shows_the_password() {
        let address = Address::parse("postgres://admin:s3cret@db/items").unwrap();
        assert!(!format!("{address} {address:?}").contains("s3cret"));
    }
}
