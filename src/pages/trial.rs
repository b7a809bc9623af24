//! Who is signed in on the pages of `tidings dev`: alice and bob on the demo, and whoever has the one-time link on
//! the page for administrators.
//!
//! Exists on loopback alone. Owns the secret by which their tokens are made, and the code of the link until somebody
//! has used it. Must never give a token to a page of another origin.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    auth::{
        OriginRule,
        tokens::{MintClaims, mint},
    },
    clock,
    domain::{Timestamp, UserId},
    http::{Api, body, problem::Problem},
    protocol::ErrorCode,
    random,
};

/// A day's work; the pages ask for new tokens before.
const TOKEN_TTL: Duration = Duration::from_secs(12 * 3600);

/// The code is short, and so is whatever brings it.
const BODY_BYTES_MAX: usize = 256;

/// What all of them may besides, for one who tries it out alone.
const ADMIN_SCOPE: &str = "admin notify join:* publish:*";
const PEER_SCOPE: &str = "join:* publish:*";

pub struct Trial {
    secret: SecretString,
    audience: Option<String>,
    issuer: Option<String>,
    origins: OriginRule,
    /// Of the link, until it is used.
    code: Mutex<Option<SecretString>>,
}

#[derive(Serialize)]
struct Tokens {
    alice: String,
    bob: String,
    /// For the buttons that send: what a back-end would have.
    backend: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    code: String,
}

#[derive(Serialize)]
struct SignedIn {
    token: String,
}

impl Trial {
    /// A trial, and the code of its link; without chance there is no link.
    ///
    /// # Errors
    /// Never: no origin but the own one is allowed.
    pub fn new(
        secret: SecretString,
        audience: Option<String>,
        issuer: Option<String>,
    ) -> Result<(Self, Option<String>), String> {
        let origins = OriginRule::new(&[]).map_err(|error| error.0)?;
        let code = random::secret().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let kept = Mutex::new(code.clone().map(SecretString::from));
        Ok((Self { secret, audience, issuer, origins, code: kept }, code))
    }

    fn token(&self, user: &str, scope: &str) -> Result<String, Problem> {
        let user: UserId = user.parse()?;
        let issued_at = clock::now();
        let claims = MintClaims {
            user,
            issued_at,
            expires_at: Timestamp::from_secs(issued_at.plus(TOKEN_TTL).as_secs()),
            scope: scope.to_owned(),
            audience: self.audience.clone(),
            issuer: self.issuer.clone(),
        };
        mint(self.secret.expose_secret().as_bytes(), &claims).map_err(|_| Problem::internal())
    }

    /// Whether this is the code; once.
    fn redeem(&self, code: &str) -> bool {
        // Never held over anything that could panic.
        let mut kept = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = kept.as_ref().is_some_and(|kept| {
            verify_slices_are_equal(kept.expose_secret().as_bytes(), code.as_bytes()).is_ok()
        });
        if is_it {
            *kept = None;
        }
        is_it
    }

    /// No page but ours.
    fn check_origin(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.origins
            .check(request.headers(), false, None)
            .map_err(|_| Problem::new(ErrorCode::OriginNotAllowed, "the origin is not allowed"))
    }
}

/// Who the demo is signed in as.
pub async fn tokens(request: HttpRequest, trial: Data<Trial>) -> Result<HttpResponse, Problem> {
    trial.check_origin(&request)?;
    let tokens = Tokens {
        alice: trial.token("alice", PEER_SCOPE)?,
        bob: trial.token("bob", PEER_SCOPE)?,
        backend: trial.token("demo", "notify")?,
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(tokens))
}

/// The token of an administrator, for the code of the link.
pub async fn sign_in(
    request: HttpRequest,
    payload: Payload,
    trial: Data<Trial>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    trial.check_origin(&request)?;
    let body = body::read(&request, payload, &api, BODY_BYTES_MAX).await?;
    let asked: SignIn = serde_json::from_slice(&body)
        .map_err(|_| Problem::new(ErrorCode::BadMessage, "the body is {\"code\": …}"))?;
    if !trial.redeem(&asked.code) {
        return Err(Problem::unauthorized());
    }
    let token = trial.token("dev", ADMIN_SCOPE)?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(SignedIn { token }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_once() {
        let (trial, code) = Trial::new("0123456789abcdef0123456789abcdef".into(), None, None).unwrap();
        let code = code.unwrap();
        assert!(!trial.redeem("") && !trial.redeem(&code[1..]));
        assert!(trial.redeem(&code));
        assert!(!trial.redeem(&code));
    }
}
