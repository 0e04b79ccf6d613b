//! Addresses of callers, as `spin-client-addr` and `X-Forwarded-For` write them.

use std::fmt;

/// An IP address. Not `std::net::IpAddr`, whose reading and writing adds 17 kB to a component; the properties compare
/// the two.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    text: &'a str,
    bits: u128,
}

/// The bits before an IPv4 address that is mapped into IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED: u128 = 0xffff;

impl<'a> Address<'a> {
    /// Reads an IPv4 or IPv6 address.
    pub fn parse(text: &'a str) -> Option<Self> {
        let ascii = text.as_bytes();
        let bits = ipv6(ascii).or_else(|| Some(MAPPED << 32 | u128::from(ipv4(ascii)?)))?;
        Some(Self { text, bits })
    }

    /// Reads an entry of a header: `ADDRESS`, `ADDRESS:PORT`, `[IPV6]` or `[IPV6]:PORT`. Port and zone (`fe80::1%eth0`)
    /// mean nothing elsewhere and are left out.
    pub fn entry(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        let is_port = |text: &str| number(text.as_bytes(), 10, 5).is_some();
        let host = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed.split_once(']')?;
                let complete = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
                complete.then_some(host)?
            }
            None => text.split_once(':').filter(|(_, port)| is_port(port)).map_or(text, |(host, _)| host),
        };
        Self::parse(host.split_once('%').map_or(host, |(address, _)| address))
    }

    /// Its bits; those of an IPv4 address are mapped into IPv6.
    pub fn bits(&self) -> u128 {
        self.bits
    }

    /// Whether it is one of IPv4, mapped or not.
    pub fn is_ipv4(&self) -> bool {
        self.bits >> 32 == MAPPED
    }
}

/// Every IPv4 address in one form, an IPv6 address as it was written.
impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_ipv4() {
            return f.write_str(self.text);
        }
        let [.., a, b, c, d] = self.bits.to_be_bytes();
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

/// Four numbers below 256, without leading zeros.
fn ipv4(text: &[u8]) -> Option<u32> {
    let (mut bits, mut count) = (0, 0);
    for part in text.split(|byte| *byte == b'.') {
        let value = number(part, 10, 3).filter(|value| *value < 256 && (part.len() == 1 || part[0] != b'0'))?;
        (bits, count) = (bits << 8 | value, count + 1);
    }
    (count == 4).then_some(bits)
}

/// Eight groups of 16 bits, of which `::` stands for one or more zeros.
fn ipv6(text: &[u8]) -> Option<u128> {
    let Some(gap) = text.windows(2).position(|pair| pair == b"::") else {
        return groups(text, true).and_then(|(bits, count)| (count == 8).then_some(bits));
    };
    let ((high, before), (low, after)) = (groups(&text[..gap], false)?, groups(&text[gap + 2..], true)?);
    (before + after < 8).then(|| high.checked_shl(128 - 16 * before).unwrap_or(0) | low)
}

/// Groups separated by colons, and how many they are. At the end of an address, the last two may be an IPv4 address.
fn groups(text: &[u8], at_end: bool) -> Option<(u128, u32)> {
    let (mut bits, mut count) = (0, 0);
    let mut parts = text.split(|byte| *byte == b':').filter(|_| !text.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let (value, groups) = match ipv4(part) {
            Some(address) if at_end && parts.peek().is_none() => (address, 2),
            _ => (number(part, 16, 4)?, 1),
        };
        (bits, count) = (bits << (16 * groups) | u128::from(value), count + groups);
    }
    Some((bits, count))
}

/// A number of up to `longest` digits.
fn number(text: &[u8], radix: u32, longest: usize) -> Option<u32> {
    if !(1..=longest).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |number, byte| Some(number * radix + char::from(*byte).to_digit(radix)?))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_without_its_port_and_zone() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:5000\t", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:5000", "2001:db8::1"),
            ("[fe80::1%2]:5000", "fe80::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:c000:201]:1", "192.0.2.1"),
        ] {
            assert_eq!(Address::entry(text).map(|address| address.to_string()).as_deref(), Some(address), "{text}");
        }
        for text in [
            "",
            "unknown",
            "_hidden",
            "192.0.2.1:",
            "192.0.2.1:port",
            "192.0.2.1/32",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]5000",
            "[2001:db8::1]:",
            "\"192.0.2.1\"",
            "192.0.2.1 192.0.2.2",
        ] {
            assert!(Address::entry(text).is_none(), "{text}");
        }
    }
}
