//! Where a request comes from, behind trusted proxies: nobody can write themselves another address. The oracle reads
//! all that the proxies have said from the right, one hop after the other.
//!
//! Input: the trusted networks, the peer, then the lines of `X-Forwarded-For`, one a line.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tidings::{
    auth::forwarded::{ClientAddress, TrustedProxies},
    domain::Network,
};

/// An address as 128 bits, an IPv4 address as it is mapped into IPv6.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Whether a network that the server would take holds this address.
fn contains(network: &str, address: IpAddr) -> bool {
    let (base, prefix) = network.split_once('/').unwrap_or((network, "128"));
    let base: IpAddr = base.parse().unwrap();
    let prefix = prefix.parse::<u32>().unwrap() + if base.is_ipv4() { 96 } else { 0 };
    let is_same_family = base.to_canonical().is_ipv4() == address.to_canonical().is_ipv4();
    is_same_family && (bits(base) ^ bits(address)).leading_zeros() >= prefix.min(128)
}

/// One hop, with or without a port.
fn hop(text: &str) -> Option<IpAddr> {
    let is_port = |port: &str| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address = match (address.split_once('%'), port.strip_prefix(':')) {
            // A zone counts for nothing.
            (Some((address, zone)), Some(_)) if zone.parse::<u32>().is_ok() => address,
            (Some(_), _) => return None,
            (None, _) => address,
        };
        let is_rest = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().ok().filter(|_| is_rest).map(IpAddr::V6);
    }
    text.parse().ok().or_else(|| {
        let (address, port) = text.split_once(':')?;
        address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port)).map(IpAddr::V4)
    })
}

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let networks = lines.next().unwrap_or_default().split(',');
    let networks: Vec<&str> = networks.filter(|network| network.parse::<Network>().is_ok()).collect();
    let proxies = TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect());
    let Some(Ok(peer)) = lines.next().map(str::parse::<IpAddr>) else { return };
    let lines: Vec<&str> = lines.filter(|line| HeaderValue::from_str(line).is_ok()).collect();

    let mut headers = HeaderMap::new();
    for line in &lines {
        let name = HeaderName::from_static("x-forwarded-for");
        headers.append(name, HeaderValue::from_str(line).unwrap());
    }
    let client = proxies.client(Some(peer), &headers);

    let is_trusted = |address| networks.iter().any(|network| contains(network, address));
    let mut expected = peer;
    let said = lines.join(",");
    for element in said.rsplit(',').map(|element| element.trim_matches([' ', '\t'])) {
        if !is_trusted(expected) {
            break;
        }
        match (element, hop(element)) {
            ("", _) => {}
            (_, Some(hop)) => expected = hop,
            (_, None) => {
                expected = peer;
                break;
            }
        }
    }
    assert_eq!(client, ClientAddress::from(expected), "{networks:?} {peer} {lines:?}");
    assert!(is_trusted(peer) || client == ClientAddress::from(peer), "the header of anybody");

    let group = client.group();
    match expected.to_canonical() {
        IpAddr::V4(address) => assert_eq!(group, address),
        address => assert_eq!(bits(group), bits(address) >> 64 << 64),
    }
});
