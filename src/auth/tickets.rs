//! One-time tickets, so that a token need not stand in an address (PROTOCOL.md section 2, T19).
//!
//! Owns what a ticket looks like. The store keeps them, by their digests. Must never keep a ticket itself.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use crate::random;

/// How long a ticket may wait for its one use.
pub const LIFETIME: Duration = Duration::from_secs(30);

/// By this, what is no ticket is told from one at sight.
const PREFIX: &str = "tkt_";

/// Characters behind it: 32 bytes in base64url.
const SECRET_CHARS: usize = 43;

/// A fresh ticket.
#[derive(Debug)]
pub struct Ticket {
    pub text: SecretString,
    pub digest: Digest,
}

/// SHA-256 of a ticket.
pub type Digest = [u8; digest::SHA256_OUTPUT_LEN];

impl Ticket {
    /// A ticket that nobody has seen yet; `None` where the system has no chance to give.
    pub fn generate() -> Option<Self> {
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random::secret()?));
        Some(Self { digest: digest_of(&text), text: text.into() })
    }
}

/// What a ticket is kept by; `None` for a text that is none, so that junk costs nobody a question.
pub fn digest(text: &str) -> Option<Digest> {
    let secret = text.strip_prefix(PREFIX)?;
    let is_shaped = secret.len() == SECRET_CHARS
        && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_shaped.then(|| digest_of(text))
}

fn digest_of(text: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn no_ticket_is_like_another_and_none_shows_itself() {
        let texts: HashSet<String> =
            (0..1000).map(|_| Ticket::generate().unwrap().text.expose_secret().to_owned()).collect();
        assert_eq!(texts.len(), 1000);
        let shown = format!("{:?}", Ticket::generate().unwrap());
        assert!(!shown.contains(PREFIX), "{shown}");
    }

    #[test]
    fn a_ticket_is_known_by_its_digest_and_junk_at_sight() {
        let ticket = Ticket::generate().unwrap();
        let text = ticket.text.expose_secret();
        assert_eq!(digest(text), Some(ticket.digest));
        assert_ne!(digest(Ticket::generate().unwrap().text.expose_secret()), Some(ticket.digest));
        for bad in [
            "",
            "tkt_",
            "x",
            &text[..46],
            &format!("{text}A"),
            &text.replacen("tkt", "TKT", 1),
            &format!("{}%", &text[..46]),
        ] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }
}
