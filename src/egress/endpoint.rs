//! Where requests may go (T9). An endpoint is an address that a client has written: whoever believed it would let
//! the world send requests from inside the network.
//!
//! Pure. The name is judged here, when a subscription comes and again before each push; what the name resolves to
//! is judged by [`super::resolver`].

use awc::http::Uri;

use crate::domain::Invalid;

/// The push services of the browsers, with all names below these.
const KNOWN: [&str; 4] = [
    // Chrome, and most that are built on it.
    "fcm.googleapis.com",
    // Firefox.
    "push.services.mozilla.com",
    // Safari.
    "push.apple.com",
    // Edge on Windows.
    "notify.windows.com",
];

const SCHEME: &str = "https://";
const PORT: u16 = 443;

/// Longest endpoint, in characters; longest name (RFC 1035 section 2.3.4).
const ENDPOINT_MAX: usize = 2048;
const HOST_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// Which endpoints are taken.
#[derive(Debug, Clone)]
pub struct EndpointRule {
    allowed: Vec<Allowed>,
}

/// A name with all names below it, at one port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    host: String,
    port: u16,
}

/// An endpoint that may be pushed to, as far as its name goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub uri: Uri,
    /// Scheme, host and port: whom a token is for (RFC 8292 section 2).
    pub origin: String,
}

impl EndpointRule {
    /// `hosts` are names, with `:port` where it is not 443; without any, the known push services are allowed.
    ///
    /// # Errors
    /// Where one is no name of a host.
    pub fn new(hosts: &[String]) -> Result<Self, Invalid> {
        if hosts.is_empty() {
            let known = KNOWN.map(|host| Allowed { host: host.to_owned(), port: PORT });
            return Ok(Self { allowed: known.into() });
        }
        let allowed: Option<Vec<Allowed>> = hosts.iter().map(|text| Allowed::parse(text)).collect();
        let expected =
            "a host is a name in lower case, with a port where it is not 443, such as push.example.com";
        Ok(Self { allowed: allowed.ok_or_else(|| Invalid::new(expected))? })
    }

    /// Judges what a client has written.
    ///
    /// # Errors
    /// Where it may not be pushed to; the message names the part that is wrong.
    pub fn check(&self, endpoint: &str) -> Result<Endpoint, Invalid> {
        let refuse = |expected: &str| Err(Invalid::new(expected));
        if endpoint.len() > ENDPOINT_MAX {
            return refuse("an endpoint has at most 2048 characters");
        }
        // What is not visible ASCII, and what some parsers take for something else.
        if !endpoint.bytes().all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}#"#.contains(&b)) {
            return refuse("an endpoint is a URL without a fragment");
        }
        let Some(rest) = endpoint.strip_prefix(SCHEME) else {
            return refuse("an endpoint begins with https://");
        };
        let authority = rest.split('/').next().unwrap_or_default();
        // Browsers never write it, and one endpoint has one text.
        if authority.ends_with(":443") {
            return refuse("an endpoint does not name the port that goes without saying");
        }
        // Names have no @, so there is no userinfo; no ?, so there is a path; and no [, so there is no address.
        let Some(host) = Allowed::parse(authority) else {
            return refuse("the host of an endpoint is a name, on a port that is written as a number");
        };
        if !self.allowed.iter().any(|allowed| allowed.covers(&host)) {
            return refuse("the host of an endpoint is one that is allowed here");
        }
        match endpoint.parse::<Uri>() {
            // It is asked for as it is read here; what would be read differently is not asked for at all.
            Ok(uri) if uri.host() == Some(&host.host) && uri.port_u16().unwrap_or(PORT) == host.port => {
                Ok(Endpoint { uri, origin: host.origin() })
            }
            _ => refuse("an endpoint is a URL"),
        }
    }
}

impl Allowed {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, decimal(port)?),
            None => (text, PORT),
        };
        let labels_are_fine = host.split('.').all(|label| {
            (1..=LABEL_MAX).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
        // A name whose last label is a number is read as an address by resolvers (`127.1`, `0x7f.1`, `2130706433`).
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_address = last.starts_with(|c: char| c.is_ascii_digit());
        let is_name = host.len() <= HOST_MAX && labels_are_fine && !is_address;
        is_name.then(|| Self { host: host.to_owned(), port })
    }

    fn covers(&self, other: &Self) -> bool {
        let below = other.host.strip_suffix(&self.host);
        self.port == other.port && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    fn origin(&self) -> String {
        match self.port {
            PORT => format!("{SCHEME}{}", self.host),
            port => format!("{SCHEME}{}:{port}", self.host),
        }
    }
}

/// A port as everybody writes it: no sign, no zeros before it.
fn decimal(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| *port > 0 && port.to_string() == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn known() -> EndpointRule {
        EndpointRule::new(&[]).unwrap()
    }

    fn rule(hosts: &[&str]) -> EndpointRule {
        EndpointRule::new(&hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_push_services_of_the_browsers_are_known() {
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/abc:APA91b-_x",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
            "https://web.push.apple.com/QOaG?x=1&y=%20",
            "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%3d%3d",
        ] {
            let found = known().check(endpoint).unwrap();
            assert_eq!(found.uri.to_string(), endpoint);
        }
        let found = known().check("https://fcm.googleapis.com/wp/x").unwrap();
        assert_eq!(found.origin, "https://fcm.googleapis.com");
    }

    #[test]
    fn t9_b54_nothing_else_is_an_endpoint() {
        let long = format!("https://web.push.apple.com/{}", "x".repeat(ENDPOINT_MAX));
        for endpoint in [
            "",
            "https://",
            "http://web.push.apple.com/x",
            "HTTPS://web.push.apple.com/x",
            "//web.push.apple.com/x",
            "ftp://web.push.apple.com/x",
            "https:/web.push.apple.com/x",
            "https:web.push.apple.com/x",
            // Addresses, in every way in which they are written.
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://0x7f.1/x",
            "https://0x7f000001/x",
            "https://2130706433/x",
            "https://017700000001/x",
            "https://10.0.0.1/x",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://[64:ff9b::7f00:1]/x",
            "https://localhost/x",
            // Names that only look like one that is allowed.
            "https://evil-push.apple.com.example/x",
            "https://evilpush.apple.com/x",
            "https://push.apple.com.evil.example/x",
            "https://push.apple.com./x",
            "https://.push.apple.com/x",
            "https://a..push.apple.com/x",
            "https://web.push.apple.com%2eevil.example/x",
            "https://WEB.push.apple.com/x",
            "https://w\u{1d5fe}b.push.apple.com/x",
            // Userinfo, ports, and what parsers disagree about.
            "https://web.push.apple.com?x",
            "https://user@web.push.apple.com/x",
            "https://user:password@web.push.apple.com/x",
            "https://web.push.apple.com@evil.example/x",
            "https://web.push.apple.com:443/x",
            "https://web.push.apple.com:8443/x",
            "https://web.push.apple.com:0443/x",
            "https://web.push.apple.com:+443/x",
            "https://web.push.apple.com:/x",
            "https://web.push.apple.com:443:443/x",
            "https://web.push.apple.com\\@evil.example/x",
            "https://evil.example\\.push.apple.com/x",
            "https://evil.example#.push.apple.com/x",
            "https://evil.example?.push.apple.com/x",
            "https://web.push.apple.com/x#fragment",
            "https://web.push.apple.com/x y",
            "https://web.push.apple.com/x\r\nHost: evil.example",
            " https://web.push.apple.com/x",
            &long,
        ] {
            assert!(known().check(endpoint).is_err(), "{endpoint}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// The other reader is that of browsers (WHATWG).
        #[test]
        fn t9_what_is_taken_is_the_same_for_another_reader_of_urls(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "https://", "http://", "web.push.apple.com", ".push.apple.com", "push.apple.com", "evil.example",
                    "/", "//", "\\", "@", ":", "443", "8443", "?", "#", "%2e", "%", ".", "..", "-", "xn--", "127.0.0.1",
                    "[::1]", "0x7f", "é", "\t", " ", "a", "A", "_", "user:pw@", "/wpush/v2/gAAAA", "=", "&", ";", "+",
                ]),
                0..9,
            ),
            is_likely: bool,
        ) {
            let text = if is_likely { format!("https://web.push.apple.com{}", parts.concat()) } else { parts.concat() };
            let Ok(taken) = known().check(&text) else { return Ok(()) };
            let read = Url::parse(&text);
            prop_assert!(read.is_ok() || text.contains("xn--"), "a browser could not have written it: {text}");
            if let Ok(read) = read {
                prop_assert_eq!((read.scheme(), read.username(), read.password()), ("https", "", None));
                prop_assert_eq!(read.domain(), taken.uri.host(), "{}", text);
                prop_assert_eq!(read.port_or_known_default(), Some(PORT));
                prop_assert!(read.domain().unwrap().ends_with("push.apple.com"));
                prop_assert_eq!(read.origin().ascii_serialization(), taken.origin);
                prop_assert_eq!(read.fragment(), None);
            }
        }
    }

    #[test]
    fn a_setting_names_other_hosts_and_ports_and_then_no_others_are_allowed() {
        let rule = rule(&["push.example.com", "localhost:8443"]);
        assert!(rule.check("https://a.b.push.example.com/x").is_ok());
        assert_eq!(rule.check("https://localhost:8443/x").unwrap().origin, "https://localhost:8443");
        for endpoint in [
            "https://push.example.com:8443/x",
            "https://localhost/x",
            "https://web.push.apple.com/x",
            "https://example.com/x",
        ] {
            assert!(rule.check(endpoint).is_err(), "{endpoint}");
        }
        for host in
            ["", "*.example.com", "10.0.0.1", "[::1]", "https://example.com", "example.com:0", "Example.com"]
        {
            assert!(EndpointRule::new(&[host.to_owned()]).is_err(), "{host}");
        }
    }
}
