//! Which processes of this machine listen at a port, as far as its user may see them.

use std::{collections::HashSet, fs, net::SocketAddr};

/// State of a socket that listens, as /proc/net/tcp writes it.
const LISTEN: &str = "0A";

/// The processes that listen at the port of this address, where it is one of this machine.
pub fn listeners(address: SocketAddr) -> Vec<u32> {
    if !address.ip().to_canonical().is_loopback() {
        return Vec::new();
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: HashSet<String> =
        tables.iter().flat_map(|table| sockets(table, address.port())).map(str::to_owned).collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|process| holds(*process, &sockets)).collect()
}

/// The numbers (inodes) of the sockets of a table that listen at this port.
fn sockets(table: &str, port: u16) -> impl Iterator<Item = &str> {
    let port = format!(":{port:04X}");
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        (local.ends_with(&port) && state == LISTEN).then(|| fields.nth(5))?
    })
}

fn holds(process: u32, sockets: &HashSet<String>) -> bool {
    let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|link| {
        let number = link.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
        number.is_some_and(|number| sockets.contains(number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_listens_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listeners(address), [std::process::id()]);
        drop(listener);
        assert!(listeners(address).is_empty());
        assert!(listeners("192.0.2.1:80".parse().unwrap()).is_empty(), "it is none of this machine");
    }
}
