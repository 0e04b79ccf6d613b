//! `allowed_outbound_hosts`: which hosts a component may call, by the rules of Spin.

use std::net::IpAddr;
use std::ops::Range;

/// The resolved entries of one component.
#[derive(Debug, Default)]
pub struct AllowList(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    scheme: Option<String>,
    host: Host,
    ports: Option<Range<u32>>,
}

#[derive(Debug, PartialEq)]
enum Host {
    Any,
    /// The application itself, called as `self.alt`.
    Own,
    /// `*.example.com`, kept as `.example.com`; never an IP address.
    Below(String),
    Name(String),
    Address(IpAddr),
    Network(IpAddr, u32),
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
        let port = port.or_else(|| default_port(&scheme)).map(u32::from);
        self.0.iter().any(|entry| {
            entry.scheme.as_ref().is_none_or(|allowed| *allowed == scheme)
                && entry.host.covers(&host)
                && entry.ports.as_ref().is_none_or(|ports| port.is_some_and(|port| ports.contains(&port)))
        })
    }

    /// Whether the application may call itself over HTTP (`http://self`).
    pub fn allows_self(&self) -> bool {
        self.0.iter().any(|entry| {
            matches!(entry.scheme.as_deref(), None | Some("http" | "https"))
                && matches!(entry.host, Host::Any | Host::Own)
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
        let port = port.strip_suffix('/').unwrap_or(port);
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host)?,
            ports: parse_ports(port, scheme)?,
        })
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self, String> {
        match host.trim() {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Own),
            "" => return Err("has no host".to_owned()),
            _ => {}
        }
        if let Some((address, bits)) = host.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse())
        {
            let most = if address.is_ipv4() { 32 } else { 128 };
            return if bits <= most {
                Ok(Self::Network(address, bits))
            } else {
                Err("the network's prefix is too long".to_owned())
            };
        }
        let host = host.trim_end_matches('/');
        if let Some(domain) = host.strip_prefix("*.")
            && !domain.contains(['*', '/'])
        {
            return Ok(Self::Below(format!(".{domain}")));
        }
        parse_host(host).ok_or_else(|| {
            "the host must be *, *.domain, a name, an IP address or a network, without a path, a list or user information".to_owned()
        })
    }

    fn covers(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Self::Name(name)) => name.ends_with(suffix.as_str()),
            (Self::Network(network, bits), Self::Address(address)) => in_network(*network, *bits, *address),
            (Self::Name(_) | Self::Address(_), _) => self == host,
            _ => false,
        }
    }
}

/// `None` for what is neither a name nor an address. A name that ends in a number is none: resolvers take `0x7f.1` for an address.
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

fn in_network(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let shift = 32 - bits;
            u64::from(network.to_bits()) >> shift == u64::from(address.to_bits()) >> shift
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let differing = network.to_bits() ^ address.to_bits();
            differing.leading_zeros() >= bits
        }
        _ => false,
    }
}

/// `None` is every port. A range `a..b` leaves out `b`, as in Spin.
fn parse_ports(port: &str, scheme: &str) -> Result<Option<Range<u32>>, String> {
    let number = |text: &str| {
        text.parse::<u16>().map(u32::from).map_err(|_| format!("port {text:?} is not a number below 65536"))
    };
    if port == "*" {
        return Ok(None);
    }
    let (start, end) = match port.split_once("..") {
        Some((start, end)) => (number(start)?, number(end)?),
        None if port.is_empty() => {
            let port = default_port(scheme).ok_or_else(|| format!("needs a port, since {scheme} has no default"))?;
            (port.into(), u32::from(port) + 1)
        }
        None => (number(port)?, number(port)? + 1),
    };
    Ok(Some(start..end))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "http" => Some(80),
        "https" => Some(443),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
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
    }

    #[test]
    fn a_port_range_leaves_out_its_end() {
        assert!(allows("http://h:8000..8002", "http", "h", Some(8001)));
        assert!(!allows("http://h:8000..8002", "http", "h", Some(8002)));
    }

    #[test]
    fn a_network_covers_addresses_and_never_names() {
        assert!(allows("http://10.0.0.0/8", "http", "10.200.3.4", None));
        assert!(!allows("http://10.0.0.0/8", "http", "11.0.0.1", None));
        assert!(!allows("http://10.0.0.0/8", "http", "10.example", None));
        assert!(allows("http://0.0.0.0/0", "http", "8.8.8.8", None));
        assert!(allows("http://[::1]:80", "http", "[::1]", None));
        assert!(allows("http://fd00::/8:80", "http", "[fd12::1]", None));
    }

    #[test]
    fn self_is_allowed_only_by_name_or_by_every_host() {
        let own = |entry: &str| AllowList::parse(&[entry]).unwrap().allows_self();
        assert!(own("http://self") && own("http://self.alt") && own("*://*:*"));
        assert!(!own("http://localhost") && !own("postgres://*"));
        assert!(!allows("http://self", "http", "self", None));
    }

    #[test]
    fn no_other_spelling_of_an_address_leads_round_an_entry() {
        for host in ["0x7f.0.0.1", "127.1", "2130706433", "127.0.0.1.", ":", "", "[db]", "127.0.0.1]", "%64b"] {
            assert!(
                !allows("http://*.0.0.1:*", "http", host, None) && !allows("http://*:*", "http", host, None),
                "{host}"
            );
        }
    }

    #[test]
    fn a_domain_is_compared_as_it_is_written() {
        assert!(!allows("http://*.Example", "http", "a.example", None));
        assert!(allows("http://*.example", "http", "A.Example", None));
    }

    #[test]
    fn an_entry_that_is_not_understood_is_named() {
        for entry in [
            "localhost",
            "http://h/path",
            "http://{a,b}",
            "http://h:99999",
            "tcp://h",
            "http://u@h",
            "http://a*b",
            "http://",
            "http://1.2.3.0/40",
            "http://[::1]",
            "http://::1:80",
            "http://127.1",
        ] {
            let error = AllowList::parse(&[entry]).expect_err(entry);
            assert!(error.contains(entry), "{error}");
        }
    }
}
