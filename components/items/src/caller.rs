//! Who called, for the trail. Anybody can send `X-Actor` and `X-Forwarded-For`, so for each a variable says whether it
//! counts. A request without the header needs no variable, and reading one is a call to the host.

mod address;
mod network;

use http_toolkit::Context;
use shared::Error;

use address::Address;
use network::Network;

/// Says whether `X-Actor` counts.
const TRUST_ACTOR: &str = "trust_actor";
/// The networks of proxies whose `X-Forwarded-For` counts, separated by commas.
const TRUSTED_PROXIES: &str = "trusted_proxies";

/// The caller's name, if `trust_actor` says that a proxy sets or removes `X-Actor`.
///
/// # Errors
/// [`Error::Variable`]
pub fn actor(context: &Context) -> Result<Option<&str>, Error> {
    let Some(actor) = &context.claimed_actor else { return Ok(None) };
    Ok((variable(TRUST_ACTOR)? == "true").then_some(actor))
}

/// The caller's address without a port: that of the peer, or if this is a trusted proxy, the last forwarded one that is
/// not a trusted proxy's. `None` if the host reports no peer.
///
/// # Errors
/// [`Error::Variable`], [`Error::Networks`]
pub fn address(context: &Context) -> Result<Option<String>, Error> {
    let Some(peer) = context.peer.as_deref().and_then(Address::entry) else { return Ok(None) };
    let caller = match &context.forwarded_for {
        None => peer,
        Some(forwarded) => behind(peer, forwarded, &trusted_proxies()?),
    };
    Ok(Some(caller.to_string()))
}

/// The proxies that may say for whom they call.
///
/// # Errors
/// [`Error::Variable`]; [`Error::Networks`] if it is not a list of networks.
pub fn trusted_proxies() -> Result<Vec<Network>, Error> {
    Network::list(&variable(TRUSTED_PROXIES)?).ok_or(Error::Networks(TRUSTED_PROXIES))
}

/// Goes back from the peer for as long as a trusted proxy reports who called it. Each proxy appends that address to
/// `X-Forwarded-For`, so the list is read from its end; what is not an address ends it.
fn behind<'a>(peer: Address<'a>, forwarded: &'a str, trusted: &[Network]) -> Address<'a> {
    let mut reported = forwarded.rsplit(',').map_while(Address::entry);
    let mut caller = peer;
    while trusted.iter().any(|network| network.contains(&caller))
        && let Some(next) = reported.next()
    {
        caller = next;
    }
    caller
}

fn variable(name: &'static str) -> Result<String, Error> {
    spin_sdk::variables::get(name).map_err(|_| Error::Variable(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_the_first_address_that_is_not_a_trusted_proxy() {
        const PODS: &str = "10.42.0.0/16";
        for (trusted, peer, forwarded, expected) in [
            ("", "10.42.0.5:1", "192.0.2.1", "10.42.0.5"),
            (PODS, "10.42.0.5:1", "192.0.2.1", "192.0.2.1"),
            (PODS, "[::ffff:10.42.0.5]:1", "192.0.2.1:5000", "192.0.2.1"),
            (PODS, "10.42.0.5:1", "6.6.6.6, 192.0.2.1", "192.0.2.1"),
            (PODS, "192.0.2.1:1", "6.6.6.6", "192.0.2.1"),
            (PODS, "192.0.2.1:1", "6.6.6.6,10.42.0.5", "192.0.2.1"),
            (PODS, "10.42.0.5:1", "10.42.0.5,192.0.2.1 , 10.42.1.9", "192.0.2.1"),
            (PODS, "10.42.0.5:1", "10.42.1.9", "10.42.1.9"),
            (PODS, "10.42.0.5:1", "", "10.42.0.5"),
            (PODS, "10.42.0.5:1", "192.0.2.1,unknown", "10.42.0.5"),
            (PODS, "10.42.0.5:1", "192.0.2.1,unknown,10.42.1.9", "10.42.1.9"),
            ("10.42.0.0/16, 2001:db8::/64", "10.42.0.5:1", "2001:db8:1::1,[2001:db8::1]:1", "2001:db8:1::1"),
        ] {
            let caller = behind(Address::entry(peer).unwrap(), forwarded, &Network::list(trusted).unwrap());
            assert_eq!(caller.to_string(), expected, "{trusted}: {peer} for {forwarded}");
        }
    }
}
