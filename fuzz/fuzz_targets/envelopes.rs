//! What is heard on the bus: of what anybody may write into it, only what a node could have said is taken, and
//! with a key only what a node has said.
//!
//! Input: an envelope as it is heard, or the JSON in one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use tidings::bridge::{Channel, Names, Rejected, Sealer, Signer};

const DATA_BYTES: usize = 4096;

fn sealer(secret: Option<&str>) -> Sealer {
    let secret = secret.map(|secret| SecretString::from(secret.to_owned()));
    Sealer::new(Names::new("tidings:".to_owned()), Signer::new(secret.as_ref()), DATA_BYTES)
}

fuzz_target!(|bytes: &[u8]| {
    let (open, signed) = (sealer(None), sealer(Some("a secret of thirty-two bytes....")));
    let room = "chat:general".parse().unwrap();
    let channels = [Channel::Inbox("alice".parse().unwrap()), Channel::Room("chat:general".parse().unwrap())];

    for channel in &channels {
        assert!(signed.open(channel, bytes).is_err(), "nobody who has no key is believed");
        let Ok(body) = open.open(channel, bytes) else { continue };
        assert!(bytes.len() <= open.bytes_max());
        // What was taken is said again the same.
        let sealed = open.seal(channel, &body);
        let again = open.open(channel, sealed.as_bytes()).expect("what a node says is taken");
        assert_eq!(open.seal(channel, &again), sealed);
        let _ = again.into_fact("alice".parse().unwrap());
    }
    assert!(signed.open_numbered(&room, bytes).is_err());
    if let Ok(message) = open.open_numbered(&room, bytes) {
        assert!(message.position.offset > 0 && message.room == room);
        assert!(message.draft.data.as_str().len() <= open.bytes_max());
    }

    if let Ok(text) = std::str::from_utf8(bytes) {
        let names = Names::new("tidings:".to_owned());
        if let Some(channel) = names.parse(text) {
            assert_eq!(names.channel(&channel), text);
        }
        let [inbox, elsewhere] = &channels;
        let Ok(body) = open.open(inbox, format!("1 - {text}").as_bytes()) else { return };
        let mut sealed = signed.seal(inbox, &body).into_bytes();
        assert!(signed.open(inbox, &sealed).is_ok());
        assert_eq!(signed.open(elsewhere, &sealed).unwrap_err(), Rejected::Signature);
        let place = bytes.len() % sealed.len();
        sealed[place] ^= 1;
        assert!(signed.open(inbox, &sealed).is_err(), "byte {place} may be changed");
    }
});
