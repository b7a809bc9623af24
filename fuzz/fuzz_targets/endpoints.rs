//! Where a subscription may be pushed to. The oracle is the reader of URLs that browsers agree on (WHATWG): what is
//! taken is for both the same host, one that is allowed, by TLS, at its port, with no password, and no address.
//!
//! Input: the endpoint.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings::egress::EndpointRule;
use url::{Host, Url};

const HOSTS: [(&str, u16); 3] = [("push.apple.com", 443), ("x.example", 8443), ("a", 443)];

fuzz_target!(|text: &str| {
    let hosts = HOSTS.map(|(host, port)| format!("{host}:{port}"));
    let rule = EndpointRule::new(&hosts).unwrap();
    let Ok(taken) = rule.check(text) else { return };

    let Ok(read) = Url::parse(text) else {
        // Of names in other scripts only browsers know which there are.
        assert!(text.contains("xn--"), "a browser could not have written it: {text}");
        return;
    };
    let Some(Host::Domain(host)) = read.host() else { panic!("it is no name: {text}") };
    let port = read.port_or_known_default().unwrap();
    assert!(text.len() <= 2048 && text.is_ascii());
    assert_eq!((read.scheme(), read.username(), read.password()), ("https", "", None));
    assert!(read.fragment().is_none());
    let is_below = |allowed: &str| host == allowed || host.ends_with(&format!(".{allowed}"));
    assert!(HOSTS.iter().any(|(allowed, at)| is_below(allowed) && port == *at), "{text}");
    assert_eq!((taken.uri.scheme_str(), taken.uri.host()), (Some("https"), Some(host)));
    assert_eq!(taken.uri.port_u16().unwrap_or(443), port);
    assert_eq!(taken.origin, read.origin().ascii_serialization());
});
