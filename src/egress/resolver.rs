//! What the name of a host resolves to: asked once for a connection, and only if all of it is public the
//! connection is made, to an address that was judged (T9). Between the judging and the connecting nobody asks
//! again, so a name that answers differently the second time (DNS rebinding) gains nothing.

use std::{error::Error, net::SocketAddr};

use actix_tls::connect::Resolve;
use futures_util::future::LocalBoxFuture;

use super::{Endpoint, public::is_public};

/// A name of which not every address is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it resolves to an address that is not on the public internet")]
pub struct NotPublic;

pub struct PublicResolver {
    /// For hosts that the operator has named as their own, and for the push service of tests.
    pub takes_all: bool,
}

impl Resolve for PublicResolver {
    fn lookup<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> LocalBoxFuture<'a, Result<Vec<SocketAddr>, Box<dyn Error>>> {
        Box::pin(async move {
            // With a dot at its end a name is not looked for below the domains of this machine, where a wildcard
            // would answer for it.
            let name = if self.takes_all { host.to_owned() } else { format!("{host}.") };
            let found = tokio::net::lookup_host((name, port)).await?.collect();
            Ok(judge(found, self.takes_all)?)
        })
    }
}

/// Looks whether the host of an endpoint resolves to where a request may go.
///
/// # Errors
/// Where it does not.
pub async fn check_host(endpoint: &Endpoint, takes_all: bool) -> Result<(), Box<dyn Error>> {
    let host = endpoint.uri.host().unwrap_or_default();
    let port = endpoint.uri.port_u16().unwrap_or(443);
    PublicResolver { takes_all }.lookup(host, port).await.map(drop)
}

/// IPv4 first: addresses are tried one after the other, and there are networks in which IPv6 leads nowhere.
fn judge(mut found: Vec<SocketAddr>, takes_all: bool) -> Result<Vec<SocketAddr>, NotPublic> {
    found.sort_by_key(SocketAddr::is_ipv6);
    if takes_all || found.iter().all(|address| is_public(address.ip())) { Ok(found) } else { Err(NotPublic) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t9_every_address_is_to_be_public() {
        let read =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let public = ["[2607:f8b0:4004:c07::5f]:443", "93.184.215.14:443"];
        let sorted = judge(read(&public), false).unwrap();
        assert_eq!(sorted, read(&[public[1], public[0]]));
        assert_eq!(judge(read(&["93.184.215.14:443", "10.0.0.1:443"]), false), Err(NotPublic));
        assert!(judge(read(&["10.0.0.1:443"]), true).is_ok());
    }

    #[actix_web::test]
    async fn a_host_that_is_trusted_may_be_on_this_machine() {
        let found = PublicResolver { takes_all: true }.lookup("localhost", 443).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 443));
    }
}
