//! The allow list against Spin's rules, written down a second time over the URL parser that Spin uses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::select;
use url::Host;

use super::AllowList;

const ALL: Range<u32> = 0..65536;

/// Spin's judgement of one entry and one call; `None` where Spin refuses the entry.
fn spin(entry: &str, scheme: &str, host: &str, port: Option<u16>) -> Option<bool> {
    let (entry_scheme, rest) = entry.trim().split_once("://")?;
    let (entry_host, rest) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let (entry_port, path) = rest.split_once('/').unwrap_or((rest, ""));
    let known = path.is_empty() && (entry_scheme == "*" || entry_scheme.chars().all(char::is_alphabetic));
    let ports = spin_ports(entry_port, entry_scheme)?;
    let covers = spin_host(entry_host.trim())?;
    // A call is a parsed URL: its scheme and host are in lower case by then, and a number is an address.
    let host = Host::parse(host).ok();
    known.then_some(())?;
    Some(
        (entry_scheme == "*" || entry_scheme == scheme)
            && host.is_some_and(|host| covers(&host))
            && port.or_else(|| default_port(scheme)).map_or(ports == ALL, |port| ports.contains(&port.into())),
    )
}

fn default_port(scheme: &str) -> Option<u16> {
    let known = [("http", 80), ("https", 443), ("postgres", 5432), ("mysql", 3306), ("redis", 6379), ("mqtt", 1883)];
    known.into_iter().find_map(|(name, port)| (name == scheme).then_some(port))
}

fn spin_ports(port: &str, scheme: &str) -> Option<Range<u32>> {
    let number = |text: &str| text.parse::<u16>().ok().map(u32::from);
    match port.split_once("..") {
        Some((start, end)) => Some(number(start)?..number(end)?),
        None if port == "*" => Some(ALL),
        None => {
            let port = if port.is_empty() { u32::from(default_port(scheme)?) } else { number(port)? };
            Some(port..port + 1)
        }
    }
}

/// Which hosts an entry covers.
type Covers = Box<dyn Fn(&Host) -> bool>;

fn spin_host(host: &str) -> Option<Covers> {
    if host == "*" {
        return Some(Box::new(|_| true));
    }
    if host == "self" || host == "self.alt" {
        return Some(Box::new(|_| false));
    }
    if let Some((address, bits)) = host.split_once('/') {
        if let (Ok(network), Ok(bits @ 0..=32)) = (address.parse::<Ipv4Addr>(), bits.parse::<u32>()) {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            return Some(Box::new(
                move |host| matches!(host, Host::Ipv4(address) if address.to_bits() & mask == network.to_bits() & mask),
            ));
        }
        if let (Ok(network), Ok(bits @ 0..=128)) = (address.parse::<Ipv6Addr>(), bits.parse::<u32>()) {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            return Some(Box::new(
                move |host| matches!(host, Host::Ipv6(address) if address.to_bits() & mask == network.to_bits() & mask),
            ));
        }
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
const PATTERNS: [&str; 12] = [
    "*.2.3",
    "*",
    "*.example",
    "*.audit.example",
    "self",
    "self.alt",
    "10.0.0.0/8",
    "10.1.2.3/32",
    "0.0.0.0/0",
    "fd00::/8",
    "::/0",
    "10.1.2.0/31",
];
const PORTS: [&str; 8] = [":*", ":*", "", ":80", ":5432", ":79..81", ":80..80", ":0..65535"];

/// Entries as a manifest has them.
fn entry() -> impl Strategy<Value = String> {
    let host = prop_oneof![select(&NAMES[..]), select(&PATTERNS[..])];
    (select(&SCHEMES[..]), host, select(&PORTS[..]), select(&["", "/"][..]))
        .prop_map(|(scheme, host, port, end)| format!("{scheme}://{host}{port}{end}"))
        // Spin takes the last colon of an address without a port for the port's.
        .prop_filter("an IPv6 address needs a port", |entry| !entry.contains(":1]") || entry.contains("]:"))
        .prop_filter("and so does a network of them", |entry| !entry.contains("::/") || entry.matches(':').count() > 3)
}

fn port() -> impl Strategy<Value = Option<u16>> {
    prop_oneof![3 => Just(Some(80)), 1 => Just(None), 1 => select(&[0, 79, 81, 443, 5432, 65534, 65535][..]).prop_map(Some)]
}

const ODD_NAMES: [&str; 10] = [
    "10.1",
    "0x0a.1.2.3",
    "167838211",
    "010.1.2.3",
    "DB",
    "db.",
    ".example",
    "a..example",
    "[::ffff:10.1.2.3]",
    "%64b",
];

/// Hosts as a guest may spell them to get round an entry.
fn odd_host() -> impl Strategy<Value = String> {
    prop_oneof![select(&ODD_NAMES[..]).prop_map(str::to_owned), "[a-zA-Z0-9.%*:-]{1,8}(\\.example|\\.1)?"]
}

/// Entries as they are mistyped.
fn odd_entry() -> impl Strategy<Value = String> {
    let host = prop_oneof![odd_host(), select(&PATTERNS[..]).prop_map(str::to_owned), "[*][.][a-zA-Z0-9.]{1,6}"];
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
    fn nothing_is_allowed_that_spin_denies(
        entry in prop_oneof![entry(), odd_entry()],
        scheme in select(&SCHEMES[1..]),
        host in prop_oneof![select(&NAMES[..]).prop_map(str::to_owned), odd_host()],
        port in port(),
    ) {
        if AllowList::parse(&[&entry]).is_ok_and(|list| list.allows(scheme, &host, port)) {
            prop_assert_eq!(spin(&entry, scheme, &host, port), Some(true));
        }
    }

    #[test]
    fn more_entries_never_allow_less_and_no_more_than_each(
        entries in prop::collection::vec(entry().prop_filter("Spin takes it", |entry| AllowList::parse(&[entry]).is_ok()), 0..5),
        host in select(&NAMES[..]),
        port in port(),
    ) {
        let each = |entry: &String| AllowList::parse(&[entry]).unwrap().allows("http", host, port);
        prop_assert_eq!(AllowList::parse(&entries).unwrap().allows("http", host, port), entries.iter().any(each));
    }

    #[test]
    fn any_text_is_an_entry_or_is_named_as_none(entry in "\\PC{0,40}") {
        if let Err(reason) = AllowList::parse(&[&entry]) {
            let shown = format!("{entry:?}");
            prop_assert!(reason.contains(&shown), "{}", reason);
        }
    }
}
