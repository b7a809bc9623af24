//! What the `scope` claim of a token allows. The oracle reads each word by itself, as PROTOCOL.md section 2 has it.
//!
//! Input: the claim, the scopes that everybody has, and a name, one a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings::domain::{NotificationType, RoomName, Scopes};

/// Whether a word of the claim allows this with this name.
fn is_allowed(claim: &str, what: &str, name: &str) -> bool {
    claim.split(' ').any(|word| {
        if word == "notify" && what == "notify" {
            return true;
        }
        let Some((kind, pattern)) = word.split_once(':') else { return false };
        if kind != what || pattern.is_empty() {
            return false;
        }
        match pattern.find('*') {
            None => pattern == name,
            Some(star) => star + 1 == pattern.len() && name.starts_with(&pattern[..star]),
        }
    })
}

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (claim, defaults, name) = (line(), line(), line());
    let both = format!("{claim} {defaults}");
    let (scopes, defaults) = (Scopes::parse(claim), Scopes::parse(defaults));

    for (scopes, words) in [(scopes.clone().with(&defaults), both.as_str()), (scopes.clone(), claim)] {
        if let Ok(room) = name.parse::<RoomName>() {
            assert_eq!(scopes.may_join(&room), is_allowed(words, "join", name));
            assert_eq!(scopes.may_publish(&room), is_allowed(words, "publish", name));
        }
        if let Ok(notification_type) = name.parse::<NotificationType>() {
            assert_eq!(scopes.may_notify(&notification_type), is_allowed(words, "notify", name));
            assert!(scopes.is_publisher() || !scopes.may_notify(&notification_type));
        }
        assert_eq!(scopes.is_admin(), words.split(' ').any(|word| word == "admin"));
        // What a client is told that it may do is what it may do.
        assert_eq!(Scopes::parse(&scopes.words().join(" ")), scopes);
        assert_eq!(scopes.clone().with(&scopes), scopes);
        if scopes.is_rooms_only() {
            assert!(!scopes.is_admin() && !scopes.is_publisher());
        }
    }
});
