//! Proves at the start that good tokens are accepted and forged ones are not, with the keys that are configured.
//!
//! A library or a build may change beneath us; a server that would let anybody in must not start.
//! Must never put a token or a key into its error.

use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header, encode};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{
    algorithm::Algorithm,
    keys::KeyError,
    verifier::{Verifier, VerifierOptions},
};
use crate::domain::Timestamp;

/// When the test happens; any time will do, since the verifier is told.
const NOW_SECS: i64 = 1_800_000_000;

/// `{"alg":"none"}` in base64url.
const HEADER_NONE: &str = "eyJhbGciOiJub25lIn0";

/// Runs the test.
///
/// # Errors
/// What is wrong with the verifier.
pub(super) fn run(verifier: &Verifier, options: &VerifierOptions) -> Result<(), KeyError> {
    let probe = Probe { verifier, options };
    let VerifierOptions { secret, previous_secret, public_key, jwks, .. } = options;
    if options.algorithm == Algorithm::Hs256 {
        let mut secrets = secret.iter().chain(previous_secret);
        secrets.try_for_each(|secret| probe.secret(secret.expose_secret().as_bytes()))
    } else {
        public_key.iter().chain(jwks).try_for_each(|text| probe.public(text.as_bytes()))
    }
}

struct Probe<'a> {
    verifier: &'a Verifier,
    options: &'a VerifierOptions,
}

impl Probe<'_> {
    /// With a secret, tokens can be signed: both answers are tried.
    fn secret(&self, secret: &[u8]) -> Result<(), KeyError> {
        let good = self.sign(Alg::HS256, secret, "self-test", 60)?;
        if !self.accepts(&good) {
            return Err(KeyError::SelfTest("a good token is refused"));
        }
        let other = self.sign(Alg::HS256, secret, "somebody", 60)?;
        self.must_refuse(&graft(&other, &good), "a tampered token is accepted")?;
        self.must_refuse(&self.sign(Alg::HS256, secret, "self-test", -60)?, "an expired token is accepted")?;
        self.must_refuse(
            &self.sign(Alg::HS384, secret, "self-test", 60)?,
            "a foreign algorithm is accepted",
        )?;
        self.must_refuse(&unsigned(&good), "an unsigned token is accepted")
    }

    /// With a public key nothing can be signed but by mistaking it for a secret, as a forger would.
    fn public(&self, key: &[u8]) -> Result<(), KeyError> {
        let forged = self.sign(Alg::HS256, key, "self-test", 60)?;
        self.must_refuse(&forged, "a public key is taken for a secret")?;
        self.must_refuse(&unsigned(&forged), "an unsigned token is accepted")
    }

    fn sign(
        &self,
        algorithm: Alg,
        secret: &[u8],
        user: &str,
        lifetime_secs: i64,
    ) -> Result<String, KeyError> {
        let VerifierOptions { audience, issuer, .. } = self.options;
        let claims = json!({"sub": user, "exp": NOW_SECS + lifetime_secs, "aud": audience, "iss": issuer});
        encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret))
            .map_err(|_| KeyError::SelfTest("a token cannot be signed"))
    }

    fn accepts(&self, token: &str) -> bool {
        self.verifier.verify(token, Timestamp::from_secs(NOW_SECS)).is_ok()
    }

    fn must_refuse(&self, token: &str, fault: &'static str) -> Result<(), KeyError> {
        if self.accepts(token) { Err(KeyError::SelfTest(fault)) } else { Ok(()) }
    }
}

/// The header and claims of one token under the signature of another.
fn graft(claims: &str, signature: &str) -> String {
    let (message, _) = claims.rsplit_once('.').unwrap_or_default();
    let (_, signature) = signature.rsplit_once('.').unwrap_or_default();
    format!("{message}.{signature}")
}

/// The claims of a token, said to need no signature (RFC 7519 section 6).
fn unsigned(token: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap_or_default();
    let (claims, _) = rest.split_once('.').unwrap_or_default();
    format!("{HEADER_NONE}.{claims}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_refused_is_forged_as_it_says() {
        assert_eq!(graft("header.claims.signature", "other.others.stolen"), "header.claims.stolen");
        assert_eq!(unsigned("header.claims.signature"), format!("{HEADER_NONE}.claims."));
    }
}
