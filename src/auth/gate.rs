//! The one place where requests are let in: over HTTP, at a WebSocket handshake, by a first message.
//!
//! Owns the order: credential, origin, token or ticket, and whether that is revoked. Says why only in the log, and
//! there never with either. It stands above the store, where tickets are.

pub mod revoking;

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use actix_web::{HttpRequest, http::header::HeaderValue};
use arc_swap::ArcSwap;
use secrecy::ExposeSecret;

use super::{
    OriginRule, Verifier,
    claims::InvalidToken,
    credential::{Credential, CredentialError, CredentialKind, CredentialOptions, Route, Secret},
    forwarded::{ClientAddress, TrustedProxies},
    revocations::Revocations,
    tickets::{self, Ticket},
};
use crate::{
    config::Config,
    domain::{Identity, Timestamp, rate::Rate},
    observe::metrics,
    store::{
        StoreLink,
        messages::{KeepTicket, RedeemTicket, StoreError},
    },
};

/// Refusals that are logged: one by one while people err, and some of many.
const REFUSALS_PER_SECOND: u32 = 10;
const REFUSALS_BURST: u32 = 200;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    TwoCredentials,
    InvalidToken,
    OriginNotAllowed,
    /// It is not known: the store did not say whether the ticket is good.
    Unknown(StoreError),
}

impl Refusal {
    /// Its word in the numbers for operators.
    fn word(&self) -> &'static str {
        match self {
            Self::TwoCredentials => "two_credentials",
            Self::InvalidToken | Self::Unknown(_) => "invalid_token",
            Self::OriginNotAllowed => "origin_not_allowed",
        }
    }
}

/// By what requests are judged, whatever was stored.
pub struct Rules {
    verifier: Verifier,
    credentials: CredentialOptions,
    origins: OriginRule,
    trusted_proxies: TrustedProxies,
}

impl Rules {
    /// # Errors
    /// One line that names what is wrong with a key or an origin.
    pub fn new(config: &Config) -> Result<Self, String> {
        let Config { auth, http, .. } = config;
        let verifier = Verifier::new(auth.verifier_options());
        let origins = OriginRule::new(&http.allowed_origins);
        Ok(Self {
            verifier: verifier.map_err(|error| format!("{}: {error}", error.setting()))?,
            credentials: CredentialOptions { query_token: auth.query_token, cookie: auth.cookie.clone() },
            origins: origins.map_err(|error| format!("http.allowed_origins: {error}"))?,
            trusted_proxies: TrustedProxies::new(http.trusted_proxies.clone()),
        })
    }

    /// The credential of a request, if it has one, where a page may use it.
    ///
    /// # Errors
    /// What the client is told, and what the log is.
    fn credential(
        &self,
        request: &HttpRequest,
        surface: Surface,
    ) -> Result<Option<Credential>, (Refusal, &'static str)> {
        let route = if surface == Surface::WebSocket { Route::WebSocket } else { Route::Other };
        let headers = request.headers();
        let found = self.credentials.find(route, headers, request.query_string());
        let credential = found.map_err(|error| match error {
            CredentialError::Ambiguous => (Refusal::TwoCredentials, "two credentials"),
            CredentialError::Unusable => (Refusal::InvalidToken, "unusable credential"),
        })?;
        let kind = credential.as_ref().map(|credential| credential.kind);
        let is_from_proxy =
            || request.peer_addr().is_some_and(|peer| self.trusted_proxies.is_trusted(peer.ip()));
        if (matches!(surface, Surface::WebSocket | Surface::Stream) || kind == Some(CredentialKind::Cookie))
            && self.origins.check(headers, is_from_proxy(), kind).is_err()
        {
            return Err((Refusal::OriginNotAllowed, "origin"));
        }
        Ok(credential)
    }
}

/// Knows whom to let in, and keeps nothing of whom it did. Shared by all workers.
pub struct Gate {
    /// Replaced as a whole, when the settings are read again.
    rules: ArcSwap<Rules>,
    store: StoreLink,
    revocations: Revocations,
    /// How often a refusal is told to the log, which is nothing that a stranger may fill.
    telling: Mutex<Option<Rate>>,
}

impl Gate {
    pub fn new(rules: Rules, store: StoreLink) -> Self {
        let telling = Mutex::new(Rate::new(REFUSALS_PER_SECOND, REFUSALS_BURST));
        Self { rules: ArcSwap::from_pointee(rules), store, revocations: Revocations::default(), telling }
    }

    /// From now on requests are judged by these. Who has been let in stays.
    pub fn replace_rules(&self, rules: Rules) {
        self.rules.store(rules.into());
    }

    /// Whether pages of this origin may read answers.
    pub fn is_allowed_origin(&self, origin: &HeaderValue) -> bool {
        self.rules.load().origins.is_allowed(origin)
    }

    /// Where a request comes from.
    pub fn client(&self, request: &HttpRequest) -> ClientAddress {
        let peer = request.peer_addr().map(|address| address.ip());
        self.rules.load().trusted_proxies.client(peer, request.headers())
    }

    /// Says who makes a request; `None` if it carries no credential at all.
    ///
    /// # Errors
    /// A credential that is there and no good is never an anonymous request.
    pub async fn admit(
        &self,
        request: &HttpRequest,
        surface: Surface,
        now: Timestamp,
    ) -> Result<Option<Identity>, Refusal> {
        let refuse = |refusal: Refusal, reason: &str| {
            self.tell_refused(self.client(request), &refusal, reason);
            Err(refusal)
        };
        let credential = match self.rules.load().credential(request, surface) {
            Ok(Some(credential)) => credential,
            Ok(None) => return Ok(None),
            Err((refusal, reason)) => return refuse(refusal, reason),
        };
        let judged = match &credential.secret {
            Secret::Token(token) => self.verify(token.expose_secret(), now),
            Secret::Ticket(_) if surface == Surface::Tickets => {
                Err(InvalidToken::because("a ticket buys no ticket"))
            }
            // Last of all: what is refused before leaves the ticket as it was.
            Secret::Ticket(ticket) => self.redeem(ticket.expose_secret(), now).await?,
        };
        match judged {
            Ok(identity) => Ok(Some(identity)),
            Err(error) => refuse(Refusal::InvalidToken, error.reason()),
        }
    }

    /// Counts somebody who is not let in, and tells the log: the line that programs like fail2ban wait for (docs/logs.md).
    pub fn tell_refused(&self, client: ClientAddress, refusal: &Refusal, reason: &str) {
        metrics::credential_refused(refusal.word());
        if self.may_tell() {
            let client = client.to_string();
            log::warn!(client, reason; "auth refused");
        }
    }

    fn may_tell(&self) -> bool {
        // Never held over anything that could panic, so what a poisoned lock guards is whole.
        let mut telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        telling.as_mut().is_none_or(|rate| rate.take(Instant::now()).is_ok())
    }

    /// Who makes a request that is not let in now, as far as a token says it: a ticket would be used up for nothing.
    /// Whoever is refused is told of that, so nobody else learns why they are not known.
    pub fn recognize(&self, request: &HttpRequest, surface: Surface, now: Timestamp) -> Option<Identity> {
        match self.rules.load().credential(request, surface).ok()??.secret {
            Secret::Token(token) => self.verify(token.expose_secret(), now).ok(),
            Secret::Ticket(_) => None,
        }
    }

    /// Gives the caller a ticket, by which a request can be made once without the token.
    ///
    /// # Errors
    /// If too many are open, or the store cannot keep it.
    pub async fn issue_ticket(&self, identity: Identity) -> Result<Ticket, StoreError> {
        let no_chance = || StoreError::Unavailable("the system has no chance to give".to_owned());
        let ticket = Ticket::generate().ok_or_else(no_chance)?;
        self.store.ask(KeepTicket { digest: ticket.digest, identity, lifetime: tickets::LIFETIME }).await?;
        Ok(ticket)
    }

    async fn redeem(&self, ticket: &str, now: Timestamp) -> Result<Result<Identity, InvalidToken>, Refusal> {
        let unknown = Err(InvalidToken::because("the ticket is unknown, used or expired"));
        let Some(digest) = tickets::digest(ticket) else { return Ok(unknown) };
        let redeemed = self.store.ask(RedeemTicket { digest }).await.map_err(Refusal::Unknown)?;
        let Some(identity) = redeemed else { return Ok(unknown) };
        let judged = self.rules.load().verifier.check_expiry(&identity, now).map(|()| identity);
        Ok(judged.and_then(|identity| self.unless_revoked(identity)))
    }

    /// Verifies a token that came in a message. Who asked logs the reason.
    ///
    /// # Errors
    /// One opaque value, whatever the reason.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, InvalidToken> {
        self.rules.load().verifier.verify(token, now).and_then(|identity| self.unless_revoked(identity))
    }

    fn unless_revoked(&self, identity: Identity) -> Result<Identity, InvalidToken> {
        if self.is_revoked(&identity) { Err(InvalidToken::because("it was revoked")) } else { Ok(identity) }
    }

    /// Whether the token that said this has been revoked meanwhile.
    pub fn is_revoked(&self, identity: &Identity) -> bool {
        self.revocations.is_revoked(identity)
    }
}

#[cfg(test)]
mod tests;
