//! Whether something on the bus was said by a node: HMAC-SHA256 with the key that all nodes share.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// In place of a signature, where there is no key.
const UNSIGNED: &str = "-";

/// Signs, and judges signatures. Without a key it signs nothing and looks at no signature, so that nodes can
/// be given their key one after the other.
pub struct Signer {
    key: Option<hmac::Key>,
}

impl Signer {
    pub fn new(secret: Option<&SecretString>) -> Self {
        let key = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()));
        Self { key }
    }

    /// Over the channel, too: what was said in one place is not believed in another.
    pub fn sign(&self, channel: &str, text: &str) -> String {
        self.key.as_ref().map_or_else(
            || UNSIGNED.to_owned(),
            |key| URL_SAFE_NO_PAD.encode(hmac::sign(key, &signed(channel, text))),
        )
    }

    pub fn is_right(&self, channel: &str, text: &str, signature: &str) -> bool {
        let Some(key) = &self.key else { return true };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        hmac::verify(key, &signed(channel, text), &signature).is_ok()
    }
}

/// No channel has a zero byte.
fn signed(channel: &str, text: &str) -> Vec<u8> {
    [channel.as_bytes(), b"\0", text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str) -> Signer {
        Signer::new(Some(&secret.to_owned().into()))
    }

    #[test]
    fn only_who_knows_the_key_signs_and_only_for_one_channel() {
        let ours = signer("one secret of thirty-two bytes..");
        let signature = ours.sign("a", "text");
        assert!(ours.is_right("a", "text", &signature));
        assert!(!ours.is_right("b", "text", &signature) && !ours.is_right("a", "texts", &signature));
        let theirs = signer("another one of thirty-two bytes.");
        assert!(!ours.is_right("a", "text", &theirs.sign("a", "text")));
        for none in [UNSIGNED, "", "====", "ü"] {
            assert!(!ours.is_right("a", "text", none), "{none}");
        }
    }

    #[test]
    fn without_a_key_nothing_is_signed_and_everything_believed() {
        let open = Signer::new(None);
        assert_eq!(open.sign("a", "text"), UNSIGNED);
        assert!(open.is_right("a", "text", &signer("x").sign("a", "text")));
    }
}
