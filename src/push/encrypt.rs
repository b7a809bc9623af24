//! Encryption for one receiver (RFC 8291), as one record of the coding `aes128gcm` (RFC 8188).
//!
//! Pure but for the salt and the key that each message has of its own: nothing here is ever used twice, since two
//! messages under one key and salt would share their key stream.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, ParsedPublicKey, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::Invalid;

/// Bytes of an uncompressed point on P-256.
pub const POINT_BYTES: usize = 65;

/// Bytes of the secret that a browser makes beside its key.
const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// What every push service takes (RFC 8030 section 7.2), and the size of the one record.
const BODY_MAX: u32 = 4096;

/// Salt, size of a record, length of the sender's key.
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1;

/// Ends the last record; what would follow it is padding.
const LAST_RECORD: u8 = 2;

/// Most bytes that one message can carry: what is left of a body by its header, the key, the tag and one more.
pub const PLAIN_MAX: usize = 3993;

/// Whom a browser encrypts for: its public key, and the secret by which it knows its application server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    public: [u8; POINT_BYTES],
    auth: [u8; AUTH_BYTES],
}

impl Receiver {
    /// Reads `keys.p256dh` and `keys.auth` of a `PushSubscription`.
    ///
    /// # Errors
    /// Where they are not base64url, of another length, or the key is no point on the curve (B55).
    pub fn parse(p256dh: &str, auth: &str) -> Result<Self, Invalid> {
        let public: [u8; POINT_BYTES] =
            decode(p256dh).ok_or_else(|| Invalid::new("p256dh is a key of 65 bytes, in base64url"))?;
        let is_point = public.first() == Some(&4) && ParsedPublicKey::try_from(&unparsed(&public)).is_ok();
        let auth = decode(auth).ok_or_else(|| Invalid::new("auth is a secret of 16 bytes, in base64url"))?;
        is_point.then_some(Self { public, auth }).ok_or_else(|| Invalid::new("p256dh is a point on P-256"))
    }

    /// Encrypts one message of at most [`PLAIN_MAX`] bytes: the body of a push.
    ///
    /// # Errors
    /// Where the message is longer, or the system gives no chance.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt)?;
        self.encrypt_with(&PrivateKey::generate(&ECDH_P256)?, salt, plain)
    }

    /// RFC 8291 section 3.4.
    fn encrypt_with(
        &self,
        sender: &PrivateKey,
        salt: [u8; SALT_BYTES],
        plain: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let public = sender.compute_public_key()?;
        let info = [b"WebPush: info\0".as_slice(), &self.public, public.as_ref()];
        let receiver = ParsedPublicKey::try_from(&unparsed(&self.public)).map_err(|_| Unspecified)?;
        let secret: [u8; 32] = agree(sender, receiver, Unspecified, |shared| {
            expand(&Salt::new(HKDF_SHA256, &self.auth).extract(shared), &info)
        })?;
        seal(&secret, salt, public.as_ref(), plain)
    }
}

fn unparsed(public: &[u8; POINT_BYTES]) -> UnparsedPublicKey<&[u8]> {
    UnparsedPublicKey::new(&ECDH_P256, public.as_slice())
}

/// RFC 8188 section 2, with a single record.
fn seal(secret: &[u8], salt: [u8; SALT_BYTES], key_id: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let body_bytes = HEADER_BYTES + key_id.len() + plain.len() + 1 + TAG_BYTES;
    if body_bytes > BODY_MAX as usize {
        return Err(Unspecified);
    }
    let keys = Salt::new(HKDF_SHA256, &salt).extract(secret);
    let key: [u8; 16] = expand(&keys, &[b"Content-Encoding: aes128gcm\0"])?;
    // The number of the record is xored into it, and that of the first one is 0.
    let nonce: [u8; 12] = expand(&keys, &[b"Content-Encoding: nonce\0"])?;
    let mut body = Vec::with_capacity(body_bytes);
    body.extend_from_slice(&salt);
    body.extend_from_slice(&BODY_MAX.to_be_bytes());
    body.push(u8::try_from(key_id.len()).map_err(|_| Unspecified)?);
    body.extend_from_slice(key_id);
    let mut record = [plain, &[LAST_RECORD]].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)?;
    body.append(&mut record);
    Ok(body)
}

/// HKDF-Expand (RFC 5869 section 2.3) to exactly so many bytes.
fn expand<const BYTES: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; BYTES], Unspecified> {
    struct Length(usize);

    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    let mut bytes = [0; BYTES];
    key.expand(info, Length(BYTES))?.fill(&mut bytes)?;
    Ok(bytes)
}

/// Exactly so many bytes, or nothing. Browsers write no padding, some libraries do.
fn decode<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let text = text.strip_suffix('=').unwrap_or(text);
    URL_SAFE_NO_PAD.decode(text.strip_suffix('=').unwrap_or(text)).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
