//! What a user does not want to hear of.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{Invalid, NotificationType, Timestamp, ids, pattern::Pattern};

/// Longest pattern, in characters: as long as a type.
const PATTERN_MAX: usize = 128;

/// One notification type, or all that begin alike: `comment.created`, `comment.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePattern(Pattern);

impl TypePattern {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn matches(&self, notification_type: &NotificationType) -> bool {
        self.0.matches(notification_type.as_str())
    }
}

impl FromStr for TypePattern {
    type Err = Invalid;

    /// What no type could ever match is a slip, and refused.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let can_match = match text.strip_suffix('*') {
            Some(prefix) => text.len() <= PATTERN_MAX && ids::begins_type(prefix),
            None => text.parse::<NotificationType>().is_ok(),
        };
        Pattern::parse(text)
            .filter(|_| can_match)
            .map(Self)
            .ok_or_else(|| Invalid::new("a pattern is a type, or the start of one that ends in *"))
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for TypePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One mute of one user. It is judged when a notification is stored, and what it hid stays hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mute {
    pub pattern: TypePattern,
    /// Without one it is for good.
    #[schema(required)]
    pub until: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl Mute {
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> TypePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_is_a_type_or_the_start_of_one() {
        let matches = |text: &str, kind: &str| pattern(text).matches(&kind.parse().unwrap());
        for (text, kind) in [
            ("comment.created", "comment.created"),
            ("comment.*", "comment.created"),
            ("comment*", "comment.created"),
            ("comment*", "comments.all"),
            ("a.b.*", "a.b.c.d"),
            ("*", "order.shipped"),
        ] {
            assert!(matches(text, kind), "{text} {kind}");
        }
        for (text, kind) in
            [("comment.created", "comment.created.again"), ("comment.*", "comments.all"), ("a.b.*", "a.b")]
        {
            assert!(!matches(text, kind), "{text} {kind}");
        }
    }

    #[test]
    fn what_no_type_could_match_is_no_pattern() {
        let longest = format!("{}*", "a".repeat(127));
        assert!(longest.parse::<TypePattern>().is_ok());
        let too_long = format!("a{longest}");
        for bad in [
            "",
            ".",
            "**",
            "*.created",
            "a.*.b",
            "comment",
            ".*",
            "a..*",
            "A.*",
            "a b.*",
            "a/*",
            "ü.*",
            "a.b ",
            "a.b\n",
            "a.b\0*",
            "%",
            "a.%",
            "a.b' OR '1'='1",
            "../*",
            &too_long,
        ] {
            assert!(bad.parse::<TypePattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mute_is_in_force_until_its_time_has_come() {
        let at = Timestamp::from_secs;
        let mute = |until| Mute { pattern: pattern("*"), until, created_at: at(0) };
        assert!(mute(None).is_in_force(at(1_000_000)));
        assert!(mute(Some(at(5))).is_in_force(at(4)) && !mute(Some(at(5))).is_in_force(at(5)));
    }

    proptest! {
        #[test]
        fn a_pattern_without_a_star_means_one_type_and_one_with_it_all_that_begin_so(
            text in "[a-c._]{0,6}[*]?",
            kind in "[a-c_]{1,3}\\.[a-c_]{1,3}",
        ) {
            let kind: NotificationType = kind.parse().unwrap();
            if let Ok(pattern) = text.parse::<TypePattern>() {
                prop_assert_eq!(pattern.to_string(), text.clone());
                let is_meant = match text.strip_suffix('*') {
                    Some(start) => kind.as_str().starts_with(start),
                    None => kind.as_str() == text,
                };
                prop_assert_eq!(pattern.matches(&kind), is_meant);
            }
        }
    }
}
