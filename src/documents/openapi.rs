//! The document of the HTTP API (OpenAPI 3.1).
//!
//! Made of what stands beside the handlers and on what they answer, once for each listener. Owns only what is
//! said about all calls together, and which of them a listener has.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, RefOr, SecurityRequirement,
        schema::{ObjectBuilder, Schema, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        server::ServerBuilder,
    },
};

use crate::{
    config::BasePath,
    http::{self, Listener},
    transport,
};

use super::all_endpoints;

/// What holds for all calls, for who reads the document.
const ABOUT: &str = "\
A notification server: a durable inbox for each user, and rooms.

**Who is asking.** A JWT as `Authorization: Bearer`, as `token` in the query, as a cookie under the Origin rule, \
or instead of it a `ticket`. Two different ones: 400.

**Refusals** are `application/problem+json` (RFC 9457) with a `code`. Besides those that each call names: 404 for \
a path that is not there, 405 with `Allow` for another method, 414 for a URI over 8 KiB, 421 for a foreign \
`Host` in `dev`, 431 for too large a head. A name in the query that a call with parameters there does not know: 400. An unknown field in \
a body: 422.

**How often.** A user asks at most 50 times a second, 100 at once, unless the server is set otherwise; whoever may publish is not counted. `RateLimit-Policy` \
and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) on the answer to whoever is counted say how it stands, \
`Retry-After` of a 429 when to come again.

**Positions.** Every stream (the inbox, a room) is numbered without holes: `epoch.offset`. A cursor is a position \
for each stream that a client follows; it goes on from there on every transport.

`HEAD` is `GET` without its body, but of the transports. `X-Request-Id` is echoed, or made; `traceparent` is continued, or begun. What `/v1` answers is `Cache-Control: no-store`.

`/asyncapi.json` has the commands and events of `/v1/ws`, and PROTOCOL.md is the whole contract.";

#[derive(OpenApi)]
#[openapi(
    info(description = ABOUT),
    paths(super::openapi, super::asyncapi),
    tags(
        (name = "Publish", description = "From a back-end to inboxes."),
        (name = "Inbox", description = "The user's own notifications."),
        (name = "Follow", description = "Live, and what was missed: three transports, one cursor."),
        (name = "Rooms", description = "Say something in a room, read its history, see who is there."),
        (name = "Push", description = "The browsers of a user that are told where no page is open."),
        (name = "User", description = "Who is asking, and how that user wants to be told."),
        (name = "Admin", description = "For whoever runs the application; all of it needs the scope `admin`."),
        (name = "Server", description = "For whoever runs it."),
    ),
)]
struct Document;

/// The document of one listener; `base_path` is what stands before every address.
pub fn document(listener: Listener, base_path: &BasePath) -> openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(http::Documented::openapi());
    document.merge(transport::Documented::openapi());
    let url = if base_path.as_str().is_empty() { "/" } else { base_path.as_str() };
    document.servers = Some(vec![ServerBuilder::new().url(url).description(Some("This server.")).build()]);
    Credentials.modify(&mut document);
    EventTypes.modify(&mut document);
    OnListener(listener).modify(&mut document);
    document
}

/// Where a credential may travel.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let query = |name: &str, about: &str| {
            SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(name, about)))
        };
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let cookie = ApiKeyValue::with_description(
            "tidings_token",
            "A token, for pages of this server and of the allowed origins. The name is a setting.",
        );
        let schemes = [
            ("bearer", SecurityScheme::Http(bearer)),
            ("ticket", query("ticket", "From `POST /v1/tickets`: one use, within 30 seconds.")),
            ("token", query("token", "A token in the URI, unless that is switched off.")),
            ("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        ];
        let none: [&str; 0] = [];
        document.security =
            Some(schemes.iter().map(|(name, _)| SecurityRequirement::new(*name, none)).collect());
        let components = document.components.get_or_insert_default();
        components.security_schemes.extend(schemes.map(|(name, scheme)| (name.to_owned(), scheme.into())));
    }
}

/// Leaves out what is not answered there; and that the metrics need a token where they need none.
struct OnListener(Listener);

impl Modify for OnListener {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let answered = all_endpoints(self.0);
        let paths = &mut document.paths.paths;
        paths.retain(|path, _| answered.iter().any(|endpoint| endpoint.path() == path));
        let metrics = paths.get_mut("/metrics").filter(|_| self.0 == Listener::Admin);
        if let Some(metrics) = metrics.and_then(|item| item.get.as_mut()) {
            metrics.security = Some(vec![SecurityRequirement::default()]);
            metrics.responses.responses.retain(|status, _| !["401", "403"].contains(&status.as_str()));
        }
    }
}

/// Says of each event what its `type` is: serde writes it, and a derived schema does not know it.
struct EventTypes;

impl Modify for EventTypes {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let schemas = &mut document.components.get_or_insert_default().schemas;
        for (name, word) in [("Message", "message"), ("Skip", "skip"), ("Gap", "gap"), ("Unread", "unread")] {
            if let Some(RefOr::T(Schema::Object(event))) = schemas.get_mut(name) {
                let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])).build();
                event.properties.insert("type".to_owned(), RefOr::T(Schema::Object(word)));
                event.required.push("type".to_owned());
            }
        }
    }
}
