//! `[auth]`: which tokens are believed (PROTOCOL.md section 2).

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    auth::{Algorithm, VerifierOptions},
    config::units,
    domain::{Invalid, Scopes},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    #[serde(with = "units::text")]
    pub algorithm: Algorithm,
    /// The HS256 key: at least 32 bytes, as RFC 7518 section 3.2 asks.
    #[serde(with = "units::secret")]
    pub secret: Option<SecretString>,
    /// Still accepted, so that a key can be changed without ending every session.
    #[serde(with = "units::secret")]
    pub previous_secret: Option<SecretString>,
    /// PEM text of the key for the other algorithms.
    #[serde(with = "units::optional")]
    pub public_key: Option<String>,
    /// JWKS text (RFC 7517) where there are several keys.
    #[serde(with = "units::optional")]
    pub jwks: Option<String>,
    /// Required `aud` of tokens, where set.
    #[serde(with = "units::optional")]
    pub audience: Option<String>,
    /// Required `iss` of tokens, where set.
    #[serde(with = "units::optional")]
    pub issuer: Option<String>,
    /// How far clocks may differ when `exp` and `nbf` are judged; at most 5 s.
    #[serde(with = "units::duration")]
    pub leeway: Duration,
    /// How long a connection outlives its token's `exp`, so that it can bring a new one.
    #[serde(with = "units::duration")]
    pub expiry_grace: Duration,
    /// Whether `?token=` counts; addresses end up in the logs of proxies.
    pub query_token: bool,
    /// Name of the cookie that may carry a token.
    pub cookie: String,
    /// How long a WebSocket without credentials has to send one.
    #[serde(with = "units::duration")]
    pub first_message_timeout: Duration,
    /// `join:` and `publish:` scopes that every user has besides those of the token.
    #[serde(serialize_with = "write_scopes", deserialize_with = "read_scopes")]
    pub default_scopes: Scopes,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Hs256,
            secret: None,
            previous_secret: None,
            public_key: None,
            jwks: None,
            audience: None,
            issuer: None,
            leeway: Duration::from_secs(5),
            expiry_grace: Duration::from_secs(5),
            query_token: true,
            cookie: "tidings_token".to_owned(),
            first_message_timeout: Duration::from_secs(5),
            default_scopes: Scopes::default(),
        }
    }
}

impl Auth {
    /// What tokens are judged by.
    pub fn verifier_options(&self) -> VerifierOptions {
        VerifierOptions {
            algorithm: self.algorithm,
            secret: self.secret.clone(),
            previous_secret: self.previous_secret.clone(),
            public_key: self.public_key.clone(),
            jwks: self.jwks.clone(),
            audience: self.audience.clone(),
            issuer: self.issuer.clone(),
            leeway: self.leeway,
            default_scopes: self.default_scopes.clone(),
        }
    }
}

fn write_scopes<S: Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
    units::list::serialize(scopes.words(), serializer)
}

fn read_scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scopes, D::Error> {
    let words: Vec<String> = units::list::deserialize(deserializer)?;
    words.iter().try_fold(Scopes::default(), add_default_scope).map_err(D::Error::custom)
}

/// A token may hold words for other services; a setting of ours may not, so a slip is found at the start.
fn add_default_scope(scopes: Scopes, word: &String) -> Result<Scopes, Invalid> {
    let scope = Scopes::parse(word);
    if scope.words() != [word.clone()] || !scope.is_rooms_only() {
        return Err(Invalid::new(format!(
            "{word:?}: only join:PATTERN and publish:PATTERN can be given to every user"
        )));
    }
    Ok(scopes.with(&scope))
}
