//! Generated addresses and texts that are nearly addresses, checked against `std::net`.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;

/// With many zeros, so that `::` occurs, and some that are mapped.
fn address() -> impl Strategy<Value = IpAddr> {
    let group = prop_oneof![Just(0_u16), any::<u16>()];
    let mapped = any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).to_ipv6_mapped().into());
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), prop::array::uniform8(group).prop_map(IpAddr::from), mapped]
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

proptest! {
    #[test]
    fn an_address_is_read_and_written_as_std_does(address in address()) {
        let text = address.to_string();
        let read = Address::parse(&text).unwrap();
        prop_assert_eq!(read.bits(), bits(address));
        prop_assert_eq!(read.is_ipv4(), address.to_canonical().is_ipv4());
        prop_assert_eq!(read.to_string(), address.to_canonical().to_string());
    }

    #[test]
    fn what_std_refuses_is_refused(
        text in prop_oneof!["[0-9a-f:.]{0,40}", "([0-9a-f]{0,5}:{1,2}){0,9}([0-9]{1,3}\\.){0,4}[0-9]{0,3}", "([0-9]{0,4}\\.){3}[0-9]{0,3}", "\\PC{0,20}"],
    ) {
        let expected = text.parse().ok().map(bits);
        prop_assert_eq!(Address::parse(&text).map(|address| address.bits()), expected);
    }

    #[test]
    fn an_entry_is_the_address_in_any_form(address in address(), port in prop::option::of(any::<u16>()), zone in "(%[a-z0-9]{1,5})?") {
        let text = match (address, port) {
            (IpAddr::V4(_), Some(port)) => format!("{address}:{port}"),
            (IpAddr::V6(_), Some(port)) => format!("[{address}{zone}]:{port}"),
            (_, None) => format!("{address}{zone}"),
        };
        prop_assert_eq!(Address::entry(&text).map(|entry| entry.bits()), Some(bits(address)), "{}", text);
    }
}
