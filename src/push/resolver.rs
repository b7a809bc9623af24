//! What the name of a push service resolves to: asked once for a connection, and only if all of it is public the
//! connection is made, to an address that was judged (T9). Between the judging and the connecting nobody asks
//! again, so a name that answers differently the second time (DNS rebinding) gains nothing.

use std::{error::Error, net::SocketAddr};

use actix_tls::connect::Resolve;
use futures_util::future::LocalBoxFuture;

use super::public::is_public;

/// A name of which not every address is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it resolves to an address that is not on the public internet")]
pub struct NotPublic;

pub struct PublicResolver {
    /// For the push service of tests (`push.test_ca`), which is on this machine.
    pub takes_all: bool,
}

impl Resolve for PublicResolver {
    fn lookup<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> LocalBoxFuture<'a, Result<Vec<SocketAddr>, Box<dyn Error>>> {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
            if self.takes_all || found.iter().all(|address| is_public(address.ip())) {
                Ok(found)
            } else {
                Err(NotPublic.into())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn t9_a_name_of_this_machine_is_refused_but_in_tests() {
        let refused = PublicResolver { takes_all: false }.lookup("localhost", 443).await.unwrap_err();
        assert!(refused.is::<NotPublic>());
        let found = PublicResolver { takes_all: true }.lookup("localhost", 443).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 443));
    }
}
