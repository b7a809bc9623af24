//! The one place where requests are let in: over HTTP, at a WebSocket handshake, by a first message.

use std::net::IpAddr;

use actix_web::HttpRequest;
use secrecy::ExposeSecret;

use super::{
    CredentialError, CredentialKind, CredentialOptions, InvalidToken, OriginRule, Route, Verifier,
    VerifierOptions,
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
    /// The rest: the Origin rule holds for cookies.
    Api,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    TwoCredentials,
    InvalidToken,
    OriginNotAllowed,
}

pub struct Gate {
    verifier: Verifier,
    credentials: CredentialOptions,
    origins: OriginRule,
    trusted_proxies: Vec<Network>,
}

impl Gate {
    /// # Errors
    /// One line that names what is wrong with a key or an origin.
    pub fn new(config: &Config) -> Result<Self, String> {
        let auth = &config.auth;
        let options = VerifierOptions {
            algorithm: auth.algorithm,
            secrets: auth.secret.iter().chain(&auth.previous_secret).cloned().collect(),
            public_keys: auth.public_key.iter().cloned().collect(),
            jwks: auth.jwks.clone(),
            audience: auth.audience.clone(),
            issuer: auth.issuer.clone(),
            leeway: auth.leeway,
            default_scopes: auth.default_scopes.clone(),
        };
        Ok(Self {
            verifier: Verifier::new(options).map_err(|error| error.to_string())?,
            credentials: CredentialOptions { query_token: auth.query_token, cookie: auth.cookie.clone() },
            origins: OriginRule::new(&config.http.allowed_origins).map_err(|error| error.to_string())?,
            trusted_proxies: config.http.trusted_proxies.clone(),
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
        if (surface == Surface::WebSocket || kind == Some(CredentialKind::Cookie))
            && self.origins.check(request.headers(), self.is_trusted(peer), kind).is_err()
        {
            return refuse(Refusal::OriginNotAllowed, "origin");
        }
        let Some(credential) = credential else { return Ok(None) };
        match self.verify(credential.token.expose_secret(), now) {
            Ok(identity) => Ok(Some(identity)),
            Err(error) => refuse(Refusal::InvalidToken, error.reason()),
        }
    }

    /// Verifies a token that came in a message.
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
