//! How a push service knows us: VAPID (RFC 8292), signed with ES256.

use std::cell::RefCell;

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::AsBigEndian,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hashlink::LruCache;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use secrecy::SecretString;
use serde::Serialize;

use crate::domain::{Invalid, Timestamp};

/// How long a token is good for. A service refuses one that is good for more than a day (RFC 8292 section 2).
const TOKEN_SECS: i64 = 12 * 3600;

/// How long one is used: a service whose clock is hours behind or ahead still believes it.
const REUSE_SECS: i64 = 6 * 3600;

/// Origins whose token is kept. Real services have a few; a name below one of theirs costs nothing to make up.
const ORIGINS_MAX: usize = 256;

/// The key that our messages are known by. A subscription is bound to it, so one that changes ends them all.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    /// As pages need it to subscribe (`applicationServerKey`).
    public: String,
}

impl VapidKey {
    /// Makes a new one; `None` where the system gives no chance.
    pub fn generate() -> Option<Self> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok().map(Self::of)
    }

    /// Reads base64url of the 32 bytes of the number, as most tools write it, or PEM.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let pair = if text.starts_with("-----BEGIN") { from_pem(text) } else { from_number(text) };
        let expected = "a VAPID key is a private key on P-256: 32 bytes in base64url, or PEM";
        pair.map(Self::of).ok_or_else(|| Invalid::new(expected))
    }

    fn of(pair: EcdsaKeyPair) -> Self {
        Self { public: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()), pair }
    }

    /// What [`Self::parse`] reads; `None` where the library cannot write it.
    pub fn private_text(&self) -> Option<SecretString> {
        let number = self.pair.private_key().as_be_bytes().ok()?;
        Some(URL_SAFE_NO_PAD.encode(number.as_ref()).into())
    }

    /// The public key as `k` carries it, and as pages subscribe with it.
    pub fn public_text(&self) -> &str {
        &self.public
    }
}

fn from_number(text: &str) -> Option<EcdsaKeyPair> {
    let number =
        URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().filter(|number| number.len() == 32)?;
    let private = PrivateKey::from_private_key(&ECDH_P256, &number).ok()?;
    let public = private.compute_public_key().ok()?;
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &number, public.as_ref()).ok()
}

fn from_pem(text: &str) -> Option<EcdsaKeyPair> {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    match PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs8(key) => EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der()).ok(),
        PrivateKeyDer::Sec1(key) => EcdsaKeyPair::from_private_key_der(algorithm, key.secret_sec1_der()).ok(),
        _ => None,
    }
}

/// Signs for push services, once in hours for each.
pub struct Vapid {
    key: VapidKey,
    /// Whom a service may write to: `mailto:` or `https:`.
    subject: String,
    tokens: RefCell<LruCache<String, Token>>,
}

/// What `t` carries, and when it was signed.
struct Token {
    text: String,
    signed_at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    /// The origin of the endpoint, so that no service can use the token with another.
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    pub fn new(key: VapidKey, subject: String) -> Self {
        Self { key, subject, tokens: RefCell::new(LruCache::new(ORIGINS_MAX)) }
    }

    /// The value of `Authorization` for endpoints of this origin (RFC 8292 section 3); `None` where it cannot be
    /// signed.
    pub fn authorization(&self, origin: &str, now: Timestamp) -> Option<String> {
        let mut tokens = self.tokens.borrow_mut();
        if let Some(token) = tokens.get(origin)
            // A clock that has gone back would send a token that is good for too long.
            && (0..REUSE_SECS).contains(&(now.as_secs() - token.signed_at.as_secs()))
        {
            return Some(self.header(&token.text));
        }
        let text = self.sign(origin, now)?;
        let header = self.header(&text);
        tokens.insert(origin.to_owned(), Token { text, signed_at: now });
        Some(header)
    }

    fn header(&self, token: &str) -> String {
        format!("vapid t={token}, k={}", self.key.public)
    }

    fn sign(&self, origin: &str, now: Timestamp) -> Option<String> {
        let claims = Claims { aud: origin, exp: now.as_secs() + TOKEN_SECS, sub: &self.subject };
        let message = message(&claims)?;
        let signature = self.key.pair.sign(&SystemRandom::new(), message.as_bytes()).ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}

/// What is signed: header and claims.
fn message(claims: &Claims<'_>) -> Option<String> {
    const HEADER: &str = r#"{"typ":"JWT","alg":"ES256"}"#;
    let claims = serde_json::to_vec(claims).ok()?;
    Some(format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims)))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::*;

    const ORIGIN: &str = "https://push.example.net";

    fn vapid() -> Vapid {
        Vapid::new(VapidKey::generate().unwrap(), "mailto:ops@example.com".to_owned())
    }

    fn claims_of(header: &str, key: &VapidKey) -> Value {
        let (token, public) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key.public);
        assert!(is_signed(token, public));
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&claims).unwrap()
    }

    fn is_signed(token: &str, public: &str) -> bool {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let public = URL_SAFE_NO_PAD.decode(public).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(message.as_bytes(), &signature)
            .is_ok()
    }

    #[test]
    fn t10_what_is_signed_is_that_of_rfc_8292_section_2_4_byte_for_byte() {
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE\
                     0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2\
                     rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
        let public =
            "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        assert!(is_signed(token, public), "the signature of the document");
        let claims = Claims { aud: ORIGIN, exp: 1_453_523_768, sub: "mailto:push@example.com" };
        assert!(token.starts_with(&format!("{}.", message(&claims).unwrap())));
    }

    #[test]
    fn t10_a_token_is_for_one_origin_and_good_for_less_than_a_day() {
        let vapid = vapid();
        let now = Timestamp::from_secs(1_790_000_000);
        let claims = claims_of(&vapid.authorization(ORIGIN, now).unwrap(), &vapid.key);
        let expected =
            json!({"aud": ORIGIN, "exp": 1_790_000_000 + 12 * 3600, "sub": "mailto:ops@example.com"});
        assert_eq!(claims, expected);
        let other = claims_of(&vapid.authorization("https://other.example", now).unwrap(), &vapid.key);
        assert_eq!(other["aud"], "https://other.example");
    }

    #[test]
    fn a_token_is_signed_once_in_hours_and_anew_when_the_clock_goes_back() {
        let vapid = vapid();
        let at = |secs: i64| vapid.authorization(ORIGIN, Timestamp::from_secs(secs)).unwrap();
        let first = at(1_790_000_000);
        assert_eq!(at(1_790_000_000 + REUSE_SECS - 1), first);
        let later = at(1_790_000_000 + REUSE_SECS);
        assert_ne!(later, first);
        let back = at(1_789_000_000);
        assert_eq!(claims_of(&back, &vapid.key)["exp"], 1_789_000_000 + TOKEN_SECS);
    }

    #[test]
    fn names_that_are_made_up_cost_no_memory() {
        let vapid = vapid();
        for n in 0..ORIGINS_MAX + 50 {
            vapid.authorization(&format!("https://{n}.example"), Timestamp::from_secs(0)).unwrap();
        }
        assert_eq!(vapid.tokens.borrow().len(), ORIGINS_MAX);
    }

    #[test]
    fn a_key_reads_back_as_it_is_written_and_as_other_tools_write_it() {
        let key = VapidKey::generate().unwrap();
        let text = key.private_text().unwrap();
        assert_eq!(VapidKey::parse(text.expose_secret()).unwrap().public, key.public);
        let pem = include_str!("../../tests/keys/es256.private.pem");
        let read = VapidKey::parse(pem).unwrap();
        assert_eq!(read.public.len(), 87);
        for wrong in ["", "AAAA", include_str!("../../tests/keys/eddsa.private.pem"), "-----BEGIN nonsense"] {
            assert!(VapidKey::parse(wrong).is_err(), "{wrong}");
        }
        assert!(VapidKey::parse(&URL_SAFE_NO_PAD.encode([0xff; 32])).is_err(), "no number of the curve");
    }
}
