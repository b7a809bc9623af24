use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn rule(allowed: &[&str]) -> OriginRule {
    let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).to_owned()).collect();
    OriginRule::new(&allowed).unwrap()
}

const COOKIE: Option<CredentialKind> = Some(CredentialKind::Cookie);
const EXPLICIT: Option<CredentialKind> = Some(CredentialKind::Explicit);

/// Whether a request with this origin passes at `Host: host`, straight from its client.
fn passes(rule: &OriginRule, origin: &str, host: &str) -> bool {
    let headers = headers(&[("origin", origin), ("host", host)]);
    let verdicts = [COOKIE, EXPLICIT, None].map(|credential| rule.check(&headers, false, credential).is_ok());
    assert!(
        verdicts.iter().all(|verdict| *verdict == verdicts[0]),
        "an Origin is judged for every credential"
    );
    verdicts[0]
}

#[test]
fn an_allowed_origin_matches_in_scheme_host_and_port() {
    let rule = rule(&["https://app.example.com", "http://[::1]:3000", "capacitor://localhost"]);
    for ok in [
        "https://app.example.com",
        "https://app.example.com:443",
        "HTTPS://App.Example.COM",
        "http://[::1]:3000",
        "capacitor://localhost",
    ] {
        assert!(passes(&rule, ok, "api.test"), "{ok}");
    }
    for bad in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com:80",
        "http://app.example.com:443",
        "http://[::1]",
        "capacitor://localhost:80",
        "https://app.example.com.",
    ] {
        assert!(!passes(&rule, bad, "api.test"), "{bad}");
    }
}

/// What is no origin cannot be allowed either: a mistake in the setting is told at the start.
#[test]
fn only_a_scheme_a_host_and_a_port_are_an_origin() {
    let port = |text: &str| Origin::parse(text).map(|origin| origin.port);
    assert_eq!(port("http://[::1]"), Some(Some(80)));
    assert_eq!(port("http://[::1]:3000"), Some(Some(3000)));
    assert_eq!(port("capacitor://localhost"), Some(None));
    for bad in
        ["1http://a", "ht_tp://a", "http://[]", "http://[::1", "http://[g::1]", "http://", "http://a:b"]
    {
        assert_eq!(Origin::parse(bad), None, "{bad}");
    }
}

#[test]
fn b10_b11_a_foreign_a_similar_and_a_null_origin_are_refused() {
    let rule = rule(&["https://app.example.com"]);
    for bad in [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://example.com",
        "null",
        "",
        "*",
        "https://app.example.com/",
        "https://app.example.com:443:443",
        "https://app.example.com:",
        "https://app.example.com:+443",
        "https://app.example.com@evil.example",
        "https://evil.example#https://app.example.com",
        "https://app.example.com https://evil.example",
        "https://app.example.com, https://evil.example",
        "//app.example.com",
        "https:app.example.com",
        "https://app.example.com\u{e9}",
        "1https://app.example.com",
        "ht_tps://app.example.com",
        "https://[]",
        "https://[app.example.com]",
    ] {
        assert!(!passes(&rule, bad, "app.example.com:8080"), "{bad}");
    }
}

#[test]
fn several_origin_headers_are_refused_even_if_they_agree() {
    let own = ("origin", "http://app.test");
    let headers = headers(&[own, own, ("host", "app.test")]);
    assert_eq!(rule(&[]).check(&headers, false, EXPLICIT), Err(OriginRefused));
}

#[test]
fn the_servers_own_origin_passes_by_its_host_header() {
    let rule = rule(&[]);
    for (origin, host) in [
        ("http://app.test", "app.test"),
        ("https://app.test", "APP.test"),
        ("https://app.test", "app.test:443"),
        ("http://app.test:80", "app.test"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
    ] {
        assert!(passes(&rule, origin, host), "{origin} at {host}");
    }
    for (origin, host) in [
        ("http://app.test", "app.test:8080"),
        ("http://app.test:8080", "app.test"),
        ("http://app.test", "app.test:443"),
        ("http://localhost:8080", "127.0.0.1:8080"),
        ("ws://app.test", "app.test"),
        ("null", "null"),
        ("http://", ""),
        ("http://user@app.test", "user@app.test"),
    ] {
        assert!(!passes(&rule, origin, host), "{origin} at {host}");
    }
    let no_host = headers(&[("origin", "http://app.test")]);
    assert_eq!(rule.check(&no_host, false, EXPLICIT), Err(OriginRefused));
    let two_hosts = headers(&[("origin", "http://app.test"), ("host", "app.test"), ("host", "app.test")]);
    assert_eq!(rule.check(&two_hosts, false, EXPLICIT), Err(OriginRefused));
}

#[test]
fn a_trusted_proxy_says_which_scheme_is_the_servers_own() {
    let passes = |origin: &str, proto: &str, is_trusted: bool| {
        let headers = headers(&[("origin", origin), ("host", "app.test"), ("x-forwarded-proto", proto)]);
        rule(&[]).check(&headers, is_trusted, COOKIE).is_ok()
    };
    for https in ["https", "HTTPS", "wss", "http, https"] {
        assert!(passes("https://app.test", https, true), "{https}");
        assert!(!passes("http://app.test", https, true), "{https}");
    }
    for http in ["http", "HTTP", "ws", "https, http"] {
        assert!(passes("http://app.test", http, true), "{http}");
        assert!(!passes("https://app.test", http, true), "{http}");
    }
    for garbage in ["", "ftp", "https,", "\u{e9}"] {
        assert!(!passes("https://app.test", garbage, true), "{garbage}");
    }
    assert!(passes("http://app.test", "https", false), "a stranger's word counts for nothing");
}

#[test]
fn without_an_origin_a_cookie_counts_only_from_the_same_origin() {
    let check =
        |pairs: &[(&'static str, &str)], credential| rule(&[]).check(&headers(pairs), false, credential);
    let same = ("sec-fetch-site", "same-origin");
    assert_eq!(check(&[same], COOKIE), Ok(()));
    for other in ["same-site", "cross-site", "none", "Same-Origin", "", "same-origin, cross-site"] {
        assert_eq!(check(&[("sec-fetch-site", other)], COOKIE), Err(OriginRefused), "{other}");
    }
    assert_eq!(check(&[], COOKIE), Err(OriginRefused));
    assert_eq!(check(&[same, same], COOKIE), Err(OriginRefused));
    for explicit in [EXPLICIT, None] {
        assert_eq!(check(&[], explicit), Ok(()));
        assert_eq!(check(&[("sec-fetch-site", "cross-site")], explicit), Ok(()));
    }
}

#[test]
fn a_configured_origin_that_could_never_match_stops_the_start() {
    for bad in
        ["*", "null", "app.example.com", "https://app.example.com/", "https://*.example.com", "https://", ""]
    {
        let error = OriginRule::new(&[bad.to_owned()]).unwrap_err();
        assert!(error.to_string().contains(&format!("{bad:?} is not ")), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_origin_passes_but_the_allowed_one(origin in ".*|https?://[a-z.]{0,20}(:[0-9]{0,6})?|(https://)?app\\.example\\.com.{0,3}") {
        if let Ok(value) = HeaderValue::from_bytes(origin.as_bytes()) {
            let mut headers = headers(&[("host", "api.test")]);
            headers.insert(ORIGIN, value);
            let is_allowed = matches!(origin.as_str(), "https://app.example.com" | "https://app.example.com:443");
            let is_own = matches!(origin.as_str(), "http://api.test" | "https://api.test");
            let passes = rule(&["https://app.example.com"]).check(&headers, false, COOKIE).is_ok();
            prop_assert_eq!(passes, is_allowed || is_own);
        }
    }
}
