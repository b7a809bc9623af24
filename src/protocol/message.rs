//! What is published to a room, the same over a command and over HTTP (PROTOCOL.md sections 3 and 6).

use std::str::FromStr;

use crate::domain::{Invalid, Json, MessageDraft, json::Fields};

/// Why it is no message: which field, and what is expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMessage {
    pub field: &'static str,
    pub message: String,
}

/// Takes `data`, `event` and `nonce` out of the fields. The size of `data` is judged by who asks.
///
/// # Errors
/// Each of the fields that is not what it should be; there is at least one.
pub fn parse(fields: &mut Fields<'_>) -> Result<MessageDraft, Vec<BadMessage>> {
    let (data, event, nonce) = (data(fields), word(fields, "event"), word(fields, "nonce"));
    match (data, event, nonce) {
        (Ok(data), Ok(event), Ok(nonce)) => Ok(MessageDraft { data, event, nonce }),
        (data, event, nonce) => Err([data.err(), event.err(), nonce.err()].into_iter().flatten().collect()),
    }
}

fn data(fields: &mut Fields<'_>) -> Result<Json, BadMessage> {
    let missing = || BadMessage { field: "data", message: "data is missing".to_owned() };
    fields.take("data").map(Json::from).ok_or_else(missing)
}

fn word<T: FromStr<Err = Invalid>>(
    fields: &mut Fields<'_>,
    field: &'static str,
) -> Result<Option<T>, BadMessage> {
    let text = fields
        .take_as::<String>(field)
        .map_err(|_| BadMessage { field, message: format!("{field} is a text") })?;
    text.map(|text| text.parse()).transpose().map_err(|error: Invalid| BadMessage { field, message: error.0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<MessageDraft, Vec<BadMessage>> {
        parse(&mut Fields::parse(text).unwrap())
    }

    #[test]
    fn a_message_keeps_its_data_as_it_was_written() {
        let draft =
            read(r#"{"data":{"z":1.10,"a":[]},"event":"update","nonce":"n 1","from":"bob"}"#).unwrap();
        assert_eq!(draft.data.as_str(), r#"{"z":1.10,"a":[]}"#);
        assert_eq!(draft.event.unwrap().as_str(), "update");
        assert_eq!(draft.nonce.unwrap().as_str(), "n 1");
        for data in ["null", "5", "\"x\"", "[]", "false"] {
            let draft = read(&format!(r#"{{"data":{data}}}"#)).unwrap();
            assert_eq!((draft.data.as_str(), draft.event, draft.nonce), (data, None, None));
        }
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let fields = |text: &str| read(text).unwrap_err().iter().map(|bad| bad.field).collect::<Vec<_>>();
        assert_eq!(fields("{}"), ["data"]);
        assert_eq!(fields(r#"{"event":"message","nonce":""}"#), ["data", "event", "nonce"]);
        let long = "x".repeat(65);
        for event in ["Update", "a.b", "", "ping", "error", "open", &long] {
            assert_eq!(fields(&format!(r#"{{"data":1,"event":"{event}"}}"#)), ["event"], "{event}");
        }
        for nonce in ["", "a\\n", &long] {
            assert_eq!(fields(&format!(r#"{{"data":1,"nonce":"{nonce}"}}"#)), ["nonce"], "{nonce}");
        }
        assert_eq!(fields(r#"{"data":1,"event":5,"nonce":null}"#), ["event", "nonce"]);
    }

    proptest! {
        #[test]
        fn any_fields_are_a_message_or_name_what_is_wrong(
            data in r#"|"data":(1|null|"[a-z]{0,3}"|\{\}),"#,
            event in r#""[a-zA-Z_.]{0,6}"|null|1"#,
            nonce in r#""[a-z \u{e9}]{0,3}"|\[\]"#,
        ) {
            if let Err(faults) = read(&format!(r#"{{{data}"event":{event},"nonce":{nonce}}}"#)) {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}
