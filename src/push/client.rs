//! The HTTP client for push services: it connects where [`super::resolver`] lets it, believes the certificates of
//! the web, follows no redirect, knows no proxy, and reads little of what it is told.
//!
//! It speaks HTTP/1.1, which all push services take, and keeps connections for a while.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_tls::connect::{Connector as TcpConnector, Resolver, rustls_0_23::webpki_roots_cert_store};
use awc::{
    Client, ClientResponse, Connector,
    error::{ConnectError, SendRequestError},
};
use futures_util::StreamExt;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    IN_FLIGHT_MAX,
    resolver::{NotPublic, PublicResolver},
};
use crate::domain::Invalid;

/// How long a connection may take to be made, with the resolving of its name; and then to be made secure.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of an answer's body that are read, and how long that may take: only so that the connection can be
/// used again, since nobody looks at them.
const ANSWER_MAX: usize = 8 * 1024;
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long one client is used. It keeps an idle connection until its host is asked for again, which may be never:
/// who makes up names below that of a push service would have us keep one for each.
const CLIENT_LIFE: Duration = Duration::from_secs(300);

/// The client of this thread, made anew now and then.
pub struct Clients {
    trust: Trust,
    current: RefCell<(Client, Instant)>,
}

impl Clients {
    pub fn new(trust: Trust) -> Self {
        let current = RefCell::new((trust.client(), Instant::now()));
        Self { trust, current }
    }

    /// What is under way with an older one comes to its end with that.
    pub fn get(&self) -> Client {
        let (client, made_at) = &mut *self.current.borrow_mut();
        if made_at.elapsed() >= CLIENT_LIFE {
            (*client, *made_at) = (self.trust.client(), Instant::now());
        }
        client.clone()
    }
}

/// Who is believed, and whom may be connected to.
pub struct Trust {
    tls: Arc<ClientConfig>,
    takes_all: bool,
}

impl Trust {
    /// `test_ca` is the authority (PEM) that a push service of tests is believed by; with it, hosts may be private.
    ///
    /// # Errors
    /// Where that is no certificate.
    pub fn new(test_ca: Option<&str>) -> Result<Self, Invalid> {
        let mut roots = webpki_roots_cert_store();
        if let Some(text) = test_ca {
            add(&mut roots, text).ok_or_else(|| Invalid::new("it is no certificate in PEM"))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| Invalid::new(error.to_string()))?;
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(tls), takes_all: test_ca.is_some() })
    }

    /// A client for this thread. The time of a whole attempt is limited where it is made.
    fn client(&self) -> Client {
        let resolver = Resolver::custom(PublicResolver { takes_all: self.takes_all });
        let connector = Connector::new()
            .connector(TcpConnector::new(resolver).service())
            .rustls_0_23(self.tls.clone())
            .timeout(CONNECT_TIMEOUT)
            .handshake_timeout(CONNECT_TIMEOUT)
            .limit(IN_FLIGHT_MAX);
        Client::builder()
            .connector(connector)
            .disable_redirects()
            .disable_timeout()
            .no_default_headers()
            .finish()
    }
}

/// Adds the certificates of a PEM text; `None` if there is none, or one that cannot be read.
fn add(roots: &mut RootCertStore, text: &str) -> Option<()> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.ok().filter(|found| !found.is_empty())?;
    certificates.into_iter().try_for_each(|certificate| roots.add(certificate)).ok()
}

/// Whether the address was refused before anybody was asked.
pub fn is_forbidden(error: &SendRequestError) -> bool {
    matches!(error, SendRequestError::Connect(ConnectError::Resolver(error)) if error.is::<NotPublic>())
}

/// Reads what follows the head of an answer, as far as that is little and soon there; otherwise the connection
/// ends with it.
pub async fn finish(mut response: ClientResponse) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(piece)) = response.next().await {
            read += piece.len();
            if read > ANSWER_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ANSWER_TIMEOUT, reading).await;
}
