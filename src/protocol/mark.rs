//! The `mark` and `ack` of clients, the same over a command and over HTTP (PROTOCOL.md sections 3 and 6).

use super::ErrorCode;
use crate::domain::{
    Ack, Mark, MarkAs, MarkTarget, NotificationId, Position, json::Fields, mark::MARK_IDS_MAX,
};

/// Why a mark or an ack is none: the code of it, the field it is about (if one), and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMark {
    pub code: ErrorCode,
    pub field: Option<&'static str>,
    pub message: &'static str,
}

/// Takes `as` and one of `ids`, `up_to`, `all` out of the fields.
///
/// # Errors
/// [`ErrorCode::BadCursor`] for an `up_to` that is no position, else [`ErrorCode::Validation`].
pub fn parse(fields: &mut Fields<'_>) -> Result<Mark, BadMark> {
    let mark_as = fields.take_as::<MarkAs>("as").ok().flatten();
    let mark_as = mark_as.ok_or_else(|| invalid(Some("as"), "as is one of read, unread, seen, archived"))?;
    let (ids, up_to, all) = (fields.take("ids"), fields.take("up_to"), fields.take("all"));
    let target = match (ids, up_to, all) {
        (Some(ids), None, None) => {
            let ids: Vec<String> = serde_json::from_str(ids.get())
                .map_err(|_| invalid(Some("ids"), "ids is a list of notification ids"))?;
            if ids.len() > MARK_IDS_MAX {
                return Err(invalid(Some("ids"), "ids has more than 500 ids"));
            }
            // What cannot be an id names no notification, as an unknown id does.
            MarkTarget::Ids(ids.into_iter().filter_map(|id| NotificationId::try_from(id).ok()).collect())
        }
        (None, Some(up_to), None) => {
            let up_to = serde_json::from_str(up_to.get()).ok();
            MarkTarget::UpTo(position(up_to)?)
        }
        (None, None, Some(all)) if all.get() == "true" => MarkTarget::All,
        (None, None, Some(_)) => return Err(invalid(Some("all"), "all is true")),
        _ => return Err(invalid(None, "a mark has exactly one of ids, up_to, all")),
    };
    Ok(Mark { mark_as, target })
}

/// Takes `up_to` and `visible` out of the fields.
///
/// # Errors
/// [`ErrorCode::BadCursor`] for an `up_to` that is no position, else [`ErrorCode::Validation`].
pub fn parse_ack(fields: &mut Fields<'_>) -> Result<Ack, BadMark> {
    if !fields.has("up_to") {
        return Err(invalid(Some("up_to"), "up_to is needed"));
    }
    let up_to = position(fields.take_as("up_to").ok().flatten())?;
    let visible = fields.take_as("visible");
    let visible = visible.map_err(|_| invalid(Some("visible"), "visible is true or false"))?;
    Ok(Ack { up_to, is_visible: visible.unwrap_or(false) })
}

fn position(text: Option<String>) -> Result<Position, BadMark> {
    text.and_then(|text| text.parse().ok()).ok_or(BadMark {
        code: ErrorCode::BadCursor,
        field: Some("up_to"),
        message: "up_to is a position such as k3x9q2ab.42",
    })
}

fn invalid(field: Option<&'static str>, message: &'static str) -> BadMark {
    BadMark { code: ErrorCode::Validation, field, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Mark, BadMark> {
        parse(&mut Fields::parse(text).unwrap())
    }

    #[test]
    fn a_mark_names_its_target_in_exactly_one_way() {
        let id = NotificationId::generate();
        let mark = read(&format!(r#"{{"as":"read","ids":["{id}","nonsense"]}}"#)).unwrap();
        assert_eq!(mark, Mark { mark_as: MarkAs::Read, target: MarkTarget::Ids(vec![id]) });
        let up_to = MarkTarget::UpTo("k3x9q2ab.4".parse().unwrap());
        assert_eq!(read(r#"{"as":"seen","up_to":"k3x9q2ab.4"}"#).unwrap().target, up_to);
        assert_eq!(read(r#"{"as":"unread","all":true}"#).unwrap().target, MarkTarget::All);
    }

    #[test]
    fn an_ack_is_a_position_and_perhaps_whether_the_page_is_in_front() {
        let read = |text: &str| parse_ack(&mut Fields::parse(text).unwrap()).map_err(|bad| bad.code);
        let up_to: Position = "k3x9q2ab.4".parse().unwrap();
        let ack = |is_visible| Ok(Ack { up_to, is_visible });
        assert_eq!(read(r#"{"up_to":"k3x9q2ab.4"}"#), ack(false));
        assert_eq!(read(r#"{"up_to":"k3x9q2ab.4","visible":false}"#), ack(false));
        assert_eq!(read(r#"{"up_to":"k3x9q2ab.4","visible":true}"#), ack(true));
        assert_eq!(read("{}"), Err(ErrorCode::Validation));
        for bad in [r#"{"up_to":4}"#, r#"{"up_to":"abc"}"#, r#"{"up_to":null}"#] {
            assert_eq!(read(bad), Err(ErrorCode::BadCursor), "{bad}");
        }
        assert_eq!(read(r#"{"up_to":"k3x9q2ab.4","visible":1}"#), Err(ErrorCode::Validation));
    }

    #[test]
    fn what_is_no_mark_says_why() {
        let many = format!(r#"{{"as":"read","ids":[{}]}}"#, vec!["\"x\""; 501].join(","));
        for (text, code) in [
            (r#"{"as":"read"}"#, ErrorCode::Validation),
            (r#"{"as":"read","ids":[],"all":true}"#, ErrorCode::Validation),
            (r#"{"as":"read","all":false}"#, ErrorCode::Validation),
            (r#"{"as":"deleted","all":true}"#, ErrorCode::Validation),
            (r#"{"all":true}"#, ErrorCode::Validation),
            (r#"{"as":"read","ids":"x"}"#, ErrorCode::Validation),
            (many.as_str(), ErrorCode::Validation),
            (r#"{"as":"read","up_to":"abc"}"#, ErrorCode::BadCursor),
            (r#"{"as":"read","up_to":4}"#, ErrorCode::BadCursor),
        ] {
            assert_eq!(read(text).unwrap_err().code, code, "{text}");
        }
    }
}
