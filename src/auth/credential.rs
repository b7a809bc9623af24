//! Finds the credential of a request (PROTOCOL.md section 2).
//!
//! Owns the list of places where a token may travel. Must never judge a token, and never overlook one: what is
//! presented and cannot be used is an error and not an anonymous request.

use std::borrow::Cow;

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

/// Where else than in `Authorization` a credential is looked for.
#[derive(Debug, Clone)]
pub struct CredentialOptions {
    /// Whether `token=` in the query is one (`auth.query_token`); where not, it is refused.
    pub query_token: bool,
    /// Name of the cookie (`auth.cookie`), compared byte for byte.
    pub cookie: String,
}

/// What kind of request it is: only a WebSocket handshake has a subprotocol list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    WebSocket,
    Other,
}

/// Who attached a credential: the caller on purpose, or the browser by itself. The Origin rule differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    Explicit,
    Cookie,
}

/// What a credential has to be judged as, not yet judged. Its text shows in no `Debug` output.
#[derive(Debug)]
pub enum Secret {
    Token(SecretString),
    /// Good for one use, so it is not to be tried out.
    Ticket(SecretString),
}

#[derive(Debug)]
pub struct Credential {
    pub secret: Secret,
    pub kind: CredentialKind,
}

/// Why the credentials of a request cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It is none of ours: 401 `invalid_token`, the same answer as for a bad token.
    #[error("the credential is not a usable token")]
    Unusable,
    /// The request says two things at once: 400.
    #[error("the request carries more than one credential")]
    Ambiguous,
}

/// An explicit credential as it stands in the request.
#[derive(PartialEq)]
enum Presented<'a> {
    Token(Cow<'a, str>),
    Ticket(Cow<'a, str>),
    /// In a place, or of a kind, that is not accepted.
    Refused(Cow<'a, str>),
}

impl CredentialOptions {
    /// Finds the one credential of a request; `None` if it presents none at all. `query` is the raw query string.
    ///
    /// The same token in two places is one credential. A cookie beside an explicit credential is ignored, since
    /// the browser adds it unasked.
    ///
    /// # Errors
    /// If what is presented is unusable or ambiguous.
    pub fn find(
        &self,
        route: Route,
        headers: &HeaderMap,
        query: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        let subprotocols = (route == Route::WebSocket).then(|| in_subprotocols(headers));
        let mut presented = in_authorization(headers)?
            .into_iter()
            .chain(subprotocols.into_iter().flatten())
            .chain(self.in_query(query));
        let Some(first) = presented.next() else { return self.in_cookies(headers) };
        if presented.any(|other| other != first) {
            return Err(CredentialError::Ambiguous);
        }
        match first {
            Presented::Token(token) => Ok(Some(credential(token, CredentialKind::Explicit))),
            Presented::Ticket(ticket) => {
                let secret = Secret::Ticket(ticket.into_owned().into());
                Ok(Some(Credential { secret, kind: CredentialKind::Explicit }))
            }
            Presented::Refused(_) => Err(CredentialError::Unusable),
        }
    }

    /// `token=`, where that is one, and `ticket=`.
    fn in_query<'a>(&self, query: &'a str) -> impl Iterator<Item = Presented<'a>> {
        let query_token = self.query_token;
        query.split('&').filter_map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match percent_decode_str(name).decode_utf8_lossy().as_ref() {
                "token" if query_token => Some(Presented::Token(value)),
                "token" => Some(Presented::Refused(value)),
                "ticket" => Some(Presented::Ticket(value)),
                _ => None,
            }
        })
    }

    /// Cookies of one name and two values come from two places (RFC 6265 section 5.4): one may be planted.
    fn in_cookies(&self, headers: &HeaderMap) -> Result<Option<Credential>, CredentialError> {
        let mut tokens = list(headers, COOKIE, ';').filter_map(|pair| match pair.split_once('=') {
            Some((name, value)) if name == self.cookie => Some(value.to_owned()),
            _ => None,
        });
        let Some(first) = tokens.next() else { return Ok(None) };
        if tokens.any(|other| other != first) {
            return Err(CredentialError::Unusable);
        }
        Ok(Some(credential(first.into(), CredentialKind::Cookie)))
    }
}

fn credential(token: Cow<'_, str>, kind: CredentialKind) -> Credential {
    Credential { secret: Secret::Token(token.into_owned().into()), kind }
}

/// `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). A second header is an error even if it says the same.
fn in_authorization(headers: &HeaderMap) -> Result<Option<Presented<'_>>, CredentialError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(CredentialError::Ambiguous);
    }
    let value = value.to_str().map_err(|_| CredentialError::Unusable)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(CredentialError::Unusable);
    }
    Ok(Some(Presented::Token(token.trim_matches(' ').into())))
}

/// `Sec-WebSocket-Protocol: tidings.v1, bearer.TOKEN`: the one header that a browser lets a page choose.
fn in_subprotocols(headers: &HeaderMap) -> impl Iterator<Item = Presented<'_>> {
    list(headers, SEC_WEBSOCKET_PROTOCOL, ',')
        .filter_map(|name| Some(Presented::Token(name.strip_prefix("bearer.")?.to_owned().into())))
}

/// The trimmed elements of a list header, over all its lines. Bytes that are no text stay visible as such, so
/// that a mangled token is refused and not overlooked.
fn list(headers: &HeaderMap, name: HeaderName, separator: char) -> impl Iterator<Item = String> {
    headers.get_all(name).flat_map(move |value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.split(separator).map(|element| element.trim_matches([' ', '\t']).to_owned()).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests;
