//! The allow list against a second description of Spin's rules, over the URL parser that Spin uses.

use proptest::prelude::*;
use proptest::sample::select;
use url::Host;

use super::AllowList;

/// Whether Spin permits a call by one entry; `None` where Spin refuses the entry. Covers only what this host offers.
fn spin(entry: &str, scheme: &str, host: &str, port: Option<u16>) -> Option<bool> {
    let (entry_scheme, rest) = entry.trim().split_once("://")?;
    let (entry_host, rest) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let (entry_port, path) = rest.split_once('/').unwrap_or((rest, ""));
    let known = path.is_empty() && (entry_scheme == "*" || entry_scheme.chars().all(char::is_alphabetic));
    let entry_port = match entry_port {
        "*" => None,
        "" => Some(default_port(entry_scheme)?),
        port => Some(port.parse::<u16>().ok()?),
    };
    let covers = spin_host(entry_host.trim())?;
    // A call is a parsed URL: its scheme and host are in lower case by then, and a number is an address.
    let host = Host::parse(host).ok();
    known.then_some(())?;
    Some(
        (entry_scheme == "*" || entry_scheme == scheme)
            && host.is_some_and(|host| covers(&host))
            && (entry_port.is_none() || entry_port == port.or_else(|| default_port(scheme))),
    )
}

fn default_port(scheme: &str) -> Option<u16> {
    [("http", 80), ("https", 443), ("postgres", 5432)]
        .into_iter()
        .find_map(|(name, port)| (name == scheme).then_some(port))
}

/// Which hosts an entry covers.
type Covers = Box<dyn Fn(&Host) -> bool>;

fn spin_host(host: &str) -> Option<Covers> {
    if host == "*" {
        return Some(Box::new(|_| true));
    }
    let host = host.trim_end_matches('/');
    if host.contains('/') {
        return None;
    }
    if let Some(domain) = host.strip_prefix("*.") {
        let suffix = format!(".{domain}");
        return (!domain.contains('*'))
            .then(|| Box::new(move |host: &Host| matches!(host, Host::Domain(name) if name.ends_with(&suffix))) as _);
    }
    let literal = Host::parse(host).ok().filter(|_| !host.contains('*'))?;
    Some(Box::new(move |host| *host == literal))
}

const SCHEMES: [&str; 4] = ["*", "http", "postgres", "tcp"];
const NAMES: [&str; 8] =
    ["db", "audit.example", "x.audit.example", "example", "10.1.2.3", "10.255.0.1", "[fd00::1]", "[fe80::1]"];
const PATTERNS: [&str; 4] = ["*.2.3", "*", "*.example", "*.audit.example"];
const PORTS: [&str; 5] = [":*", ":*", "", ":80", ":5432"];
/// Entries for Spin that this host refuses.
const NOT_OFFERED: [&str; 7] =
    ["self", "self.alt", "10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "fd00::/8", "10.1.2.3:79..81"];

/// Entries as a manifest has them.
fn entry() -> impl Strategy<Value = String> {
    let host = prop_oneof![select(&NAMES[..]), select(&PATTERNS[..])];
    (select(&SCHEMES[..]), host, select(&PORTS[..]), select(&["", "/"][..]))
        .prop_map(|(scheme, host, port, end)| format!("{scheme}://{host}{port}{end}"))
        // In an address without a port, Spin reads what follows the last colon as the port.
        .prop_filter("an IPv6 address needs a port", |entry| !entry.contains(":1]") || entry.contains("]:"))
}

fn port() -> impl Strategy<Value = Option<u16>> {
    prop_oneof![3 => Just(Some(80)), 1 => Just(None), 1 => select(&[0, 79, 81, 443, 5432, 65535][..]).prop_map(Some)]
}

const ODD_NAMES: [&str; 10] =
    ["10.1", "0xa.1.2.3", "167838211", "010.1.2.3", "DB", "db.", ".example", "a..example", "[::ffff:10.1.2.3]", "%64b"];

/// Hosts as an attacker may spell them to get past an entry.
fn odd_host() -> impl Strategy<Value = String> {
    prop_oneof![select(&ODD_NAMES[..]).prop_map(str::to_owned), "[a-zA-Z0-9.%*:-]{1,8}(\\.example|\\.1)?"]
}

/// Entries as they are mistyped.
fn odd_entry() -> impl Strategy<Value = String> {
    let known = prop_oneof![select(&PATTERNS[..]), select(&NOT_OFFERED[..])].prop_map(str::to_owned);
    let host = prop_oneof![odd_host(), known, "[*][.][a-zA-Z0-9.]{1,6}"];
    let scheme = prop_oneof![select(&SCHEMES[..]).prop_map(str::to_owned), "[a-zA-Z0-9{}]{0,4}"];
    let port = prop_oneof![select(&PORTS[..]).prop_map(str::to_owned), "(:[0-9*./]{0,6})?"];
    (scheme, host, port).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

proptest! {
    #[test]
    fn an_entry_of_a_manifest_allows_what_it_allows_in_spin(
        entry in entry(),
        scheme in select(&SCHEMES[1..]),
        host in select(&NAMES[..]),
        port in port(),
    ) {
        let ours = AllowList::parse(&[&entry]).ok().map(|list| list.allows(scheme, host, port));
        prop_assert_eq!(ours, spin(&entry, scheme, host, port));
    }

    #[test]
    fn no_call_is_allowed_that_spin_denies(
        entry in prop_oneof![entry(), odd_entry()],
        scheme in select(&SCHEMES[1..]),
        host in prop_oneof![select(&NAMES[..]).prop_map(str::to_owned), odd_host()],
        port in port(),
    ) {
        if AllowList::parse(&[&entry]).is_ok_and(|list| list.allows(scheme, &host, port)) {
            prop_assert_eq!(spin(&entry, scheme, &host, port), Some(true));
        }
    }
}
