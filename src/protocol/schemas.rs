//! What names, positions and times are in the document of the API (JSON Schema, by OpenAPI 3.1).
//!
//! The rules themselves are in the domain, and tests hold these patterns against them.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{Object, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

use super::command::{REF_CHARS_MAX, Ref};
use crate::domain::{
    Cursor, EventName, NodeId, Nonce, NotificationId, NotificationType, Position, PushSubscriptionId,
    RoomName, SessionId, TimeOfDay, Timestamp, TypePattern, UserId, WebhookId, Zone,
};

/// Gives a type that is a text on the wire its schema: name, what it is, an example, and what else it has to be.
macro_rules! text {
    ($type:ty, $name:literal, $description:literal, $example:literal, $rules:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let rules: fn(ObjectBuilder) -> ObjectBuilder = $rules;
                let text = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .examples([$example]);
                Object::from(rules(text)).into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    };
}

text!(UserId, "UserId", "The `sub` of a token.", "alice", |text| {
    text.pattern(Some("^[A-Za-z0-9_.:@=+|-]{1,128}$"))
});
text!(RoomName, "RoomName", "A place that people join.", "chat:general", |text| {
    text.pattern(Some(r"^(?!_|inbox$|\.{1,2}$)[A-Za-z0-9_:.=-]{1,128}$"))
});
text!(
    NotificationType,
    "NotificationType",
    "What kind of notification: words with dots between them, at least one dot.",
    "order.shipped",
    |text| text.min_length(Some(3)).max_length(Some(128)).pattern(Some(r"^[a-z0-9_]+(\.[a-z0-9_]+)+$"))
);
text!(NotificationId, "NotificationId", "`ntf_` and a ULID.", "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", |text| text
    .pattern(Some("^ntf_[0-9A-Z]{26}$")));
text!(SessionId, "SessionId", "`ses_` and a ULID.", "ses_01M80RGBFJAPQ3ZKRMXZC4KYHW", |text| text
    .pattern(Some("^ses_[0-9A-Z]{26}$")));
text!(
    PushSubscriptionId,
    "PushSubscriptionId",
    "`psh_` and a ULID.",
    "psh_01M80RGBFJAPQ3ZKRMXZC4KYHW",
    |text| text.pattern(Some("^psh_[0-9A-Z]{26}$"))
);
text!(WebhookId, "WebhookId", "`msg_` and a ULID.", "msg_01M80RGBFJAPQ3ZKRMXZC4KYHW", |text| text
    .pattern(Some("^msg_[0-9A-Z]{26}$")));
text!(NodeId, "NodeId", "One run of one instance.", "p8z2m4tq", |text| text.pattern(Some("^[a-z0-9]{8}$")));
text!(
    EventName,
    "EventName",
    "What a message is to the listeners of an event stream; no type of this protocol, not `error` or `open`.",
    "update",
    |text| text.pattern(Some("^[a-z0-9_]{1,64}$"))
);
text!(
    Nonce,
    "Nonce",
    "Makes a message repeatable: the same one of the same user is published once.",
    "1",
    |text| text.min_length(Some(1)).max_length(Some(64))
);
text!(
    Position,
    "Position",
    "Where something stands in its stream: `epoch.offset`. Epochs are only equal or not; offsets count from 1 within one.",
    "k3x9q2ab.42",
    |text| text.pattern(Some(r"^[a-z0-9]{8}\.(0|[1-9][0-9]{0,18})$"))
);
text!(
    Cursor,
    "Cursor",
    "What a client has seen of each stream that it follows.",
    "inbox@k3x9q2ab.42,chat:general@e1e1e1e1.17",
    |text| text.max_length(Some(2048))
);
text!(Timestamp, "Timestamp", "RFC 3339, in UTC, with milliseconds.", "2026-11-22T04:33:51.602Z", |text| {
    text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
});
text!(
    TypePattern,
    "TypePattern",
    "A notification type, or the start of one that ends in `*`.",
    "comment.*",
    |text| text
        .max_length(Some(128))
        .pattern(Some(r"^([a-z0-9_]+(\.[a-z0-9_]+)+|([a-z0-9_]+(\.[a-z0-9_]+)*\.?)?\*)$"))
);
text!(TimeOfDay, "TimeOfDay", "A time on the clock.", "22:00", |text| {
    text.pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"))
});
text!(Zone, "Zone", "The name of a time zone (IANA).", "Europe/Berlin", |text| text);

impl PartialSchema for Ref {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(REF_CHARS_MAX));
        let about = "The client's own name for a command, echoed in its answer.";
        RefOr::T(Schema::OneOf(OneOfBuilder::new().item(number).item(text).description(Some(about)).build()))
    }
}

impl ToSchema for Ref {}

/// Gives a number of a query its schema: whole, and from the least on as large as anybody likes. None is too large: it
/// counts as the most there is, or is no number that is known.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $minimum:literal) => {
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some($minimum));
                Object::from(number).into()
            }
        }

        impl ToSchema for $name {}
    };
}

number!(
    /// How many of something a page has.
    PageSize,
    1
);
number!(
    /// How long a request may wait.
    Seconds,
    0
);
number!(
    /// How often something has changed.
    Version,
    0
);

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    /// Whether the schema takes a text, and whether the type does.
    fn judge<T: ToSchema + FromStr>(text: &str) -> (bool, bool) {
        let schema = serde_json::to_value(T::schema()).unwrap();
        (jsonschema::is_valid(&schema, &text.into()), text.parse::<T>().is_ok())
    }

    fn agree<T: ToSchema + FromStr>(text: &str) {
        let (by_schema, by_type) = judge::<T>(text);
        assert_eq!(by_schema, by_type, "{} {text:?}", T::name());
    }

    #[test]
    fn every_example_is_what_it_is_an_example_of() {
        fn check<T: ToSchema + FromStr>() {
            let schema = serde_json::to_value(T::schema()).unwrap();
            assert_eq!(judge::<T>(schema["examples"][0].as_str().unwrap()), (true, true), "{}", T::name());
        }
        check::<UserId>();
        check::<RoomName>();
        check::<NotificationType>();
        check::<NotificationId>();
        check::<PushSubscriptionId>();
        check::<TypePattern>();
        check::<EventName>();
        check::<Nonce>();
        check::<Position>();
        check::<Cursor>();
        check::<TimeOfDay>();
        check::<Zone>();
    }

    proptest! {
        #[test]
        fn a_name_fits_its_pattern_if_it_is_one_and_else_not(
            user in "[a-z@:|+ é.]{0,4}|x{127,129}",
            room in "[a-z_.:=@ ]{0,4}|_?inbox|\\.{1,3}|x{127,129}",
            kind in "[a-z_.A]{0,8}|(a\\.){0,65}b",
            pattern in r"[a-z_.A]{0,6}\*{0,2}|(a\.){0,64}b?\*?",
            id in "(ntf_)?[0-9A-Za]{25,27}",
            position in "[a-z0-9]{7,9}[.,][0-9]{0,20}",
            time in "[0-9]{1,2}:[0-9]{1,2}",
        ) {
            agree::<UserId>(&user);
            agree::<RoomName>(&room);
            agree::<NotificationType>(&kind);
            agree::<TypePattern>(&pattern);
            agree::<NotificationId>(&id);
            agree::<TimeOfDay>(&time);
            // Of the last digit the pattern knows nothing.
            if position.len() < 8 + 1 + 19 {
                agree::<Position>(&position);
            }
        }
    }
}
