//! A browser as far as Web Push goes: it makes the keys of a subscription, and reads what was encrypted for it, by
//! RFC 8291 as it stands and with code of its own.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::AsBigEndian,
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

impl Browser {
    pub fn new() -> Self {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        let mut auth = [0; 16];
        aws_lc_rs::rand::fill(&mut auth).unwrap();
        Self { private, public, auth }
    }

    /// What `PushSubscription.toJSON()` gives.
    pub fn subscription(&self, endpoint: &str) -> Value {
        let (p256dh, auth) = self.keys();
        json!({"endpoint": endpoint, "expirationTime": null, "keys": {"p256dh": p256dh, "auth": auth}})
    }

    /// `p256dh` and `auth`, in base64url.
    pub fn keys(&self) -> (String, String) {
        (URL_SAFE_NO_PAD.encode(&self.public), URL_SAFE_NO_PAD.encode(self.auth))
    }

    /// The private key, in base64url.
    pub fn private_key(&self) -> String {
        let private: aws_lc_rs::encoding::EcPrivateKeyBin<'_> = self.private.as_be_bytes().unwrap();
        URL_SAFE_NO_PAD.encode(private.as_ref())
    }

    /// Reads the body of a push.
    pub fn read(&self, body: &[u8]) -> Value {
        assert!(body.len() <= 4096, "{}", body.len());
        let (salt, rest) = body.split_at(16);
        assert_eq!((&rest[..4], rest[4]), (&4096u32.to_be_bytes()[..], 65));
        let (sender, record) = rest[5..].split_at(65);
        let shared = UnparsedPublicKey::new(&ECDH_P256, sender);
        let shared = agree(&self.private, shared, (), |shared| Ok::<_, ()>(shared.to_vec())).unwrap();
        let secret = mac(&self.auth, &shared);
        let secret = mac(&secret, &[b"WebPush: info\0", &self.public[..], sender, &[1]].concat());
        let keys = mac(salt, &secret);
        let key = mac(&keys, b"Content-Encoding: aes128gcm\0\x01");
        let nonce = mac(&keys, b"Content-Encoding: nonce\0\x01");
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).unwrap();
        let mut record = record.to_vec();
        let plain = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        let (last, plain) = plain.split_last().unwrap();
        assert_eq!(*last, 2, "the last record, without padding");
        serde_json::from_slice(plain).unwrap()
    }
}

/// HMAC with SHA-256: both halves of HKDF, for as long as one block is enough.
fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}
