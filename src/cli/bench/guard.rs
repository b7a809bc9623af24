//! Which server is loaded: found before anything is sent, and none of somebody else's by a slip.

use std::{
    fs,
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    path::Path,
    time::Duration,
};

use awc::http::Uri;

use crate::{
    cli::Failure,
    load::{Fault, Passport, Target, Trust, machine},
    random,
};

/// How long each address may take to answer the first time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A server that listens.
#[derive(Debug)]
pub struct Place {
    /// Those that do.
    addresses: Vec<SocketAddr>,
    host: String,
    base_path: String,
    is_tls: bool,
}

/// Finds the server of this address.
///
/// # Errors
/// Where it is another machine's and nobody has said that it may be loaded, or where nobody listens.
pub fn place(base: &str, is_allowed: bool) -> Result<Place, Failure> {
    let uri: Uri = base.parse().map_err(|_| Failure::Usage(format!("{base} is no URL")))?;
    let is_tls = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let found = (host.trim_matches(['[', ']']), port).to_socket_addrs();
    let found: Vec<SocketAddr> =
        found.map_err(|error| Failure::Failed(format!("{host}: {error}")))?.collect();
    if !is_allowed
        && let Some(address) = found.iter().find(|address| !address.ip().to_canonical().is_loopback())
    {
        return Err(Failure::Usage(format!(
            "{host} is {}, which is not this machine: a load can keep others from using it; \
             where it is yours to load, say so with --yes-load-this-host",
            address.ip()
        )));
    }
    let listens = |address: &SocketAddr| TcpStream::connect_timeout(address, CONNECT_TIMEOUT).is_ok();
    let addresses: Vec<SocketAddr> = found.into_iter().filter(listens).collect();
    if addresses.is_empty() {
        return Err(Failure::Failed(format!("nobody listens at {base}")));
    }
    let authority = uri.authority().map_or(host, |authority| authority.as_str()).to_owned();
    let base_path = uri.path().trim_end_matches('/').to_owned();
    Ok(Place { addresses, host: authority, base_path, is_tls })
}

impl Place {
    /// The same, as its clients see it.
    ///
    /// # Errors
    /// Where the authority that is to be believed cannot be read.
    pub fn target(
        self,
        passport: Passport,
        mut processes: Vec<u32>,
        authority: Option<&Path>,
    ) -> Result<Target, Failure> {
        if processes.is_empty() {
            processes = self.addresses.iter().flat_map(|address| machine::listeners(*address)).collect();
            processes.sort_unstable();
            processes.dedup();
        }
        let trust = if self.is_tls { Some(self.trust(authority)?) } else { None };
        Ok(Target {
            addresses: self.addresses,
            host: self.host,
            base_path: self.base_path,
            trust,
            passport,
            // Two loads at a time do not meet.
            rooms: format!("bench:{:08x}:", random::bits() >> 32),
            processes,
        })
    }

    fn trust(&self, authority: Option<&Path>) -> Result<Trust, Failure> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
        };
        let name = self.host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let name = name.map_or(self.host.as_str(), |(name, _)| name);
        let text = authority.map(read).transpose()?;
        Trust::new(name, text.as_deref()).map_err(|fault: Fault| Failure::Usage(format!("--cacert: {fault}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_loaded_only_where_somebody_says_so() {
        for base in ["http://192.0.2.1:8080", "http://[2001:db8::1]", "http://0.0.0.0:1"] {
            let refused = place(base, false).unwrap_err();
            assert!(
                matches!(&refused, Failure::Usage(line) if line.contains("--yes-load-this-host")),
                "{base}"
            );
        }
    }

    #[test]
    fn a_server_is_found_before_anything_is_sent_and_may_have_a_base_path() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = place(&format!("http://{address}/tidings/"), false).unwrap();
        assert_eq!((found.addresses.as_slice(), found.base_path.as_str()), (&[address][..], "/tidings"));
        assert_eq!((found.host, found.is_tls), (address.to_string(), false));
        drop(listener);
        assert!(matches!(place(&format!("http://{address}"), false), Err(Failure::Failed(_))));
    }
}
