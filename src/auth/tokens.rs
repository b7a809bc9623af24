//! Makes tokens with the configured secret, for the command line (RFC 7519, HS256).
//!
//! Never reads a clock and never judges a token: that is the verifier's.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::domain::{Timestamp, UserId};

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct MintClaims {
    pub user: UserId,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// Words with spaces between; empty is no `scope`.
    pub scope: String,
    pub audience: Option<String>,
    pub issuer: Option<String>,
}

/// A token that could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token cannot be signed")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

/// The claims as they travel (RFC 7519 section 4.1, RFC 8693 section 4.2).
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    /// Makes the token one that can be revoked by itself.
    jti: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
}

/// Signs a token with HS256.
///
/// # Errors
/// Where the cryptographic library refuses the key.
pub fn mint(secret: &[u8], claims: &MintClaims) -> Result<String, MintError> {
    let payload = Claims {
        sub: claims.user.as_str(),
        iat: claims.issued_at.as_secs(),
        exp: claims.expires_at.as_secs(),
        jti: ulid::Ulid::generate().to_string(),
        scope: &claims.scope,
        aud: claims.audience.as_deref(),
        iss: claims.issuer.as_deref(),
    };
    let key = EncodingKey::from_secret(secret);
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &payload, &key)?)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn claims(token: &str) -> Value {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode(token, &DecodingKey::from_secret(SECRET), &validation).unwrap().claims
    }

    #[test]
    fn a_minted_token_verifies_and_says_what_was_asked() {
        let mut asked = MintClaims {
            user: "alice".parse().unwrap(),
            issued_at: Timestamp::from_secs(100),
            expires_at: Timestamp::from_secs(3700),
            scope: "join:* notify".to_owned(),
            audience: Some("tidings".to_owned()),
            issuer: None,
        };
        let said = claims(&mint(SECRET, &asked).unwrap());
        assert_eq!((&said["sub"], &said["iat"], &said["exp"]), (&"alice".into(), &100.into(), &3700.into()));
        assert_eq!(
            (&said["scope"], &said["aud"], &said["iss"]),
            (&"join:* notify".into(), &"tidings".into(), &Value::Null)
        );
        asked.scope.clear();
        let other = claims(&mint(SECRET, &asked).unwrap());
        assert!(other.get("scope").is_none() && other["jti"] != said["jti"]);
    }
}
