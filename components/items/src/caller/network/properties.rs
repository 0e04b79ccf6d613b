//! Generated networks and addresses, checked against a comparison of their digits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// The address as binary digits, after a letter for its version.
fn digits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("4{:032b}", address.to_bits()),
        IpAddr::V6(address) => format!("6{:0128b}", address.to_bits()),
    }
}

proptest! {
    #[test]
    fn an_address_is_in_a_network_if_their_first_digits_are_equal(
        network in any::<IpAddr>(), prefix in 0..=128_u32, changed in 0..128_u32, other in any::<IpAddr>(),
    ) {
        let (network, near, prefix) = match network {
            IpAddr::V4(address) => {
                let near = Ipv4Addr::from_bits(address.to_bits() ^ (1 << (changed % 32)));
                (address.into(), IpAddr::from(near), prefix % 33)
            }
            // Not mapped: such an address is one of IPv4.
            IpAddr::V6(address) => {
                let address = address.to_bits() | (1 << 127);
                let near = Ipv6Addr::from_bits(address ^ (1 << (changed % 127)));
                (IpAddr::from(Ipv6Addr::from_bits(address)), IpAddr::from(near), prefix.max(1))
            }
        };
        let parsed = Network::list(&format!("{network}/{prefix}")).unwrap();
        for address in [network, near, other.to_canonical()] {
            let expected = digits(address).starts_with(&digits(network)[..=prefix as usize]);
            let text = address.to_string();
            prop_assert_eq!(parsed[0].contains(&Address::parse(&text).unwrap()), expected, "{} in {}/{}", address, network, prefix);
        }
    }

    #[test]
    fn any_text_is_a_list_or_refused(text in "[0-9a-f.:/, ]{0,40}|\\PC{0,20}") {
        let commas = text.matches(',').count();
        if let Some(list) = Network::list(&text) {
            prop_assert!(list.is_empty() && text.trim().is_empty() || list.len() == commas + 1);
        }
    }
}
