//! Where the server is, and as whom its clients come.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_tls::connect::rustls_0_23::webpki_roots_cert_store;
use mio::net::TcpStream;
use rustls::{
    ClientConfig, ClientConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{Fault, Outcome, stream::Stream};

pub struct Target {
    /// Clients take them in turn.
    pub addresses: Vec<SocketAddr>,
    /// As in the `Host` of a request.
    pub host: String,
    /// Before every path; empty, or with a slash at its beginning.
    pub base_path: String,
    /// Where the server is reached over TLS.
    pub trust: Option<Trust>,
    pub passport: Passport,
    /// What the names of the rooms begin with.
    pub rooms: String,
    /// Those of the server that are on this machine: their processor time and memory are looked at.
    pub processes: Vec<u32>,
}

/// As whom clients come, in turn.
pub struct Passport {
    /// Names and their tokens.
    pub users: Vec<(String, String)>,
    /// Token of whoever publishes over HTTP.
    pub publisher: String,
}

/// Whose certificate is believed.
pub struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// Believes the authorities of the web, and this one (PEM).
    ///
    /// # Errors
    /// Where that is no certificate, or `name` none of a host.
    pub fn new(name: &str, authority: Option<&str>) -> Outcome<Self> {
        let mut roots = webpki_roots_cert_store();
        if let Some(text) = authority {
            let certificate = CertificateDer::from_pem_slice(text.as_bytes()).ok();
            let is_taken = certificate.is_some_and(|certificate| roots.add(certificate).is_ok());
            is_taken.then_some(()).ok_or_else(|| Fault::new("the authority is no certificate in PEM"))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::new(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| Fault::new("this is no name of a host"))?;
        Ok(Self { config: Arc::new(config), name })
    }
}

impl Target {
    /// Begins to connect client `number`, with a small window where the kernel shall hold little for it.
    ///
    /// # Errors
    /// If the process may open no more files, or nobody can listen there.
    pub fn connect(&self, number: usize, receive_buffer: Option<usize>) -> Outcome<Stream> {
        let turn = number.checked_rem(self.addresses.len()).unwrap_or_default();
        let address = *self.addresses.get(turn).ok_or_else(|| Fault::new("there is no address"))?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        match socket.connect(&address.into()) {
            // Under way; whether it comes to anything is an event of the socket.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            other => other?,
        }
        let socket = TcpStream::from_std(socket.into());
        let Some(trust) = &self.trust else { return Ok(Stream::Plain(socket)) };
        let connection = ClientConnection::new(trust.config.clone(), trust.name.clone());
        let connection = connection.map_err(|error| Fault::new(format!("TLS: {error}")))?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// Which of the users client `number` is.
    pub fn place(&self, number: usize) -> usize {
        number.checked_rem(self.passport.users.len()).unwrap_or_default()
    }

    /// Name and token of that user.
    pub fn user(&self, number: usize) -> (&str, &str) {
        let user = self.passport.users.get(self.place(number));
        user.map_or(("", ""), |(name, token)| (name.as_str(), token.as_str()))
    }

    pub fn room(&self, number: usize) -> String {
        format!("{}{number}", self.rooms)
    }

    /// The head of a request up to what is special about it.
    pub fn head(&self, method: &str, path: &str, token: &str) -> String {
        let Self { host, base_path, .. } = self;
        format!("{method} {base_path}{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n")
    }
}

/// The longest time that nothing happens to anybody before what is awaited counts as missing.
pub const STALL: Duration = Duration::from_secs(5);
