//! From the body of a publish to a draft: every fault is found and named at once.

use std::{collections::HashSet, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::{
    ToSchema,
    openapi::{
        Ref,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

use super::{
    body,
    faults::{Faults, Wrong, missing, read, wrong},
    problem::Problem,
};
use crate::domain::{
    Draft, Json, NotificationType, UserId,
    notification::{COLLAPSE_KEY_MAX, PAYLOAD_BYTES_MAX, RECIPIENTS_MAX},
    push::{PUSH_BYTES_MAX, PushWish, PushWords, Urgency},
};

/// Longest life of a notification: a century, so that no time overflows.
const EXPIRES_IN_MAX_SECS: u64 = 100 * 365 * 24 * 60 * 60;

/// A notification to publish.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNotification)]
#[expect(dead_code, reason = "the body as the document shows it")]
pub struct DraftBody {
    #[schema(schema_with = one_or_many)]
    to: Vec<UserId>,
    r#type: NotificationType,
    /// At most 16 KiB.
    #[schema(value_type = Object)]
    payload: Json,
    /// Version of the payload's shape, the publisher's own.
    #[schema(required = false, default = 1, minimum = 1, maximum = 2_147_483_647)]
    v: u32,
    /// Collapse key, without control characters.
    #[schema(min_length = 1, max_length = 128, nullable = false)]
    key: Option<String>,
    /// Seconds until it is gone for every device and from every count.
    #[schema(minimum = 1, maximum = 3_153_600_000_u64, nullable = false)]
    expires_in: Option<u64>,
    /// What to show where no page of the user is open, or that nothing is to be shown. At most 4 KiB.
    #[schema(required = false, schema_with = not_or_words)]
    push: PushBody,
}

/// The words of a push; what is left out is taken from `payload` (`title`, `text` or `body`, `url`) and `type`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PushWords)]
pub struct PushBody {
    title: Option<String>,
    body: Option<String>,
    /// Where a click leads.
    url: Option<String>,
    /// `high` goes through quiet hours.
    urgency: Option<Urgency>,
}

/// One user, or a list of them without repetition.
fn one_or_many() -> Schema {
    let user = Ref::from_schema_name(UserId::name());
    let users = ArrayBuilder::new().items(user.clone()).min_items(Some(1)).max_items(Some(RECIPIENTS_MAX));
    OneOfBuilder::new().item(user).item(users.unique_items(true)).build().into()
}

/// `false`, or the words.
fn not_or_words() -> Schema {
    let not = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([false]));
    OneOfBuilder::new().item(not).item(Ref::from_schema_name(PushBody::name())).build().into()
}

/// Reads a draft.
///
/// # Errors
/// 400 if the text is not a JSON object; 422 with all its faults otherwise.
pub fn parse(body: &[u8]) -> Result<Draft, Problem> {
    let mut fields = body::fields(body)?;
    let mut faults = Faults::default();

    let to = match fields.take("to") {
        Some(raw) => recipients(raw, &mut faults),
        None => faults.check("/to", missing()),
    };
    let notification_type =
        faults.check("/type", fields.take("type").map_or_else(missing, notification_type));
    let payload = faults.check("/payload", fields.take("payload").map_or_else(missing, payload));
    let v = faults.check("/v", fields.take("v").map_or(Ok(1), version));
    let key = faults.check("/key", fields.take("key").map(collapse_key).transpose());
    let expires_in = faults.check("/expires_in", fields.take("expires_in").map(expires_in).transpose());
    let push = faults.check("/push", fields.take("push").map_or(Ok(Some(PushWish::default())), push));
    faults.unknown("", fields);

    let draft = || {
        let (to, notification_type, payload) = (to?, notification_type?, payload?);
        let (v, key, expires_in) = (v?, key?, expires_in?);
        Some(Draft { to, notification_type, v, payload, key, expires_in, push: push? })
    };
    faults.finish(draft())
}

/// A user, or a list of them in which each fault has a place of its own.
fn recipients(raw: &RawValue, faults: &mut Faults) -> Option<Vec<UserId>> {
    if !raw.get().starts_with('[') {
        return faults.check("/to", user(raw)).map(|user| vec![user]);
    }
    let names: Vec<&RawValue> = faults.check("/to", read(raw, "to is a user or a list of users"))?;
    if names.is_empty() || names.len() > RECIPIENTS_MAX {
        return faults.check("/to", wrong(format!("to has 1 to {RECIPIENTS_MAX} users")));
    }
    let mut users = Vec::with_capacity(names.len());
    let mut seen = HashSet::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        let once = |user: UserId| {
            if seen.insert(user.clone()) { Ok(user) } else { wrong("this user is named twice") }
        };
        users.extend(faults.check(&format!("/to/{i}"), user(name).and_then(once)));
    }
    (users.len() == names.len()).then_some(users)
}

fn user(raw: &RawValue) -> Result<UserId, Wrong> {
    let name: String = read(raw, "a user is a text")?;
    UserId::try_from(name).or_else(|error| wrong(error.0))
}

fn notification_type(raw: &RawValue) -> Result<NotificationType, Wrong> {
    let text: String = read(raw, "type is a text")?;
    NotificationType::try_from(text).or_else(|error| wrong(error.0))
}

fn payload(raw: &RawValue) -> Result<Json, Wrong> {
    if !raw.get().starts_with('{') {
        return wrong("payload is an object");
    }
    if raw.get().len() > PAYLOAD_BYTES_MAX {
        return wrong(format!("payload is larger than {PAYLOAD_BYTES_MAX} bytes"));
    }
    Ok(raw.into())
}

fn version(raw: &RawValue) -> Result<u32, Wrong> {
    let v: i32 = read(raw, "v is a whole number")?;
    u32::try_from(v).ok().filter(|v| *v >= 1).map_or_else(|| wrong("v is 1 or more"), Ok)
}

fn collapse_key(raw: &RawValue) -> Result<String, Wrong> {
    let key: String = read(raw, "key is a text")?;
    if (1..=COLLAPSE_KEY_MAX).contains(&key.chars().count()) && !key.chars().any(char::is_control) {
        return Ok(key);
    }
    wrong("key is 1 to 128 characters without control characters")
}

fn expires_in(raw: &RawValue) -> Result<Duration, Wrong> {
    let seconds: u64 = read(raw, "expires_in is a whole number of seconds")?;
    if (1..=EXPIRES_IN_MAX_SECS).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    wrong("expires_in is at least one second and at most a century")
}

fn push(raw: &RawValue) -> Result<Option<PushWish>, Wrong> {
    if raw.get() == "false" {
        return Ok(None);
    }
    if raw.get().len() > PUSH_BYTES_MAX {
        return wrong(format!("push is larger than {PUSH_BYTES_MAX} bytes"));
    }
    // A list of the four values in order would be read as the object, too.
    let raw = if raw.get().starts_with('{') { raw } else { RawValue::NULL };
    let PushBody { title, body, url, urgency } =
        read(raw, "push is false or an object of title, body, url, urgency")?;
    let words = PushWords { title, body, url };
    Ok(Some(PushWish { words, urgency: urgency.unwrap_or_default() }))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use proptest::prelude::*;

    use super::*;

    fn pointers(body: &str) -> Vec<String> {
        parse(body.as_bytes()).unwrap_err().faults().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_draft_keeps_its_payload_as_it_was_written() {
        let body = r#"{"to":["alice","bob"],"type":"order.shipped","payload":{"z":1.10,"a":[]},"v":2,"key":"k","expires_in":60,"push":false}"#;
        let draft = parse(body.as_bytes()).unwrap();
        assert_eq!(draft.payload.as_str(), r#"{"z":1.10,"a":[]}"#);
        assert_eq!((draft.to.len(), draft.v, draft.key.as_deref()), (2, 2, Some("k")));
        assert_eq!(draft.expires_in, Some(Duration::from_secs(60)));
        assert_eq!(draft.push, None);
        let one = parse(br#"{"to":"alice","type":"a.b","payload":{}}"#).unwrap();
        assert_eq!((one.to.len(), one.v, one.key), (1, 1, None));
        assert_eq!(one.push, Some(PushWish::default()));
        let words = br#"{"to":"a","type":"a.b","payload":{},"push":{"title":"T","urgency":"very-low"}}"#;
        let wish = parse(words).unwrap().push.unwrap();
        assert_eq!((wish.words.title.as_deref(), wish.urgency), (Some("T"), Urgency::VeryLow));
    }

    #[test]
    fn every_fault_is_named_with_its_pointer() {
        let body = r#"{"to":["alice","b b"],"type":"ping","payload":[],"v":0,"key":"","expires_in":0,"push":{"x":1},"a/b":1}"#;
        assert_eq!(
            pointers(body),
            ["/to/1", "/type", "/payload", "/v", "/key", "/expires_in", "/push", "/a~1b"]
        );
        assert_eq!(pointers("{}"), ["/to", "/type", "/payload"]);
        let to = |to: &str| pointers(&format!(r#"{{"to":{to},"type":"a.b","payload":{{}}}}"#));
        assert_eq!(to(r#"["a","a"]"#), ["/to/1"]);
        assert_eq!(to(r#"["a",5,"b b","c",null]"#), ["/to/1", "/to/2", "/to/4"]);
        for bad in ["5", "null", "{}", "\"\"", "[]"] {
            assert_eq!(to(bad), ["/to"], "{bad}");
        }
        let many = format!(r#"{{"to":[{}],"type":"a.b","payload":{{}}}}"#, vec!["\"a\""; 1001].join(","));
        assert_eq!(pointers(&many), ["/to"]);
        let large = format!(r#"{{"to":"a","type":"a.b","payload":{{"x":"{}"}}}}"#, "x".repeat(16 * 1024));
        assert_eq!(pointers(&large), ["/payload"]);
        let large =
            format!(r#"{{"to":"a","type":"a.b","payload":{{}},"push":{{"body":"{}"}}}}"#, "x".repeat(4096));
        assert_eq!(pointers(&large), ["/push"]);
    }

    #[test]
    fn what_is_not_an_object_is_a_bad_message() {
        let deep =
            format!(r#"{{"to":"a","type":"a.b","payload":{{"x":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
        let bodies =
            [&b"[]"[..], b"5", b"", b"{", b"\xff", br#"{"a":1,"a":2}"#, br#"{"a":1e400}"#, deep.as_bytes()];
        for body in bodies {
            assert_eq!(parse(body).unwrap_err().status_code(), 400);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_draft_or_a_refusal(body: Vec<u8>) {
            if let Err(problem) = parse(&body) {
                prop_assert!(problem.status_code().is_client_error());
            }
        }

        #[test]
        fn any_fields_are_a_draft_or_a_refusal_with_faults(
            to in r#"\[("[ab]"(,"[abc ]")?)?\]|"[a-c@ ]{0,3}"|null|5"#,
            kind in r#""[a-c.\\n]{0,6}"|\[\]"#,
            payload in r#"\{\}|\{"a":[0-9]\}|\[\]|1e9"#,
            extra in r#"|,"v":-?[0-9]{1,12}|,"key":"[a-z]{0,3}"|,"expires_in":[0-9.e]{1,4}|,"push":(false|true|\{\})|,"x":1"#,
        ) {
            let body = format!(r#"{{"to":{to},"type":{kind},"payload":{payload}{extra}}}"#);
            match parse(body.as_bytes()) {
                Ok(draft) => prop_assert!(!draft.to.is_empty() && draft.payload.as_str() == payload),
                Err(problem) if problem.status_code() == 422 => prop_assert!(!problem.faults().is_empty()),
                Err(problem) => prop_assert_eq!(problem.status_code(), 400),
            }
        }
    }
}
