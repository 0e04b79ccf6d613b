//! `allowed_outbound_hosts`: which hosts a component may call, by the rules of Spin.

use std::net::IpAddr;

/// The entries of one component.
#[derive(Debug, Default)]
pub struct AllowList(Vec<Entry>);

/// `None` permits every scheme or port.
#[derive(Debug)]
struct Entry {
    scheme: Option<String>,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, PartialEq)]
enum Host {
    Any,
    /// `*.example.com`, kept as `.example.com`; never an IP address.
    Below(String),
    Name(String),
    Address(IpAddr),
}

impl AllowList {
    /// Parses entries of the form `scheme://host[:port]`. The error names the entry.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, String> {
        let parse = |entry: &S| {
            let entry = entry.as_ref();
            Entry::parse(entry.trim()).map_err(|reason| format!("allowed_outbound_hosts entry {entry:?}: {reason}"))
        };
        entries.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `host` (as written in a URL) may be called; without a port it is the scheme's own.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let scheme = scheme.to_ascii_lowercase();
        let Some(host) = parse_host(host) else {
            return false;
        };
        let port = port.or_else(|| default_port(&scheme));
        self.0.iter().any(|entry| {
            entry.scheme.as_ref().is_none_or(|allowed| *allowed == scheme)
                && entry.host.covers(&host)
                && (entry.port.is_none() || entry.port == port)
        })
    }
}

impl Entry {
    fn parse(entry: &str) -> Result<Self, String> {
        let (scheme, rest) = entry.split_once("://").ok_or("has no scheme (e.g. http://)")?;
        if scheme != "*" && (scheme.is_empty() || !scheme.chars().all(char::is_alphabetic)) {
            return Err("the scheme must be letters or *".to_owned());
        }
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let port = match port.strip_suffix('/').unwrap_or(port) {
            "*" => None,
            "" => Some(default_port(scheme).ok_or_else(|| format!("this host knows no default port of {scheme}"))?),
            port => Some(port.parse().map_err(|_| format!("port {port:?} is not a number below 65536"))?),
        };
        Ok(Self { scheme: (scheme != "*").then(|| scheme.to_owned()), host: Host::parse(host)?, port })
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self, String> {
        match host.trim() {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Err("this host does not offer calls to self".to_owned()),
            "" => return Err("has no host".to_owned()),
            _ => {}
        }
        let host = host.trim_end_matches('/');
        if let Some(domain) = host.strip_prefix("*.")
            && !domain.contains(['*', '/'])
        {
            return Ok(Self::Below(format!(".{domain}")));
        }
        parse_host(host).ok_or_else(|| {
            "the host must be *, *.domain, a name or an IP address; no network, path, list or user information"
                .to_owned()
        })
    }

    fn covers(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Self::Name(name)) => name.ends_with(suffix.as_str()),
            (Self::Below(_), _) => false,
            _ => self == host,
        }
    }
}

/// A name or an address. A name that ends in a number is neither: resolvers read `0x7f.1` as an address.
fn parse_host(host: &str) -> Option<Host> {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']')?.parse().ok().map(IpAddr::V6).map(Host::Address);
    }
    if let Ok(address) = host.parse() {
        return Some(Host::Address(IpAddr::V4(address)));
    }
    let last = host.trim_end_matches('.').rsplit('.').next()?;
    let number = last.starts_with("0x") || last.starts_with("0X") || last.bytes().all(|byte| byte.is_ascii_digit());
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (plain && !number).then(|| Host::Name(host.to_ascii_lowercase()))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        _ => None,
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, scheme: &str, host: &str, port: Option<u16>) -> bool {
        AllowList::parse(&[entry]).expect("the entry must parse").allows(scheme, host, port)
    }

    #[test]
    fn an_entry_covers_its_scheme_host_and_port_only() {
        assert!(allows("http://audit.example:81", "http", "audit.example", Some(81)));
        assert!(allows("http://AUDIT.example", "HTTP", "Audit.Example", None));
        assert!(allows("http://audit.example/", "http", "audit.example", Some(80)));
        assert!(allows("http://[::1]:80", "http", "[::1]", None));
        assert!(!allows("http://audit.example", "https", "audit.example", None));
        assert!(!allows("http://audit.example", "http", "audit.example", Some(81)));
        assert!(!allows("http://audit.example", "http", "x.audit.example", None));
        assert!(!allows("http://audit.example", "http", "audit.example.org", None));
    }

    #[test]
    fn wildcards_cover_schemes_subdomains_and_ports() {
        assert!(allows("*://*:*", "tcp", "anything", Some(1)));
        assert!(allows("http://*.example.com", "http", "a.b.example.com", None));
        assert!(!allows("http://*.example.com", "http", "example.com", None));
        assert!(!allows("http://*.example.com", "http", "badexample.com", None));
        assert!(allows("postgres://db:*", "postgres", "db", Some(7000)));
        assert!(allows("http://*.example", "http", "A.Example", None));
        assert!(!allows("http://*.Example", "http", "a.example", None), "compared as it is written");
    }

    #[test]
    fn no_other_spelling_of_an_address_matches_an_entry() {
        for host in ["0x7f.0.0.1", "127.1", "2130706433", "127.0.0.1.", ":", "", "[db]", "127.0.0.1]", "%64b"] {
            for entry in ["http://*.0.0.1:*", "http://*:*"] {
                assert!(!allows(entry, "http", host, None), "{host}");
            }
        }
    }

    #[test]
    fn an_entry_that_this_host_does_not_offer_is_named() {
        for entry in [
            "localhost",
            "http://h/path",
            "http://{a,b}",
            "http://h:99999",
            "http://h:80..90",
            "http://self",
            "http://10.0.0.0/8",
            "tcp://h",
            "mysql://h",
            "http://u@h",
            "http://a*b",
            "http://",
            "http://[::1]",
            "http://::1:80",
            "http://127.1",
        ] {
            let error = AllowList::parse(&[entry]).expect_err(entry);
            assert!(error.contains(entry), "{error}");
        }
    }
}
