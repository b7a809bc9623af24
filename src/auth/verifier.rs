//! Turns a token into an identity, or refuses it (PROTOCOL.md section 2, RFC 7519, RFC 8725).
//!
//! Owns the order of the checks: form, header, signature, claims. Must never follow what a header points at
//! (`jku`, `jwk`, `x5u`), and never say outside which check failed.

use std::{collections::HashSet, time::Duration};

use jsonwebtoken::{Header, Validation, decode, decode_header, errors::ErrorKind};
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::{
    algorithm::Algorithm,
    claims::{ClaimRules, InvalidToken},
    keys::{KeyError, Keys, is_key_id},
    self_test,
};
use crate::domain::{Identity, Scopes, Timestamp};

/// Longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Longest leeway: more would stretch every token's life.
const LEEWAY_MAX: Duration = Duration::from_secs(5);

/// What tokens are judged by.
#[derive(Debug, Clone, Default)]
pub struct VerifierOptions {
    /// Fixes which of the keys below count.
    pub algorithm: Algorithm,
    /// For HS256, of at least 32 bytes.
    pub secret: Option<SecretString>,
    /// For HS256, while the secret is being replaced.
    pub previous_secret: Option<SecretString>,
    /// For the other algorithms: a PEM text with one public key or several.
    pub public_key: Option<String>,
    /// For the other algorithms: a JSON Web Key Set (RFC 7517); its keys add to `public_key`.
    pub jwks: Option<String>,
    /// Required in `aud` where set; where not, any `aud` is accepted.
    pub audience: Option<String>,
    /// Required as `iss` where set.
    pub issuer: Option<String>,
    /// How far the clock of the issuer may be off, for `exp` and `nbf`. At most 5 seconds.
    pub leeway: Duration,
    /// What every user may do beside the scopes of the token.
    pub default_scopes: Scopes,
}

/// Verifies tokens by one configuration. Immutable; shared by all workers.
pub struct Verifier {
    algorithm: Algorithm,
    keys: Keys,
    validation: Validation,
    rules: ClaimRules,
}

impl Verifier {
    /// Reads the keys and proves on forged tokens that the checks hold.
    ///
    /// # Errors
    /// Names the setting: the server must not start (G17).
    pub fn new(options: VerifierOptions) -> Result<Self, KeyError> {
        let VerifierOptions { algorithm, secret, previous_secret, public_key, jwks, .. } = &options;
        if options.leeway > LEEWAY_MAX {
            return Err(KeyError::LongLeeway);
        }
        let keys = if *algorithm != Algorithm::Hs256 {
            Keys::from_public(*algorithm, public_key.as_deref(), jwks.as_deref())?
        } else if public_key.is_none() && jwks.is_none() {
            Keys::from_secrets(secret.as_ref(), previous_secret.as_ref())?
        } else {
            return Err(KeyError::KeyWithoutAlgorithm);
        };
        let verifier = Self {
            algorithm: *algorithm,
            keys,
            validation: signature_only(*algorithm),
            rules: ClaimRules {
                audience: options.audience.clone(),
                issuer: options.issuer.clone(),
                leeway: options.leeway,
                default_scopes: options.default_scopes.clone(),
            },
        };
        self_test::run(&verifier, &options)?;
        Ok(verifier)
    }

    /// Verifies a token at the time `now`.
    ///
    /// # Errors
    /// One opaque value for every reason.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, InvalidToken> {
        let refuse = InvalidToken::because;
        if !is_compact(token) {
            return Err(refuse("it is too long or not three parts of base64url"));
        }
        let header = decode_header(token).map_err(|_| refuse("the header or its alg is unknown"))?;
        self.check_header(&header)?;
        for key in self.keys.candidates(header.kid.as_deref()) {
            match decode::<Box<RawValue>>(token, key, &self.validation) {
                Ok(data) => return self.rules.judge(data.claims.get(), now),
                Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
                Err(_) => return Err(refuse("the signature or the claims cannot be read")),
            }
        }
        Err(refuse("no configured key made the signature"))
    }

    /// Judges again, at the time `now`, whether the token of this identity is still good.
    ///
    /// # Errors
    /// If it has expired meanwhile.
    pub fn check_expiry(&self, identity: &Identity, now: Timestamp) -> Result<(), InvalidToken> {
        self.rules.check_expiry(identity.expires_at, now)
    }

    fn check_header(&self, header: &Header) -> Result<(), InvalidToken> {
        if header.alg != self.algorithm.into() {
            return Err(InvalidToken::because("another algorithm than the configured one"));
        }
        if header.kid.as_deref().is_some_and(|id| !is_key_id(id)) {
            return Err(InvalidToken::because("kid is malformed"));
        }
        // Extensions that the issuer calls critical must be understood (RFC 7515 section 4.1.11); none is.
        if header.crit.is_some() {
            return Err(InvalidToken::because("crit is not supported"));
        }
        Ok(())
    }
}

/// What the library checks: the signature by this algorithm. The claims are judged in `claims.rs`, and by "now".
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm.into());
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Whether a text has the form of a signed token (RFC 7515 section 7.1): what can be seen without any decoding.
fn is_compact(token: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    token.len() <= TOKEN_BYTES_MAX && token.split('.').count() == 3 && token.split('.').all(is_part)
}

#[cfg(test)]
mod tests;
