use actix_web::http::header::HeaderName;
use proptest::prelude::*;

use super::*;

fn trusting(networks: &[&str]) -> TrustedProxies {
    TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
}

/// Who is asking, by a peer and the lines of `X-Forwarded-For`.
fn client(proxies: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    proxies.client(Some(peer.parse().unwrap()), &headers).to_string()
}

#[test]
fn b57_a_peer_that_is_no_proxy_speaks_for_itself_alone() {
    let proxies = trusting(&["10.0.0.0/8"]);
    for said in ["203.0.113.9", "10.0.0.1", "127.0.0.1", "203.0.113.9, 10.0.0.1", "junk"] {
        assert_eq!(client(&proxies, "192.0.2.1", &[said]), "192.0.2.1", "{said}");
        assert_eq!(client(&trusting(&[]), "10.0.0.1", &[said]), "10.0.0.1", "{said}");
    }
}

#[test]
fn t13_it_is_the_nearest_address_that_is_no_trusted_proxy() {
    let proxies = trusting(&["10.0.0.0/8", "fd00::/8"]);
    let of = |lines: &[&str]| client(&proxies, "10.0.0.1", lines);
    assert_eq!(of(&["203.0.113.9"]), "203.0.113.9");
    // What stands further left was written by the client.
    assert_eq!(of(&["127.0.0.1, 198.51.100.7, 203.0.113.9"]), "203.0.113.9");
    assert_eq!(of(&["198.51.100.7, 203.0.113.9, fd00::7,10.1.2.3"]), "203.0.113.9");
    // Where all are trusted it is the first of them.
    assert_eq!(of(&["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    assert_eq!(of(&[]), "10.0.0.1");
}

#[test]
fn a_header_in_several_lines_is_one_list() {
    let proxies = trusting(&["10.0.0.0/8"]);
    let of = |lines: &[&str]| client(&proxies, "10.0.0.1", lines);
    assert_eq!(of(&["198.51.100.7", "203.0.113.9"]), "203.0.113.9");
    assert_eq!(of(&["198.51.100.7, 203.0.113.9", "10.0.0.3", "10.0.0.2"]), "203.0.113.9");
}

#[test]
fn where_something_is_no_address_nothing_of_the_list_is_believed() {
    let proxies = trusting(&["10.0.0.0/8"]);
    let of = |line: &str| client(&proxies, "10.0.0.1", &[line]);
    for bad in [
        "junk",
        "unknown",
        "_hidden",
        "203.0.113.999",
        "203.0.113.9:",
        "203.0.113.9:99999",
        "[203.0.113.9]",
        "[::1",
        "::1]",
        "[::1]:x",
        "fe80::1%eth0",
        "203.0.113.9 198.51.100.7",
        "\u{fc}",
    ] {
        assert_eq!(of(bad), "10.0.0.1", "{bad}");
        assert_eq!(of(&format!("203.0.113.9, {bad}, 10.0.0.2")), "10.0.0.1", "{bad}");
        assert_eq!(of(&format!("{bad}, 203.0.113.9")), "203.0.113.9", "{bad}");
    }
    for empty in ["", " ", ",", " ,\t, "] {
        assert_eq!(of(empty), "10.0.0.1", "{empty:?}");
        assert_eq!(of(&format!("203.0.113.9,{empty}")), "203.0.113.9", "{empty:?}");
    }
}

#[test]
fn ports_brackets_and_mapped_addresses_are_read() {
    let proxies = trusting(&["10.0.0.0/8"]);
    let of = |line: &str| client(&proxies, "::ffff:10.0.0.1", &[line]);
    for written in ["203.0.113.9", "203.0.113.9:567", "::ffff:203.0.113.9", "[::ffff:203.0.113.9]:80"] {
        assert_eq!(of(written), "203.0.113.9", "{written}");
    }
    for written in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:80"] {
        assert_eq!(of(written), "2001:db8::7", "{written}");
    }
    assert_eq!(of("203.0.113.9, ::ffff:10.0.0.2"), "203.0.113.9");
    assert_eq!(client(&proxies, "::ffff:192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
}

#[test]
fn addresses_of_one_subscriber_are_one_group() {
    let group = |text: &str| ClientAddress::from(text.parse::<IpAddr>().unwrap()).group();
    assert_eq!(group("2001:db8:1:2::1"), group("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_ne!(group("2001:db8:1:2::1"), group("2001:db8:1:3::1"));
    assert_ne!(group("192.0.2.1"), group("192.0.2.2"));
    assert_eq!(group("::ffff:192.0.2.1"), group("192.0.2.1"));
}

#[test]
fn a_peer_that_is_gone_is_nobody_in_particular() {
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static("x-forwarded-for"),
        HeaderValue::from_static("203.0.113.9"),
    )]);
    assert_eq!(trusting(&["10.0.0.0/8"]).client(None, &headers).to_string(), "0.0.0.0");
}

/// One element of the list, good or not, and where it leads if it is an address.
fn element() -> impl Strategy<Value = (String, Option<IpAddr>)> {
    let near = any::<[u8; 3]>().prop_map(|[b, c, d]| IpAddr::from([10, b, c, d]));
    let far = any::<[u8; 2]>().prop_map(|[c, d]| IpAddr::from([203, 0, c, d]));
    let six =
        any::<u64>().prop_map(|bits| IpAddr::from(Ipv6Addr::from_bits(u128::from(bits) | 0x2001 << 112)));
    let good =
        (prop_oneof![3 => near, 1 => far, 1 => six], any::<Option<u16>>()).prop_map(|(address, port)| {
            let text = match port {
                Some(port) => SocketAddr::new(address, port).to_string(),
                None => address.to_string(),
            };
            (text, Some(address))
        });
    prop_oneof![4 => good, 1 => "[ -+--~]{1,20}".prop_map(|junk| {
        let address = address(junk.trim().as_bytes());
        (junk, address)
    })]
}

proptest! {
    /// T13: nothing that an untrusted writer has put into the list changes the answer.
    #[test]
    fn what_the_client_writes_moves_nothing(
        planted in "[\\x20-\\x7e]{0,60}",
        client_address in any::<[u8; 2]>(),
        hops in prop::collection::vec(any::<[u8; 3]>(), 0..5),
    ) {
        let proxies = trusting(&["10.0.0.0/8"]);
        let real = IpAddr::from([203, 0, client_address[0], client_address[1]]);
        let mut line = format!("{planted}, {real}");
        for [b, c, d] in hops {
            line.push_str(&format!(", 10.{b}.{c}.{d}"));
        }
        prop_assert_eq!(client(&proxies, "10.0.0.1", &[&line]), real.to_string());
    }

    /// The rule, said once more and plainly.
    #[test]
    fn the_walk_ends_at_the_first_that_is_not_trusted(
        elements in prop::collection::vec(element(), 0..8),
        is_peer_trusted in any::<bool>(),
    ) {
        let proxies = trusting(&["10.0.0.0/8"]);
        let peer = IpAddr::from(if is_peer_trusted { [10, 0, 0, 1] } else { [192, 0, 2, 1] });
        let mut expected = peer;
        for (text, address) in elements.iter().rev() {
            if text.trim().is_empty() {
                continue;
            }
            if !proxies.is_trusted(expected) {
                break;
            }
            expected = address.unwrap_or(peer);
            if address.is_none() {
                break;
            }
        }
        let line = elements.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(",");
        prop_assert_eq!(client(&proxies, &peer.to_string(), &[&line]), expected.to_canonical().to_string());
    }

    #[test]
    fn whatever_stands_there_is_read(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            headers.append(X_FORWARDED_FOR, value);
        }
        let client = trusting(&["0.0.0.0/0", "::/0"]).client(Some(IpAddr::from([10, 0, 0, 1])), &headers);
        prop_assert_eq!(client, ClientAddress::from(client.0), "it is canonical");
    }
}
