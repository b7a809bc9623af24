//! Test support: keys, and tokens good and forged. The keys are test keys that protect nothing.

use std::time::Duration;

use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header, crypto::sign, encode};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Algorithm, Verifier, VerifierOptions};
use crate::domain::Timestamp;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const OTHER_SECRET: &str = "fedcba9876543210fedcba9876543210";

pub const RS256_PUBLIC: &str = include_str!("../../tests/keys/rs256.public.pem");
pub const ES256_PUBLIC: &str = include_str!("../../tests/keys/es256.public.pem");
pub const EDDSA_PUBLIC: &str = include_str!("../../tests/keys/eddsa.public.pem");
pub const OTHER_PUBLIC: &str = include_str!("../../tests/keys/other.public.pem");
pub const RSA1024_PUBLIC: &str = include_str!("../../tests/keys/rsa1024.public.pem");
pub const P384_PUBLIC: &str = include_str!("../../tests/keys/p384.public.pem");
const RS256_PRIVATE: &[u8] = include_bytes!("../../tests/keys/rs256.private.pem");
const ES256_PRIVATE: &[u8] = include_bytes!("../../tests/keys/es256.private.pem");
pub const EDDSA_PRIVATE: &[u8] = include_bytes!("../../tests/keys/eddsa.private.pem");

/// The time of all these tests, in seconds.
pub const NOW: i64 = 1_790_000_000;

pub fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

pub fn hs256_options() -> VerifierOptions {
    let leeway = Duration::from_secs(5);
    VerifierOptions { secret: Some(SecretString::from(SECRET)), leeway, ..VerifierOptions::default() }
}

pub fn public_options(algorithm: Algorithm, pem: &str) -> VerifierOptions {
    VerifierOptions { algorithm, public_key: Some(pem.to_owned()), ..VerifierOptions::default() }
}

pub fn hs256() -> Verifier {
    Verifier::new(hs256_options()).unwrap()
}

/// Claims that every verifier without audience and issuer accepts, with `extra` over them; `null` takes one out.
pub fn claims(extra: Value) -> Value {
    let mut claims = json!({"sub": "alice", "exp": NOW + 60});
    for (name, value) in extra.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub fn private_key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::Hs256 => EncodingKey::from_secret(SECRET.as_bytes()),
        Algorithm::Rs256 => EncodingKey::from_rsa_pem(RS256_PRIVATE).unwrap(),
        Algorithm::Es256 => EncodingKey::from_ec_pem(ES256_PRIVATE).unwrap(),
        Algorithm::EdDsa => EncodingKey::from_ed_pem(EDDSA_PRIVATE).unwrap(),
    }
}

/// A token as an honest issuer makes it.
pub fn token(algorithm: Algorithm, extra: Value) -> String {
    encode(&Header::new(algorithm.into()), &claims(extra), &private_key(algorithm)).unwrap()
}

/// A token with any text as header and claims, truly signed with HS256.
pub fn raw_token(header: &str, claims: &str, secret: &[u8]) -> String {
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let signature = sign(message.as_bytes(), &EncodingKey::from_secret(secret), Alg::HS256).unwrap();
    format!("{message}.{signature}")
}

/// RFC 4648 section 5, without padding.
pub fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |bits: u32| char::from(ALPHABET[(bits & 63) as usize]);
    let chunk = |chunk: &[u8]| {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(|i| letter(bits >> (18 - 6 * i))).collect::<String>()
    };
    bytes.chunks(3).map(chunk).collect()
}
