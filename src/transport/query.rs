//! What a client asks of a transport in its query: what to follow, and where it stands.

use std::collections::{HashMap, HashSet};

use actix_web::{HttpRequest, http::header::HeaderName, web};
use percent_encoding::percent_decode_str;

use crate::{
    domain::{Cursor, Identity, Invalid, RoomName},
    http::problem::Problem,
    protocol::ErrorCode,
    session::Following,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The query of a transport. Names that it does not know are passed over, as in commands.
pub struct Query {
    pub following: Following,
    others: HashMap<String, String>,
}

impl Query {
    /// Reads `rooms=a,b`, `room=a`, the room of the path and `since`, before which `Last-Event-ID` goes; the rest
    /// is for the transport.
    ///
    /// # Errors
    /// 422 for what is no room, 400 for what is no cursor.
    pub fn read(request: &HttpRequest) -> Result<Self, Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| Problem::new(ErrorCode::BadMessage, "the query cannot be read"))?;
        let (mut following, mut others) = (Following::default(), HashMap::new());
        let last_event_id = request.headers().get(LAST_EVENT_ID);
        if let Some(id) = last_event_id {
            following.since = cursor(id.to_str().unwrap_or_default())?;
        }
        let mut names = Vec::new();
        for (name, value) in pairs.into_inner() {
            match name.as_str() {
                "since" if last_event_id.is_some() => {}
                "since" => following.since = cursor(&value)?,
                "room" | "rooms" => names.extend(value.split(',').map(str::to_owned)),
                _ => {
                    others.insert(name, value);
                }
            }
        }
        names.extend(path_room(request));
        let mut known = HashSet::new();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let room: RoomName =
                name.parse().map_err(|error: Invalid| Problem::new(ErrorCode::BadRoom, error.0))?;
            if known.insert(room.clone()) {
                following.rooms.push(room);
            }
        }
        Ok(Self { following, others })
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.others.get(name).map(String::as_str)
    }

    /// Reads a whole number, if there is one.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let number = self.text(name).map(str::parse).transpose();
        number.map_err(|_| Problem::new(ErrorCode::BadMessage, format!("{name} is a whole number")))
    }

    /// Bounds the rooms that it names.
    ///
    /// # Errors
    /// 422 for more than `most`.
    pub fn limit_rooms(&self, most: usize) -> Result<(), Problem> {
        if self.following.rooms.len() <= most {
            return Ok(());
        }
        let detail = format!("the query names more than {most} rooms");
        Err(Problem::new(ErrorCode::RoomLimit, detail))
    }

    /// Holds the rooms that it names against what the client may.
    ///
    /// # Errors
    /// 403 if one of them is not allowed.
    pub fn allow_rooms(&self, identity: &Identity) -> Result<(), Problem> {
        if self.following.rooms.iter().all(|room| identity.scopes.may_join(room)) {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::Forbidden, "the token does not allow to join one of the rooms"))
    }
}

/// Reads a cursor.
///
/// # Errors
/// 400 if it is none.
fn cursor(text: &str) -> Result<Cursor, Problem> {
    text.parse().map_err(|error: Invalid| Problem::new(ErrorCode::BadCursor, error.0))
}

/// The room of the path form, `/v1/ws/{room}`.
fn path_room(request: &HttpRequest) -> Option<String> {
    let encoded = request.match_info().get("room")?;
    Some(percent_decode_str(encoded).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_cursor_in_the_query_is_read_and_a_bad_one_refused() {
        let of = |uri: &str| Query::read(&TestRequest::with_uri(uri).to_http_request());
        let query = of("/v1/ws?since=inbox@k3x9q2ab.7&ping=control&x=y").unwrap();
        assert_eq!(query.following.since.to_string(), "inbox@k3x9q2ab.7");
        assert_eq!((query.text("ping"), query.text("since")), (Some("control"), None));
        assert!(of("/v1/ws?since=abc").is_err() && of("/v1/ws?since=").is_err());
    }

    #[test]
    fn rooms_come_in_the_query_or_the_path_each_once() {
        let of = |request: TestRequest| {
            let query = Query::read(&request.to_http_request());
            query.map(|query| query.following.rooms.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let at = |uri: &str| of(TestRequest::with_uri(uri));
        assert_eq!(at("/v1/ws?rooms=a,b&room=c,a").unwrap(), ["a", "b", "c"]);
        assert_eq!(at("/v1/ws?rooms=").unwrap(), [""; 0]);
        assert!(at("/v1/ws?rooms=_a").is_err() && at("/v1/ws?room=a%20b").is_err());
        let path = |room: &'static str| of(TestRequest::with_uri("/v1/ws/x").param("room", room));
        assert_eq!(path("chat%3Ageneral").unwrap(), ["chat:general"]);
        assert!(path("%2e%2e").is_err() && path("%ff").is_err());
    }

    #[test]
    fn as_many_rooms_as_the_limit_and_no_more() {
        let query = Query::read(&TestRequest::with_uri("/v1/sse?rooms=a,b,c").to_http_request()).unwrap();
        assert!(query.limit_rooms(3).is_ok() && query.limit_rooms(2).is_err());
    }
}
