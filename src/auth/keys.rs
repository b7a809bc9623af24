//! The keys that signatures are checked with, read and judged once at the start.
//!
//! Owns the key material; hands out only what a check needs. Must never let a token choose more than which of
//! these keys to try.

use aws_lc_rs::{
    rsa::PublicKey,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    },
};
use jsonwebtoken::{
    DecodingKey, DecodingKeyKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};

use super::algorithm::Algorithm;

/// Shortest secret for HS256, in bytes: that of its hash (RFC 7518 section 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Most keys at once. A token without `kid` is tried with each, so this bounds what an anonymous one costs.
const KEYS_MAX: usize = 16;

/// Longest `kid`, in characters.
const KEY_ID_MAX: usize = 64;

/// What is wrong with the settings that tokens are judged by, in words that stand behind the setting's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "is not set; HS256 needs a secret of at least {SECRET_BYTES_MIN} bytes: `tidings init` writes a tidings.toml \
         with a fresh one, `export TIDINGS_AUTH_SECRET=$(openssl rand -hex 32)` sets one for this shell, and \
         `tidings dev` needs none"
    )]
    NoSecret,
    #[error(
        "HS256 needs a secret of at least {SECRET_BYTES_MIN} bytes, and this one has {bytes}; \
         `openssl rand -hex 32` makes one"
    )]
    ShortSecret { setting: &'static str, bytes: usize },
    #[error("this is a PEM key and no secret; set auth.algorithm and give the public key as auth.public_key")]
    SecretIsPem { setting: &'static str },
    #[error(
        "HS256 has no public key; name the key's algorithm (RS256, ES256 or EdDSA), \
         or drop auth.public_key and auth.jwks"
    )]
    KeyWithoutAlgorithm,
    #[error("is not set; {0} needs it as PEM text, or auth.jwks (TIDINGS_AUTH_PUBLIC_KEY_FILE=key.pem)")]
    NoPublicKey(Algorithm),
    #[error("is not a public key in PEM (SubjectPublicKeyInfo) that {0} can use")]
    BadPem(Algorithm),
    #[error("is not a JSON Web Key Set (RFC 7517 section 5)")]
    BadJwks,
    #[error("holds no key that is meant for {0}")]
    EmptyJwks(Algorithm),
    #[error("key {index} is not a public key that {algorithm} can use")]
    BadJwk { index: usize, algorithm: Algorithm },
    #[error("the kid of key {0} is not 1 to {KEY_ID_MAX} characters of A-Z a-z 0-9 _ -")]
    BadKeyId(usize),
    #[error("together with auth.public_key it holds more than {KEYS_MAX} keys")]
    TooManyKeys,
    #[error("5s is the most that is forgiven")]
    LongLeeway,
    #[error("the self-test of token verification failed: {0}")]
    SelfTest(&'static str),
}

impl KeyError {
    /// The setting to change.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::NoSecret => "auth.secret",
            Self::ShortSecret { setting, .. } | Self::SecretIsPem { setting } => setting,
            Self::KeyWithoutAlgorithm => "auth.algorithm",
            Self::NoPublicKey(_) | Self::BadPem(_) => "auth.public_key",
            Self::BadJwks
            | Self::EmptyJwks(_)
            | Self::BadJwk { .. }
            | Self::BadKeyId(_)
            | Self::TooManyKeys => "auth.jwks",
            Self::LongLeeway => "auth.leeway",
            Self::SelfTest(_) => "auth",
        }
    }
}

/// One key, with the `kid` by which a token may name it.
struct Key {
    id: Option<String>,
    key: DecodingKey,
}

/// All keys that are valid now: a secret and its predecessor, or some public keys.
pub(super) struct Keys(Vec<Key>);

impl Keys {
    pub(super) fn from_secrets(
        secret: Option<&SecretString>,
        previous: Option<&SecretString>,
    ) -> Result<Self, KeyError> {
        let key = |setting, secret: &SecretString| {
            check_secret(setting, secret)?;
            Ok(Key { id: None, key: DecodingKey::from_secret(secret.expose_secret().as_bytes()) })
        };
        let secret = key("auth.secret", secret.ok_or(KeyError::NoSecret)?);
        let previous = previous.map(|secret| key("auth.previous_secret", secret));
        [secret].into_iter().chain(previous).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn from_public(
        algorithm: Algorithm,
        pem: Option<&str>,
        jwks: Option<&str>,
    ) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        if let Some(pem) = pem {
            keys.extend(read_pems(algorithm, pem)?);
        }
        if let Some(jwks) = jwks {
            keys.extend(read_jwks(algorithm, jwks)?);
        }
        match keys.len() {
            0 if jwks.is_some() => Err(KeyError::EmptyJwks(algorithm)),
            0 => Err(KeyError::NoPublicKey(algorithm)),
            1..=KEYS_MAX => Ok(Self(keys)),
            _ => Err(KeyError::TooManyKeys),
        }
    }

    /// The keys to try for a token that names `id`: those of that name, and those that have none.
    pub(super) fn candidates(&self, id: Option<&str>) -> impl Iterator<Item = &DecodingKey> {
        // A secret and a PEM have no names, so a name cannot tell them apart and every one of them is tried.
        self.0
            .iter()
            .filter(move |key| id.is_none() || key.id.is_none() || key.id.as_deref() == id)
            .map(|key| &key.key)
    }
}

/// Whether tokens may be signed and verified with a secret; `setting` is where it is from.
///
/// # Errors
/// A secret that can be guessed, or that others have.
pub fn check_secret(setting: &'static str, secret: &SecretString) -> Result<(), KeyError> {
    let secret = secret.expose_secret();
    if secret.len() < SECRET_BYTES_MIN {
        return Err(KeyError::ShortSecret { setting, bytes: secret.len() });
    }
    // A public key is no secret: whoever has it could sign.
    if secret.contains(PEM_BEGIN) {
        return Err(KeyError::SecretIsPem { setting });
    }
    Ok(())
}

/// Whether a `kid` is one: anything else is refused unread, be it a path or a query.
pub fn is_key_id(text: &str) -> bool {
    (1..=KEY_ID_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

const PEM_BEGIN: &str = "-----BEGIN ";

/// Reads every block of a PEM text, so that an old and a new key can stand in one file.
fn read_pems(algorithm: Algorithm, text: &str) -> Result<Vec<Key>, KeyError> {
    let bad = || KeyError::BadPem(algorithm);
    let mut keys = Vec::new();
    for block in text.split(PEM_BEGIN).skip(1) {
        // Certificates and private keys would be read too, but are no public keys.
        if !block.starts_with("PUBLIC KEY-----") {
            return Err(bad());
        }
        let pem = format!("{PEM_BEGIN}{block}");
        let key = match algorithm {
            Algorithm::Hs256 => return Err(KeyError::KeyWithoutAlgorithm),
            Algorithm::Rs256 => DecodingKey::from_rsa_pem(pem.as_bytes()),
            Algorithm::Es256 => DecodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::EdDsa => DecodingKey::from_ed_pem(pem.as_bytes()),
        };
        keys.push(Key { id: None, key: key.ok().filter(|key| is_usable(algorithm, key)).ok_or_else(bad)? });
    }
    if keys.is_empty() { Err(bad()) } else { Ok(keys) }
}

/// Reads a key set, passing over what is not for us (RFC 7517 section 5) and refusing what is but is broken.
fn read_jwks(algorithm: Algorithm, text: &str) -> Result<Vec<Key>, KeyError> {
    #[derive(serde::Deserialize)]
    struct KeySet {
        keys: Vec<Jwk>,
    }
    let set: KeySet = serde_json::from_str(text).map_err(|_| KeyError::BadJwks)?;
    let mut keys = Vec::new();
    for (index, jwk) in set.keys.into_iter().enumerate().filter(|(_, jwk)| is_meant_for(algorithm, jwk)) {
        let key = DecodingKey::from_jwk(&jwk).ok().filter(|key| is_usable(algorithm, key));
        let key = key.ok_or(KeyError::BadJwk { index, algorithm })?;
        let id = jwk.common.key_id;
        if id.as_deref().is_some_and(|id| !is_key_id(id)) {
            return Err(KeyError::BadKeyId(index));
        }
        keys.push(Key { id, key });
    }
    Ok(keys)
}

/// Whether a key of a set says of itself that it verifies signatures of this algorithm.
fn is_meant_for(algorithm: Algorithm, jwk: &Jwk) -> bool {
    let has_type = match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::Rs256) => true,
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::Es256) => ec.curve == EllipticCurve::P256,
        (AlgorithmParameters::OctetKeyPair(pair), Algorithm::EdDsa) => pair.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let common = &jwk.common;
    has_type
        && common.public_key_use.as_ref().is_none_or(|usage| usage == &PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify))
        && common.key_algorithm.is_none_or(|named| named == jsonwebtoken::Algorithm::from(algorithm).into())
}

/// Parses the key as the verification will, so that a bad one stops the start and not every request.
fn is_usable(algorithm: Algorithm, key: &DecodingKey) -> bool {
    match (algorithm, key.kind()) {
        (Algorithm::Rs256, DecodingKeyKind::SecretOrDer(der)) => PublicKey::from_der(der)
            .is_ok_and(|key| is_usable_rsa(&RsaPublicKeyComponents::<Vec<u8>>::from(&key))),
        (Algorithm::Rs256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            is_usable_rsa(&RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
        (Algorithm::Es256, DecodingKeyKind::SecretOrDer(point)) => {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok()
        }
        (Algorithm::EdDsa, DecodingKeyKind::SecretOrDer(point)) => {
            ParsedPublicKey::new(&ED25519, point).is_ok()
        }
        _ => false,
    }
}

/// Whether the modulus has 2048 to 8192 bits: others are refused at each verification.
fn is_usable_rsa(key: &RsaPublicKeyComponents<Vec<u8>>) -> bool {
    let unused_bits = key.n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    (2048..=8192).contains(&(key.n.len() * 8).saturating_sub(unused_bits))
        && key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).is_ok()
}

#[cfg(test)]
mod tests;
