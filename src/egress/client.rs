//! The HTTP client: it connects where [`super::resolver`] lets it, believes the certificates of the web, follows no
//! redirect, knows no proxy, and reads little of what it is told.
//!
//! It speaks HTTP/1.1, which everybody takes, and keeps connections for a while.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use actix_tls::connect::{Connector as TcpConnector, Resolver, rustls_0_23::webpki_roots_cert_store};
use awc::{
    Client, ClientRequest, ClientResponse, Connector,
    error::{ConnectError, SendRequestError},
    http::header::{HeaderMap, HttpDate, RETRY_AFTER},
};
use futures_util::StreamExt;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    ATTEMPT_MAX,
    resolver::{NotPublic, PublicResolver},
};
use crate::domain::Invalid;

/// How long a connection may take to be made, with the resolving of its name; and then to be made secure.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of an answer's body that are read, and how long that may take: only so that the connection can be
/// used again, since nobody looks at them.
const ANSWER_MAX: usize = 8 * 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the head of an answer is waited for, so that the rest has its time.
const HEAD_MAX: Duration = ATTEMPT_MAX.saturating_sub(ANSWER_TIMEOUT);

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

/// Whether an authority can be believed.
///
/// # Errors
/// Where it is no certificate in PEM.
pub fn check_ca(text: &str) -> Result<(), Invalid> {
    Trust::new(Some(text), false, 1).map(drop)
}

/// Who is believed, and whom may be connected to.
pub struct Trust {
    tls: Arc<ClientConfig>,
    takes_all: bool,
    /// Connections to one host at once.
    connections: usize,
}

impl Trust {
    /// `ca` is an authority (PEM) that is believed besides those of the web; `takes_all` lets hosts be private.
    ///
    /// # Errors
    /// Where that is no certificate.
    pub fn new(ca: Option<&str>, takes_all: bool, connections: usize) -> Result<Self, Invalid> {
        let mut roots = webpki_roots_cert_store();
        if let Some(text) = ca {
            add(&mut roots, text).ok_or_else(|| Invalid::new("it is no certificate in PEM"))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| Invalid::new(error.to_string()))?;
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(tls), takes_all, connections })
    }

    /// A client for this thread. The time of a whole attempt is limited where it is made.
    fn client(&self) -> Client {
        let resolver = Resolver::custom(PublicResolver { takes_all: self.takes_all });
        let connector = Connector::new()
            .connector(TcpConnector::new(resolver).service())
            .rustls_0_23(self.tls.clone())
            .timeout(CONNECT_TIMEOUT)
            .handshake_timeout(CONNECT_TIMEOUT)
            .limit(self.connections);
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

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Whatever its status says, a redirect included; and when the host wants to be asked again, if it has said so.
    Answered { status: u16, after: Option<Duration> },
    /// None, for this reason in our own words.
    Silence(&'static str),
    /// The address may not be connected to; nobody was asked.
    Forbidden,
}

/// Sends a request, and answers within [`ATTEMPT_MAX`]. Of the answer's body nothing is kept.
pub async fn exchange(request: ClientRequest, body: Vec<u8>) -> Reply {
    match tokio::time::timeout(HEAD_MAX, request.send_body(body)).await {
        Ok(Ok(response)) => {
            let reply = Reply::Answered {
                status: response.status().as_u16(),
                after: retry_after(response.headers()),
            };
            finish(response).await;
            reply
        }
        Ok(Err(error)) if is_forbidden(&error) => Reply::Forbidden,
        Ok(Err(error)) => {
            log::debug!("a request has no answer: {error}");
            Reply::Silence("no answer")
        }
        Err(_) => Reply::Silence("no answer in time"),
    }
}

/// Whether the address was refused before anybody was asked.
fn is_forbidden(error: &SendRequestError) -> bool {
    matches!(error, SendRequestError::Connect(ConnectError::Resolver(error)) if error.is::<NotPublic>())
}

/// Seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = text.parse::<HttpDate>().ok()?;
    Some(SystemTime::from(date).duration_since(SystemTime::now()).unwrap_or_default())
}

/// Reads what follows the head of an answer, as far as that is little and soon there; otherwise the connection
/// ends with it.
async fn finish(mut response: ClientResponse) {
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

#[cfg(test)]
mod tests {
    use awc::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_host_says_when_in_seconds_or_as_a_date() {
        let after =
            |text| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]));
        assert_eq!(after("3"), Some(Duration::from_secs(3)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(after("Fri, 31 Dec 2100 23:59:59 GMT").unwrap() > Duration::from_secs(3600));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
