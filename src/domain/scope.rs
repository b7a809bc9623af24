//! What a token allows (PROTOCOL.md section 2).

use super::{NotificationType, RoomName, pattern::Pattern};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Join(Pattern),
    Publish(Pattern),
    Notify(Pattern),
    Admin,
}

impl Scope {
    fn parse(word: &str) -> Option<Self> {
        match word.split_once(':') {
            Some(("join", pattern)) => Pattern::parse(pattern).map(Self::Join),
            Some(("publish", pattern)) => Pattern::parse(pattern).map(Self::Publish),
            Some(("notify", pattern)) => Pattern::parse(pattern).map(Self::Notify),
            None if word == "notify" => Pattern::parse("*").map(Self::Notify),
            None if word == "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// The scopes of one token. Words that are not ours are left out: a token may serve others too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    scopes: Vec<Scope>,
    words: Vec<String>,
}

impl Scopes {
    /// Reads the `scope` claim: words with spaces between.
    pub fn parse(claim: &str) -> Self {
        let mut scopes = Self::default();
        for word in claim.split(' ') {
            scopes.add(word);
        }
        scopes
    }

    /// Adds what every authenticated user has (`auth.default_scopes`).
    pub fn with(mut self, others: &Self) -> Self {
        for word in &others.words {
            self.add(word);
        }
        self
    }

    fn add(&mut self, word: &str) {
        if let Some(scope) = Scope::parse(word)
            && !self.scopes.contains(&scope)
        {
            self.scopes.push(scope);
            self.words.push(word.to_owned());
        }
    }

    /// The words that grant something, in the order they came.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    pub fn may_join(&self, room: &RoomName) -> bool {
        self.scopes.iter().any(|s| matches!(s, Scope::Join(pattern) if pattern.matches(room.as_str())))
    }

    pub fn may_publish(&self, room: &RoomName) -> bool {
        self.scopes.iter().any(|s| matches!(s, Scope::Publish(pattern) if pattern.matches(room.as_str())))
    }

    /// Whether notifications of this type may be published to any user.
    pub fn may_notify(&self, notification_type: &NotificationType) -> bool {
        self.scopes
            .iter()
            .any(|s| matches!(s, Scope::Notify(pattern) if pattern.matches(notification_type.as_str())))
    }

    /// Whether there is any `notify` scope at all, before the type is known.
    pub fn is_publisher(&self) -> bool {
        self.scopes.iter().any(|s| matches!(s, Scope::Notify(_)))
    }

    pub fn is_admin(&self) -> bool {
        self.scopes.contains(&Scope::Admin)
    }

    /// Whether every scope is a `join` or a `publish`: all that `auth.default_scopes` may hold.
    pub fn is_rooms_only(&self) -> bool {
        self.scopes.iter().all(|s| matches!(s, Scope::Join(_) | Scope::Publish(_)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_is_an_exact_name_or_a_prefix() {
        let scopes = Scopes::parse("join:chat:* publish:chat:general notify:order.* other openid");
        let room = |name: &str| name.parse::<RoomName>().unwrap();
        let kind = |name: &str| name.parse::<NotificationType>().unwrap();
        assert!(scopes.may_join(&room("chat:general")) && !scopes.may_join(&room("chat")));
        assert!(scopes.may_publish(&room("chat:general")) && !scopes.may_publish(&room("chat:generals")));
        assert!(scopes.may_notify(&kind("order.shipped")) && !scopes.may_notify(&kind("comment.created")));
        assert!(scopes.is_publisher() && !scopes.is_admin());
        assert!(Scopes::parse("join:a admin").is_admin());
        assert_eq!(scopes.words(), ["join:chat:*", "publish:chat:general", "notify:order.*"]);
    }

    #[test]
    fn a_malformed_scope_grants_nothing() {
        let scopes = Scopes::parse("join: join:a*b publish:** notify: admin:x join notifyx");
        assert_eq!(scopes, Scopes::default());
    }

    #[test]
    fn plain_notify_is_every_type_and_defaults_are_added_once() {
        let scopes = Scopes::parse("notify join:a").with(&Scopes::parse("join:a join:b"));
        assert!(scopes.may_notify(&"any.thing".parse().unwrap()));
        assert_eq!(scopes.words(), ["notify", "join:a", "join:b"]);
        assert!(Scopes::parse("join:a publish:*").is_rooms_only() && !scopes.is_rooms_only());
    }

    proptest! {
        #[test]
        fn no_claim_grants_a_room_that_no_pattern_names(claim in "[a-z:* ]{0,40}", room in "[a-z]{1,4}") {
            let scopes = Scopes::parse(&claim);
            let named = claim.split(' ').filter_map(|w| w.strip_prefix("join:")).any(|p| {
                p == room || (p.ends_with('*') && room.starts_with(p.trim_end_matches('*')))
            });
            if let Ok(room) = room.parse() {
                prop_assert!(named || !scopes.may_join(&room));
            }
        }
    }
}
