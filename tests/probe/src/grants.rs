//! What a component has only if its manifest grants it.

use crate::bindings::fermyon::spin::variables;
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasi::sockets::tcp_create_socket::create_tcp_socket;

/// The environment variables, one a line.
pub fn environment() -> String {
    let variables: Vec<_> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    variables.join("\n")
}

/// The content of a file.
pub fn file(path: &str) -> String {
    match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => format!("error: {error}"),
    }
}

/// Tries to connect to a port of this machine.
pub fn socket(port: u64) -> String {
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: u16::try_from(port).unwrap_or_default(),
        address: (127, 0, 0, 1),
    });
    let connect = || {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
        socket.start_connect(&instance_network(), address)?;
        socket.subscribe().block();
        socket.finish_connect().map(drop)
    };
    match connect() {
        Ok(()) => "connected".to_owned(),
        Err(code) => format!("error: {}", code.name()),
    }
}

/// Looks a host name up.
pub fn lookup(name: &str) -> String {
    let resolve = || {
        let addresses = resolve_addresses(&instance_network(), name)?;
        addresses.subscribe().block();
        addresses.resolve_next_address()
    };
    match resolve() {
        Ok(address) => format!("{address:?}"),
        Err(code) => format!("error: {}", code.name()),
    }
}

/// The value of one of the component's variables.
pub fn variable(name: &str) -> String {
    match variables::get(name) {
        Ok(value) => value,
        Err(error) => format!("error: {error:?}"),
    }
}
