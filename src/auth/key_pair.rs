//! Makes keys that tokens are signed with, for whoever makes tokens (RFC 7517, RFC 7638, RFC 8410).

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{self, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use secrecy::SecretString;

use super::Algorithm;

/// Characters of a line in PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// A private key, and its public half as the server is told of it.
pub struct KeyPair {
    /// The `kid` by which tokens name it.
    pub id: String,
    /// PKCS #8 in PEM.
    pub private_key: SecretString,
    /// A JSON Web Key.
    pub public_key: serde_json::Value,
}

impl KeyPair {
    /// Makes a new one; where no `kid` is given it is the thumbprint, so that no two keys have the same.
    ///
    /// `None` for an algorithm without public keys, and where the system gives no chance.
    pub fn generate(algorithm: Algorithm, id: Option<&str>) -> Option<Self> {
        let der = match algorithm {
            Algorithm::Hs256 => return None,
            Algorithm::Rs256 => {
                let der: Pkcs8V1Der<'_> = rsa::KeyPair::generate(KeySize::Rsa2048).ok()?.as_der().ok()?;
                der.as_ref().to_vec()
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
                pair.to_pkcs8v1().ok()?.as_ref().to_vec()
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().ok()?.to_pkcs8v1().ok()?.as_ref().to_vec(),
        };
        let pem = pem(&der);
        let key = match algorithm {
            Algorithm::Hs256 => return None,
            Algorithm::Rs256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
            Algorithm::Es256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        let mut public_key = Jwk::from_encoding_key(&key.ok()?, algorithm.into()).ok()?;
        let thumbprint = public_key.thumbprint(ThumbprintHash::SHA256).ok()?;
        let id = id.map_or(thumbprint, str::to_owned);
        public_key.common.key_id = Some(id.clone());
        public_key.common.public_key_use = Some(PublicKeyUse::Signature);
        let public_key = serde_json::to_value(public_key).ok()?;
        Some(Self { id, private_key: pem.into(), public_key })
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(PEM_LINE).map(String::from_utf8_lossy);
    let lines: Vec<_> = lines.collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Header, encode};
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;
    use crate::{
        auth::{Verifier, VerifierOptions},
        domain::Timestamp,
    };

    #[test]
    fn what_a_new_key_signs_is_believed_by_a_server_that_knows_its_public_half() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            let [old, new] = ["old", "new"].map(|id| KeyPair::generate(algorithm, Some(id)).unwrap());
            assert_eq!(new.public_key["kid"], "new");
            let jwks = json!({ "keys": [old.public_key, new.public_key] }).to_string();
            let options = VerifierOptions { algorithm, jwks: Some(jwks), ..VerifierOptions::default() };
            let verifier = Verifier::new(options).unwrap();
            let pem = new.private_key.expose_secret().as_bytes();
            let key = match algorithm {
                Algorithm::Rs256 => EncodingKey::from_rsa_pem(pem),
                Algorithm::Es256 => EncodingKey::from_ec_pem(pem),
                _ => EncodingKey::from_ed_pem(pem),
            };
            let header = Header { kid: Some(new.id), ..Header::new(algorithm.into()) };
            let token = encode(&header, &json!({ "sub": "alice", "exp": 60 }), &key.unwrap()).unwrap();
            assert_eq!(verifier.verify(&token, Timestamp::from_secs(0)).unwrap().user.as_str(), "alice");
        }
    }

    #[test]
    fn a_key_is_named_by_its_thumbprint_and_a_secret_is_no_pair() {
        let [one, other] = [(); 2].map(|()| KeyPair::generate(Algorithm::EdDsa, None).unwrap());
        assert!(one.id != other.id && super::super::is_key_id(&one.id), "{}", one.id);
        assert!(KeyPair::generate(Algorithm::Hs256, None).is_none());
    }
}
