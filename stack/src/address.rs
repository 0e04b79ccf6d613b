use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::Error;

/// Every character that RFC 3986 does not call unreserved is escaped.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Connection parameters of libpq that a `DATABASE_URL` may have.
const PARAMETERS: [&str; 10] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "options",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
];

/// Where a database is and who connects to it. `Display` and `Debug` leave the password out.
#[derive(Clone)]
pub struct Address {
    /// A name or an IP address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The role that connects.
    pub user: String,
    /// `None`: libpq finds a password by itself (`PGPASSWORD`, a password file), or the server asks for none.
    pub password: Option<String>,
    /// The name of the database.
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
    /// [`Error::Url`] names the part that is missing or invalid; it never repeats the URL, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|e| Error::Url(format!("is not a URL ({e})")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(Error::Url("does not begin with postgres://".into()));
        }
        let host = match url.host() {
            Some(url::Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => decode(&host.to_string())?,
            None => return Err(Error::Url("names no host (a component cannot use a Unix socket)".into())),
        };
        if host.starts_with('/') {
            return Err(Error::Url("names a Unix socket, which a component cannot use".into()));
        }
        let database = decode(url.path().trim_start_matches('/'))?;
        if database.is_empty() {
            return Err(Error::Url("names no database".into()));
        }
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if let Some((key, _)) = parameters.iter().find(|(key, _)| !PARAMETERS.contains(&&**key)) {
            return Err(Error::Url(format!("has the unknown parameter {key}")));
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

    /// The `sslmode` for a component's address. Spin supports `disable` and `require`, which verifies chain and host
    /// name.
    pub fn sslmode(&self) -> &'static str {
        match self.parameters.iter().find(|(key, _)| key == "sslmode") {
            Some((_, value)) if matches!(value.as_str(), "require" | "verify-ca" | "verify-full") => "require",
            _ => "disable",
        }
    }

    /// The address as a URL, **with the password**: for a client library, never for a log or a command line.
    pub fn url(&self) -> String {
        self.write_url(self.password.as_deref())
    }

    /// The address as a URL for the command line of a program of PostgreSQL.
    pub(crate) fn url_without_password(&self) -> String {
        self.write_url(None)
    }

    fn write_url(&self, password: Option<&str>) -> String {
        let encode = |text| utf8_percent_encode(text, RESERVED);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let password = password.map(|password| format!(":{}", encode(password))).unwrap_or_default();
        let mut url =
            format!("postgres://{}{password}@{host}:{}/{}", encode(&self.user), self.port, encode(&self.database));
        for (index, (key, value)) in self.parameters.iter().enumerate() {
            url += &format!("{}{key}={}", if index == 0 { '?' } else { '&' }, encode(value));
        }
        url
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

fn decode(text: &str) -> Result<String, Error> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| Error::Url("is not UTF-8".into()))?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_the_same_after_parsing_and_writing() {
        let text = "postgres://us%40er:p%2F%3A%25w@[::1]:6432/my%20items?sslmode=require&connect_timeout=3";
        let address = Address::parse(text).unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 6432));
        assert_eq!((address.user.as_str(), address.password.as_deref()), ("us@er", Some("p/:%w")));
        assert_eq!((address.database.as_str(), address.sslmode()), ("my items", "require"));
        assert_eq!(address.url(), text);
    }

    #[test]
    fn a_missing_part_of_a_url_has_a_default_or_an_error() {
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
