//! Networks, as the variable `trusted_proxies` names them.

use super::address::Address;

/// The addresses that share their first bits.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// One of its addresses. IPv4 is mapped into IPv6, so that one comparison is enough.
    bits: u128,
    /// How many bits at the end differ.
    free: u32,
}

impl Network {
    /// Networks in CIDR notation (`10.42.0.0/16`, `2001:db8::/32`) or single addresses, separated by commas; none if
    /// `text` is blank. `None` if one is malformed.
    pub fn list(text: &str) -> Option<Vec<Self>> {
        if text.trim_ascii().is_empty() {
            return Some(Vec::new());
        }
        text.split(',').map(|network| Self::parse(network.trim_ascii())).collect()
    }

    /// Whether it has this address.
    pub fn contains(&self, address: &Address<'_>) -> bool {
        (self.bits ^ address.bits()).checked_shr(self.free).unwrap_or(0) == 0
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address = Address::parse(address)?;
        let width: u32 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(width), |prefix| prefix.parse().ok())?;
        Some(Self { bits: address.bits(), free: width.checked_sub(prefix)? })
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        for (networks, inside, outside) in [
            ("10.42.0.0/16", &["10.42.0.0", "10.42.255.255"][..], &["10.41.255.255", "10.43.0.0", "::10.42.0.1"][..]),
            ("10.42.7.7/16", &["10.42.0.1"], &["10.43.0.1"]),
            ("192.0.2.1", &["192.0.2.1"], &["192.0.2.0", "192.0.2.2"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1", "2001:db8::1"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1", "32.1.13.184"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            (" 10.0.0.0/8 , fd00::/8 ", &["10.9.9.9", "fdff::1"], &["11.0.0.0", "fe00::1"]),
            (" ", &[], &["127.0.0.1"]),
        ] {
            let list = Network::list(networks).unwrap_or_else(|| panic!("{networks}"));
            let has = |address: &&str| list.iter().any(|network| network.contains(&Address::parse(address).unwrap()));
            assert!(inside.iter().all(has) && !outside.iter().any(has), "{networks}");
        }
    }

    #[test]
    fn a_list_with_anything_else_in_it_is_refused() {
        for text in [
            ",",
            "10.0.0.0/8,",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "/8",
            "10.0/8",
            "10.0.0.0/8 10.1.0.0/16",
            "10.0.0.0/-1",
            "localhost",
            "true",
            "[::1]",
            "10.0.0.0/255.0.0.0",
        ] {
            assert!(Network::list(text).is_none(), "{text}");
        }
    }
}
