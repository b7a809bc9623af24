//! The one place where requests are let in: over HTTP, at a WebSocket handshake, by a first message.
//!
//! Owns the order: credential, origin, token or ticket. Says why only in the log, and there never with either.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use actix_web::HttpRequest;
use secrecy::ExposeSecret;

use super::{
    OriginRule, Verifier,
    claims::InvalidToken,
    credential::{CredentialError, CredentialKind, CredentialOptions, Route, Secret},
    tickets::{Ticket, TicketRefusal, Tickets},
};
use crate::{
    config::{Config, Network},
    domain::{Identity, Timestamp},
};

/// What a request comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// `/v1/ws`: a subprotocol may carry the token, and the Origin rule holds always.
    WebSocket,
    /// `/v1/sse`, `/v1/poll`: the Origin rule holds always.
    Stream,
    /// The rest: the Origin rule holds for cookies.
    Api,
    /// `POST /v1/tickets`, as the rest; but a ticket that bought another one would be as good as its token, for
    /// as long as that lives.
    Tickets,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    TwoCredentials,
    InvalidToken,
    OriginNotAllowed,
}

/// Knows whom to let in, and keeps nothing of whom it did but the tickets that it gave. Shared by all workers.
pub struct Gate {
    verifier: Verifier,
    /// Held for no longer than a look into a table.
    tickets: Mutex<Tickets>,
    credentials: CredentialOptions,
    origins: OriginRule,
    trusted_proxies: Vec<Network>,
}

impl Gate {
    /// # Errors
    /// One line that names what is wrong with a key or an origin.
    pub fn new(config: &Config) -> Result<Self, String> {
        let Config { auth, http, .. } = config;
        let verifier = Verifier::new(auth.verifier_options());
        let origins = OriginRule::new(&http.allowed_origins);
        Ok(Self {
            verifier: verifier.map_err(|error| format!("{}: {error}", error.setting()))?,
            tickets: Mutex::new(Tickets::new(config.limits.tickets)),
            credentials: CredentialOptions { query_token: auth.query_token, cookie: auth.cookie.clone() },
            origins: origins.map_err(|error| format!("http.allowed_origins: {error}"))?,
            trusted_proxies: http.trusted_proxies.clone(),
        })
    }

    /// Says who makes a request; `None` if it carries no credential at all.
    ///
    /// # Errors
    /// A credential that is there and no good is never an anonymous request.
    pub fn admit(
        &self,
        request: &HttpRequest,
        surface: Surface,
        now: Timestamp,
    ) -> Result<Option<Identity>, Refusal> {
        let peer = request.peer_addr().map(|address| address.ip());
        let refuse = |refusal, reason: &str| {
            let peer = peer.map(|peer| peer.to_string()).unwrap_or_default();
            log::warn!(peer, reason; "auth refused");
            Err(refusal)
        };
        let route = if surface == Surface::WebSocket { Route::WebSocket } else { Route::Other };
        let credential = match self.credentials.find(route, request.headers(), request.query_string()) {
            Ok(credential) => credential,
            Err(CredentialError::Ambiguous) => return refuse(Refusal::TwoCredentials, "two credentials"),
            Err(CredentialError::Unusable) => return refuse(Refusal::InvalidToken, "unusable credential"),
        };
        let kind = credential.as_ref().map(|credential| credential.kind);
        if (matches!(surface, Surface::WebSocket | Surface::Stream) || kind == Some(CredentialKind::Cookie))
            && self.origins.check(request.headers(), self.is_trusted(peer), kind).is_err()
        {
            return refuse(Refusal::OriginNotAllowed, "origin");
        }
        let Some(credential) = credential else { return Ok(None) };
        let judged = match &credential.secret {
            Secret::Token(token) => self.verify(token.expose_secret(), now),
            Secret::Ticket(_) if surface == Surface::Tickets => {
                Err(InvalidToken::because("a ticket buys no ticket"))
            }
            // Last of all: what is refused before leaves the ticket as it was.
            Secret::Ticket(ticket) => self.redeem(ticket.expose_secret(), now),
        };
        match judged {
            Ok(identity) => Ok(Some(identity)),
            Err(error) => refuse(Refusal::InvalidToken, error.reason()),
        }
    }

    /// Gives the caller a ticket, by which a request can be made once without the token.
    ///
    /// # Errors
    /// If too many are open.
    pub fn issue_ticket(&self, identity: Identity) -> Result<Ticket, TicketRefusal> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner).issue(identity, Instant::now())
    }

    fn redeem(&self, ticket: &str, now: Timestamp) -> Result<Identity, InvalidToken> {
        let redeemed =
            self.tickets.lock().unwrap_or_else(PoisonError::into_inner).redeem(ticket, Instant::now());
        let identity = redeemed.ok_or(InvalidToken::because("the ticket is unknown, used or expired"))?;
        self.verifier.check_expiry(&identity, now).map(|()| identity)
    }

    /// Verifies a token that came in a message. Who asked logs the reason.
    ///
    /// # Errors
    /// One opaque value, whatever the reason.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, InvalidToken> {
        self.verifier.verify(token, now)
    }

    fn is_trusted(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.trusted_proxies.iter().any(|network| network.contains(peer)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;
    use crate::auth::{
        Algorithm,
        signing::{NOW, SECRET, now, token},
    };

    const PAGE: (&str, &str) = ("origin", "https://app.example.com");
    const EVIL: (&str, &str) = ("origin", "https://evil.example");

    fn alice() -> String {
        token(Algorithm::Hs256, json!({}))
    }

    fn with_cookie() -> TestRequest {
        let cookie = ("cookie", format!("tidings_token={}", alice()));
        TestRequest::get().insert_header(("host", "tidings.example")).insert_header(cookie)
    }

    fn with_bearer(token: &str) -> TestRequest {
        TestRequest::get().insert_header(("authorization", format!("Bearer {token}")))
    }

    fn gate() -> Gate {
        let mut config = Config::default();
        config.auth.secret = Some(SECRET.into());
        config.http.allowed_origins = vec![PAGE.1.to_owned()];
        config.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Gate::new(&config).unwrap()
    }

    fn admit(request: TestRequest, surface: Surface) -> Result<Option<String>, Refusal> {
        let identity = gate().admit(&request.to_http_request(), surface, now())?;
        Ok(identity.map(|identity| identity.user.to_string()))
    }

    #[test]
    fn a_bad_credential_is_never_nobody() {
        assert_eq!(admit(TestRequest::get(), Surface::Api), Ok(None));
        assert_eq!(admit(with_bearer(&alice()), Surface::Api), Ok(Some("alice".to_owned())));
        let late = token(Algorithm::Hs256, json!({"exp": NOW - 10}));
        for bad in ["", "a.b.c", &late] {
            assert_eq!(admit(with_bearer(bad), Surface::Api), Err(Refusal::InvalidToken), "{bad}");
        }
        let two = with_bearer(&alice()).uri("/?token=other");
        assert_eq!(admit(two, Surface::Api), Err(Refusal::TwoCredentials));
    }

    #[test]
    fn b10_a_page_elsewhere_opens_no_socket_and_rides_no_cookie() {
        for surface in [Surface::WebSocket, Surface::Stream, Surface::Api] {
            assert_eq!(admit(with_cookie().insert_header(EVIL), surface), Err(Refusal::OriginNotAllowed));
            assert_eq!(admit(with_cookie(), surface), Err(Refusal::OriginNotAllowed));
            let page = with_cookie().insert_header(PAGE);
            assert_eq!(admit(page, surface), Ok(Some("alice".to_owned())));
        }
        let explicit = || with_bearer(&alice()).insert_header(EVIL);
        assert_eq!(admit(explicit(), Surface::WebSocket), Err(Refusal::OriginNotAllowed));
        assert_eq!(admit(explicit(), Surface::Stream), Err(Refusal::OriginNotAllowed));
        assert_eq!(admit(explicit(), Surface::Api), Ok(Some("alice".to_owned())));
        let anonymous = TestRequest::get().insert_header(EVIL);
        assert_eq!(admit(anonymous, Surface::WebSocket), Err(Refusal::OriginNotAllowed));
    }

    /// T19.
    #[test]
    fn a_ticket_is_used_up_by_the_request_that_it_lets_in_and_by_no_other() {
        let gate = gate();
        let identity = gate.verify(&alice(), now()).unwrap();
        let ticket = gate.issue_ticket(identity.clone()).unwrap().text;
        let with = |more: &str| TestRequest::get().uri(&format!("/?ticket={}{more}", ticket.expose_secret()));
        let admit = |request: TestRequest| gate.admit(&request.to_http_request(), Surface::WebSocket, now());
        assert_eq!(admit(with("").insert_header(EVIL)), Err(Refusal::OriginNotAllowed));
        assert_eq!(admit(with("&token=other")), Err(Refusal::TwoCredentials));
        assert_eq!(admit(with("&ticket=other")), Err(Refusal::TwoCredentials));
        assert_eq!(admit(with("").insert_header(PAGE)), Ok(Some(identity)));
        assert_eq!(admit(with("").insert_header(PAGE)), Err(Refusal::InvalidToken));
    }

    #[test]
    fn a_ticket_does_not_outlast_its_token() {
        let gate = gate();
        let at = |seconds| Timestamp::from_secs(NOW + seconds);
        let identity = gate.verify(&token(Algorithm::Hs256, json!({"exp": NOW + 10})), now()).unwrap();
        for (seconds, is_good) in [(14, true), (15, false)] {
            let ticket = gate.issue_ticket(identity.clone()).unwrap().text;
            assert_eq!(gate.redeem(ticket.expose_secret(), at(seconds)).is_ok(), is_good, "{seconds}");
        }
    }

    #[test]
    fn the_word_of_a_proxy_about_the_scheme_counts_only_if_it_is_trusted() {
        let from = |peer: &str| {
            let own = ("origin", "http://tidings.example");
            let request = with_cookie().insert_header(own).insert_header(("x-forwarded-proto", "https"));
            admit(request.peer_addr(peer.parse().unwrap()), Surface::Api)
        };
        assert_eq!(from("10.1.2.3:9"), Err(Refusal::OriginNotAllowed));
        assert_eq!(from("192.0.2.1:9"), Ok(Some("alice".to_owned())));
    }
}
