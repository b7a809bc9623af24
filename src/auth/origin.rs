//! The Origin rule: whether a page of some origin may use a credential (PROTOCOL.md section 2, RFC 6454).
//!
//! Pure: answers from the headers alone. Guards /v1/ws, /v1/sse, /v1/poll and every request that is
//! authenticated by cookie. Must never match by prefix, suffix or pattern, and never let `null` pass.

use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};

use super::credential::CredentialKind;
use crate::domain::Invalid;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The request comes from a page that may not make it: 403 `origin_not_allowed`, before any upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the origin is not allowed")]
pub struct OriginRefused;

/// The origins that may come in beside the server's own.
#[derive(Debug, Clone)]
pub struct OriginRule {
    allowed: Vec<Origin>,
}

impl OriginRule {
    /// Reads `http.allowed_origins`.
    ///
    /// # Errors
    /// Names the first text that is not an origin; `*` and `null` are none.
    pub fn new(allowed_origins: &[String]) -> Result<Self, Invalid> {
        let read = |text: &String| {
            Origin::parse(text).ok_or_else(|| {
                Invalid::new(format!(
                    "{text:?} is not scheme://host or scheme://host:port, such as https://app.example.com"
                ))
            })
        };
        Ok(Self { allowed: allowed_origins.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Whether pages of this origin are named.
    pub fn is_allowed(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().ok().and_then(Origin::parse);
        origin.is_some_and(|origin| self.allowed.contains(&origin))
    }

    /// Judges a request. `credential` is what it was authenticated by, `None` if by nothing yet.
    ///
    /// `X-Forwarded-Proto` is believed only if `peer_is_trusted_proxy`.
    ///
    /// # Errors
    /// If an `Origin` is there that is neither allowed nor the server's own, or if none is there and a cookie
    /// cannot show that it comes from a page of this server.
    pub fn check(
        &self,
        headers: &HeaderMap,
        peer_is_trusted_proxy: bool,
        credential: Option<CredentialKind>,
    ) -> Result<(), OriginRefused> {
        let may_pass = if headers.contains_key(ORIGIN) {
            only(headers, ORIGIN).and_then(Origin::parse).is_some_and(|origin| {
                self.allowed.contains(&origin) || origin.is_own(headers, peer_is_trusted_proxy)
            })
        } else {
            // A browser leaves `Origin` out of a same-origin GET, and says where it comes from here instead.
            credential != Some(CredentialKind::Cookie) || only(headers, SEC_FETCH_SITE) == Some("same-origin")
        };
        if may_pass { Ok(()) } else { Err(OriginRefused) }
    }
}

/// Scheme, host and port; equal only if all three are (RFC 6454 section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    /// `None` only for a scheme that has no default port and where none is given.
    port: Option<u16>,
}

impl Origin {
    /// Reads `scheme://host[:port]` and nothing more: no path, no user, no list.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        // The colons of an IPv6 address stand within brackets, so the last colon behind them is the port's.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if !is_scheme || !is_host(host) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let port = match port {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None => default_port(&scheme),
        };
        Some(Self { scheme, host: host.to_ascii_lowercase(), port })
    }

    /// Whether it is the origin under which the request itself reached the server: its `Host`, and the scheme
    /// that a trusted proxy saw, or where there is none either, since TLS may end in front of us.
    fn is_own(&self, headers: &HeaderMap, peer_is_trusted_proxy: bool) -> bool {
        let is_web = matches!(self.scheme.as_str(), "http" | "https");
        let forwarded = headers.get_all(X_FORWARDED_PROTO).last().filter(|_| peer_is_trusted_proxy);
        let is_scheme = forwarded.is_none_or(|value| forwarded_scheme(value) == Some(self.scheme.as_str()));
        let own = only(headers, HOST).and_then(|host| Self::parse(&format!("{}://{host}", self.scheme)));
        is_web && is_scheme && own.as_ref() == Some(self)
    }
}

fn is_host(host: &str) -> bool {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_address = |b: u8| b.is_ascii_hexdigit() || b":.".contains(&b);
    match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(address) => {
            address.is_some_and(|address| !address.is_empty() && address.bytes().all(is_address))
        }
        None => !host.is_empty() && host.bytes().all(is_name),
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The value of a header that is there exactly once and is text.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name);
    let first = values.next()?;
    values.next().is_none().then(|| first.to_str().ok()).flatten()
}

/// The scheme that the nearest proxy saw: the last of a list, since those before it may come from anyone.
/// Some proxies name a WebSocket handshake `ws` or `wss`.
fn forwarded_scheme(value: &HeaderValue) -> Option<&'static str> {
    let last = value.to_str().ok()?.rsplit(',').next()?.trim().to_ascii_lowercase();
    match last.as_str() {
        "http" | "ws" => Some("http"),
        "https" | "wss" => Some("https"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
