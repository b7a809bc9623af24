//! What the claims of a token must say (RFC 7519 section 4.1), once its signature is known to be good.
//!
//! Owns the rules for time, audience and issuer: this is the one place where times are compared, and "now" is an
//! argument. Must never see a claim whose signature was not verified.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::{Identity, Invalid, Scopes, Timestamp, UserId, json::Fields};

/// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z. A later `exp` is a mistake of units, such as
/// milliseconds, and would be a token for ever.
const NUMERIC_DATE_MAX: f64 = 253_402_300_799.0;

/// A token that was refused. Outside, all are alike: the same answer whatever the reason (PROTOCOL.md section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken {
    reason: &'static str,
}

impl InvalidToken {
    pub(super) const fn because(reason: &'static str) -> Self {
        Self { reason }
    }

    /// Why, for the log only: never for the client, and never a word of the token.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

/// What every token must fit, by configuration.
pub(super) struct ClaimRules {
    pub(super) audience: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) leeway: Duration,
    pub(super) default_scopes: Scopes,
}

impl ClaimRules {
    /// Judges the claims of a token, a JSON text, at the time `now`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(super) fn judge(&self, claims: &str, now: Timestamp) -> Result<Identity, InvalidToken> {
        let refuse = InvalidToken::because;
        let mistyped = |_: Invalid| refuse("a claim has the wrong type");
        let mut claims = Fields::parse(claims).map_err(|_| refuse("the claims are not a JSON object"))?;

        let expires_at =
            claims.take_as::<NumericDate>("exp").map_err(mistyped)?.ok_or(refuse("exp is missing"))?.0;
        let not_before = claims.take_as::<NumericDate>("nbf").map_err(mistyped)?;
        let issued_at = claims.take_as::<NumericDate>("iat").map_err(mistyped)?;
        self.check_expiry(expires_at, now)?;
        if not_before.is_some_and(|at| now < at.0.minus(self.leeway)) {
            return Err(refuse("it is not valid yet"));
        }

        if let Some(audience) = &self.audience {
            let named = claims.take_as::<Audience>("aud").map_err(mistyped)?;
            if !named.is_some_and(|named| named.contains(audience)) {
                return Err(refuse("it is for another audience"));
            }
        }
        if self.issuer.is_some() && claims.take_as("iss").map_err(mistyped)? != self.issuer {
            return Err(refuse("it is of another issuer"));
        }

        let user: Option<String> = claims.take_as("sub").map_err(mistyped)?;
        let user: UserId =
            user.and_then(|user| user.parse().ok()).ok_or(refuse("sub is missing or not a user id"))?;
        let scope: Option<String> = claims.take_as("scope").map_err(mistyped)?;
        let scopes = Scopes::parse(&scope.unwrap_or_default()).with(&self.default_scopes);
        let token_id = claims.take_as("jti").map_err(mistyped)?;
        // Whoever has a key could write one that outlives every revocation: one from the future does not say when.
        let issued_at = issued_at.map(|at| at.0).filter(|at| *at <= now.plus(self.leeway));
        Ok(Identity { user, scopes, expires_at, issued_at, token_id })
    }
}

impl ClaimRules {
    /// Whether a token that ends then is still good.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn check_expiry(&self, expires_at: Timestamp, now: Timestamp) -> Result<(), InvalidToken> {
        if now < expires_at.plus(self.leeway) { Ok(()) } else { Err(InvalidToken::because("it has expired")) }
    }
}

/// Seconds since 1970-01-01 UTC, with a fraction or without (RFC 7519 section 2). A JSON number; a string is none.
#[derive(Deserialize)]
#[serde(try_from = "f64")]
struct NumericDate(Timestamp);

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    fn try_from(secs: f64) -> Result<Self, Self::Error> {
        if !(0.0..=NUMERIC_DATE_MAX).contains(&secs) {
            return Err("not a time between 1970 and 9999");
        }
        Ok(Self(Timestamp::from_micros((secs * 1e6).round() as i64)))
    }
}

/// Whom a token is for: one name, or several (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }
}
