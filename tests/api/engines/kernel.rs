//! What the kernel knows of connections.

use std::{fs, net::SocketAddr};

/// The state of the server's end of a connection, as a number of the kernel's table (proc(5)); none if the
/// kernel has forgotten it.
pub fn server_end(server: SocketAddr, client: SocketAddr) -> Option<u8> {
    let ports = (server.port(), client.port());
    kernel_table().into_iter().find_map(|(local, remote, state)| (ports == (local, remote)).then_some(state))
}

/// How many connections to this port the kernel of this network has on the server's side, but for those that only wait for their
/// names to be forgotten.
pub fn server_ends(port: u16) -> usize {
    const TIME_WAIT: u8 = 6;
    const LISTEN: u8 = 10;
    let is_meant =
        |(local, _, state): &(u16, u16, u8)| *local == port && ![TIME_WAIT, LISTEN].contains(state);
    kernel_table().iter().filter(|row| is_meant(row)).count()
}

/// Local port, remote port and state of all TCP sockets over IPv4.
fn kernel_table() -> Vec<(u16, u16, u8)> {
    let port = |address: &str| u16::from_str_radix(address.split_once(':').unwrap().1, 16).unwrap();
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (port(fields[1]), port(fields[2]), u8::from_str_radix(fields[3], 16).unwrap())
    };
    table.lines().skip(1).map(row).collect()
}
