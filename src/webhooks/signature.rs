//! How a receiver knows that an event is from here: Standard Webhooks, the symmetric signature `v1`.
//!
//! HMAC-SHA256 over `id.timestamp.body`, in base64. While a secret is changed each event has two.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::domain::Invalid;

/// What a secret begins with, and how many bytes it may have.
const PREFIX: &str = "whsec_";
const BYTES_MIN: usize = 24;
const BYTES_MAX: usize = 64;

/// What events are signed with.
pub struct Signer {
    keys: Vec<Key>,
}

impl Signer {
    /// The secret, and the one before it while receivers may still have that.
    ///
    /// # Errors
    /// Where one is not what it should be; the text does not repeat it.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>) -> Result<Self, Invalid> {
        let keys = std::iter::once(secret).chain(previous).map(key);
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// The text of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let signature = |key| format!("v1,{}", BASE64_STANDARD.encode(sign(key, signed.as_bytes())));
        self.keys.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

/// Reads a secret.
///
/// # Errors
/// Says what one is.
pub fn check(secret: &SecretString) -> Result<(), Invalid> {
    key(secret).map(drop)
}

fn key(secret: &SecretString) -> Result<Key, Invalid> {
    let bytes =
        secret.expose_secret().strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
    let bytes = bytes.filter(|bytes| (BYTES_MIN..=BYTES_MAX).contains(&bytes.len()));
    let expected = "a secret is whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)";
    Ok(Key::new(HMAC_SHA256, &bytes.ok_or_else(|| Invalid::new(expected))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn an_event_is_signed_as_standard_webhooks_says() {
        let (secret, other) = (SECRET.into(), format!("whsec_{}", "QUFB".repeat(8)).into());
        let signed = |previous| {
            let signer = Signer::new(&secret, previous).unwrap();
            signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#)
        };
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed(None), expected);
        let both = signed(Some(&other));
        assert_eq!(both.split_once(' ').unwrap().0, expected);
        assert!(both.split_once(' ').unwrap().1.starts_with("v1,"));
    }

    #[test]
    fn a_secret_is_long_enough_and_written_as_one() {
        let is_one = |text: &str| check(&text.into()).is_ok();
        assert!(is_one(SECRET) && is_one(&format!("whsec_{}", "QUFB".repeat(21))));
        for bad in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_QUFB",
            "whsec_***",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        ] {
            assert!(!is_one(bad), "{bad}");
        }
        assert!(!is_one(&format!("whsec_{}", "QUFB".repeat(22))));
    }
}
