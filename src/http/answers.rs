//! The refusals that calls share, as the document of the API shows them. A call names those that it may
//! answer; where two name one status, the later speaks.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        Ref, RefOr, Response,
        content::ContentBuilder,
        header::HeaderBuilder,
        response::ResponseBuilder,
        schema::{ObjectBuilder, Type},
    },
};

use super::problem::ProblemBody;

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $description:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), refusal($status, $description).into())),+])
            }
        }
    )+};
}

answers! {
    /// Of every call that has to know who is asking.
    Identified {
        "400": "The request cannot be read, or carries two different credentials.",
        "401": "There is no valid token or ticket. The same answer for every reason.",
        "403": "The credential is a cookie, and a page of this origin may not use it.",
        "429": "The user asks too often. Try again later.",
        "default": "Every other refusal is a problem, too.",
    }
    NeedsScope {
        "403": "The token lacks the scope (`insufficient_scope`), or the credential is a cookie that a page of this origin may not use.",
    }
    Administrates {
        "403": "The token lacks the scope `admin` (`insufficient_scope`), or the credential is a cookie that a page of this origin may not use.",
    }
    Gathers {
        "400": "`limit` is no whole number from 1, the query has a name that is not known, or one twice; or there are two different credentials.",
        "503": "This instance cannot be asked now. Try again later.",
    }
    /// Of every call that asks other instances, or the hub of this one.
    AsksNodes {
        "503": "This instance cannot be asked now. Try again later.",
    }
    NamesUser {
        "422": "That is no user.",
    }
    NamesNone {
        "404": "There is no such thing.",
    }
    NamesUsers {
        "422": "That is no user, or no list of 1 to 200 users in which each is named once.",
    }
    NamesWhom {
        "422": "`user` is no user, or `room` no room (`bad_room`).",
    }
    /// Of every call that follows streams.
    Follows {
        "400": "The cursor is none (`bad_cursor`), the query cannot be read, or there are two different credentials.",
        "403": "A page of this origin may not do this (`origin_not_allowed`), or the token does not allow one of the rooms (`forbidden`).",
        "422": "A room has no name of a room (`bad_room`), or there are too many (`room_limit`).",
    }
    /// Of every call with a body.
    TakesBody {
        "400": "The body is not a JSON object, or breaks a rule of JSON here: 32 levels, no key twice, numbers within a double.",
        "408": "The body was not there in time.",
        "413": "The body is too large.",
        "415": "The body is of another type, or compressed.",
        "422": "Fields are wrong or unknown; `errors` names each.",
    }
    Stored {
        "503": "The store cannot be reached, has too much to do, or a full disk (`storage_full`). Try again later.",
    }
    NamesNothing {
        "404": "There is nothing here, or it is another user's.",
    }
    ReadsPosition {
        "400": "The position is none, or of another epoch (`bad_cursor`); the query has a name that is not known, or one twice; or there are two different credentials.",
    }
    ReadsType {
        "422": "`type` is no type of a notification.",
    }
    Repeatable {
        "409": "The first request with this `Idempotency-Key` is still waiting.",
        "422": "Fields are wrong or unknown, and `errors` names each (`validation`); or the `Idempotency-Key` was used for another request (`conflict`).",
    }
    NamesPattern {
        "422": "That is no pattern of types.",
    }
    MutesTypes {
        "409": "The user has as many mutes as one may have.",
        "422": "That is no pattern of types, or fields are wrong or unknown, and `errors` names each.",
    }
    /// Of every call that is of no use where nothing is pushed.
    NeedsPush {
        "404": "Web Push is off here.",
    }
    /// Of every call that is of no use where no application is told.
    NeedsWebhooks {
        "404": "Webhooks are off here, or there is no such thing.",
    }
    Subscribes {
        "404": "Web Push is off here.",
        "409": "The user has as many push subscriptions as one may have.",
        "422": "The endpoint is of no push service that is known here (`endpoint_not_allowed`), or fields are wrong or unknown, and `errors` names each (`validation`).",
    }
    NamesRoom {
        "422": "That is no name of a room (`bad_room`).",
    }
    SpeaksToRoom {
        "422": "That is no name of a room (`bad_room`), or fields are wrong or unknown, and `errors` names each (`validation`).",
        "429": "The room takes no more messages now, or the user asks too often. Try again later.",
        "503": "The room takes no message now, or cannot be reached.",
    }
    ReadsRoom {
        "503": "Rooms cannot be reached. Try again later.",
    }
    GivesTickets {
        "429": "The user has as many open tickets as one may have, or asks too often. Try again later.",
        "503": "The store cannot keep it now. Try again later.",
    }
    NotReady {
        "503": "Starting, about to stop (`draining`), without its store (`unavailable`), or with a full disk (`storage_full`).",
    }
    HasNoPlace {
        "503": "The server has as many sessions as it takes, or is about to stop. Try again later.",
    }
    Waits {
        "429": "The user asks too often, or as many requests of the user, or sessions of this client address, wait as may. Try again later.",
    }
    /// Of every call that a client makes to stay.
    Enters {
        "429": "Too many handshakes come from this client address, or it has as many sessions as one may have. Try again later.",
    }
    Publishes {
        "429": "Publishes come faster than is set. Try again later.",
    }
    Upgrades {
        "400": "This is no WebSocket handshake by RFC 6455, the cursor is none (`bad_cursor`), or there are two different credentials.",
        "426": "The client speaks another version of WebSocket than 13.",
    }
    Streams {
        "406": "`Accept` has no `text/event-stream`.",
    }
}

fn refusal(status: &str, description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut refusal = ResponseBuilder::new().description(description);
    for (name, kind) in headers(status) {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        refusal = refusal.header(name, HeaderBuilder::new().schema(Some(schema)).build());
    }
    refusal.content("application/problem+json", content).build()
}

fn headers(status: &str) -> Vec<(&'static str, Type)> {
    match status {
        "401" => vec![("WWW-Authenticate", Type::String)],
        "426" => vec![("Sec-WebSocket-Version", Type::String)],
        // In seconds. Beside it is how the bucket is, where it is one of the user or of the client address.
        "429" => vec![
            ("RateLimit", Type::String),
            ("RateLimit-Policy", Type::String),
            ("Retry-After", Type::Integer),
        ],
        "503" => vec![("Retry-After", Type::Integer)],
        _ => Vec::new(),
    }
}
