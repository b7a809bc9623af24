//! Where a request comes from, behind the proxies that are trusted (`http.trusted_proxies`, T13).
//!
//! Pure: answers from the peer's address and the headers alone. `X-Forwarded-For` is a list to which each proxy adds
//! the address that it was called from, so it is read from the right, and only as far as its writers are trusted:
//! whatever stands further left may come from anybody. Must never believe a header of a peer that is no such proxy.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What one subscriber is given of IPv6 at least (RFC 6177): whoever has one address of it has all of them.
const SUBSCRIBER_MASK: u128 = u128::MAX << 64;

/// Where a client is. An IPv4 address that arrives mapped into IPv6 is the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// What its limits count: the address, or of IPv6 the /64 that it is in.
    pub fn group(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SUBSCRIBER_MASK).into(),
        }
    }

    pub fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The proxies whose word is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    pub fn is_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Who has sent a request that came from `peer`.
    ///
    /// The first address from the right that is no trusted proxy; where all are, the last one. Where something that
    /// is no address comes before it, nothing of the list is believed: then it is the peer.
    pub fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> ClientAddress {
        // A peer that is gone already has no address; all such are counted as one.
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let mut client = peer;
        let mut hops = headers.get_all(X_FORWARDED_FOR).rev().flat_map(hops);
        while self.is_trusted(client)
            && let Some(hop) = hops.next()
        {
            let Some(hop) = hop else { return peer.into() };
            client = hop;
        }
        client.into()
    }
}

/// The elements of one line, from the right; `None` for what is no address. Empty ones are passed over
/// (RFC 9110 section 5.6.1.2).
fn hops(line: &HeaderValue) -> impl Iterator<Item = Option<IpAddr>> {
    let elements = line.as_bytes().rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    elements.filter(|element| !element.is_empty()).map(address)
}

/// An address, with the port that some proxies add: `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]`, `[::1]:80`.
fn address(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    };
    address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests;
