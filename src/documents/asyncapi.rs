//! The document of the WebSocket (AsyncAPI 3.0): one channel, an operation for each command and each event.
//!
//! "Receive" and "send" are the server's, as the standard has it. What a handshake takes is read from the document of
//! HTTP, since it is a request as any other.

use serde_json::{Map, Value, json};

use super::{
    messages::{self, Shape, Topic, insert, json, pascal},
    openapi,
};
use crate::{config::BasePath, http::Listener, protocol::CloseCode};

/// What holds for all of it, for who reads the document.
const ABOUT: &str = "\
The WebSocket of tidings: a durable inbox for each user, and rooms.

Text frames, one JSON object each. A `type` with a dot is an application's notification, a `type` without one belongs to \
this protocol. A command with a `ref` is answered by exactly one `ok` or `error` that carries it. Unknown fields are ignored.

**The start.** `welcome`; for each room of the query an `ok` or `error` with `command: \"join\"`; what was missed behind \
`since`, with a `gap` where some of it is lost; then what comes. The positions of one stream rise by one, unless a `skip` or a \
`gap` of that stream stands between.

**The end.** `goodbye` where there is time for it, and a close code (`x-close-codes` of the channel): come back by yourself \
after `reconnect`, with full-jitter back-off from 0.5 s to 20 s or after `retry_after_ms`, and not after `stop`.

`/v1/ws/{room}` is the same and begins in that room. An event stream (`/v1/sse`) and a poll (`/v1/poll`) tell the same events; \
`/openapi.json` has them and all other calls. PROTOCOL.md is the whole contract.";

const CHANNEL: &str = "#/channels/session";
const SCHEMAS: &str = "/components/schemas";

/// The whole document; `base_path` is what stands before every address.
pub fn document(base_path: &BasePath) -> Value {
    let http = serde_json::to_value(openapi::document(Listener::Only, base_path)).unwrap_or_default();
    let mut book = Book::default();
    let error = book.add(messages::error());
    for command in messages::commands() {
        let word = command.says.word.unwrap_or_default();
        let topic = command.says.topic;
        let summary = command.says.summary.clone();
        let asked = book.add(command.says);
        let answers: Vec<Value> =
            command.answer.map(|answer| book.add(answer)).into_iter().chain([error.clone()]).collect();
        let mut operation = operation("receive", topic, &summary, asked);
        insert(&mut operation, "reply", json!({ "channel": { "$ref": CHANNEL }, "messages": answers }));
        book.operations.insert(format!("receive{}", pascal(word)), operation);
    }
    for event in messages::events() {
        let name = format!("send{}", pascal(event.word.unwrap_or("notification")));
        let (topic, summary) = (event.topic, event.summary.clone());
        let told = book.add(event);
        book.operations.insert(name, operation("send", topic, &summary, told));
    }
    let channel = channel(&book, &http);
    let tags = Topic::ALL.map(|(topic, about)| json!({ "name": topic.word(), "description": about }));
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE") },
            "tags": tags,
        },
        "defaultContentType": "application/json",
        "servers": servers(base_path),
        "channels": { "session": channel },
        "operations": book.operations,
        "components": {
            "messages": book.messages,
            "schemas": book.schemas,
            "securitySchemes": security_schemes(),
        },
    });
    complete(&mut document, http.pointer(SCHEMAS));
    document
}

/// What is gathered of all messages.
#[derive(Default)]
struct Book {
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Book {
    /// Takes the message in, and gives the reference by which operations name it.
    fn add(&mut self, shape: Shape) -> Value {
        let reference = json!({ "$ref": format!("{CHANNEL}/messages/{}", shape.id) });
        for (name, schema) in &shape.schemas {
            self.schemas.entry(name.clone()).or_insert_with(|| json(schema));
        }
        let examples: Vec<Value> = shape
            .samples
            .into_iter()
            .map(|(name, payload)| json!({ "name": name, "payload": payload }))
            .collect();
        let mut message = json!({
            "name": shape.word.unwrap_or("notification"),
            "title": shape.id,
            "summary": shape.summary,
            "tags": [{ "name": shape.topic.word() }],
            "payload": shape.payload,
        });
        if !examples.is_empty() {
            insert(&mut message, "examples", examples.into());
        }
        self.messages.insert(shape.id, message);
        reference
    }
}

fn operation(action: &str, topic: Topic, summary: &str, message: Value) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": CHANNEL },
        "summary": summary,
        "tags": [{ "name": topic.word() }],
        "messages": [message],
    })
}

fn channel(book: &Book, http: &Value) -> Value {
    let named = |id: &String| (id.clone(), json!({ "$ref": format!("#/components/messages/{id}") }));
    let all: Map<String, Value> = book.messages.keys().map(named).collect();
    json!({
        "address": "/v1/ws",
        "title": "A session",
        "description": "One connection of a user. A browser says who it is by the subprotocols `tidings.v1, bearer.TOKEN`, by a \
                        ticket, or by the first message (`auth`) within 5 seconds.",
        "messages": all,
        "bindings": { "ws": { "method": "GET", "query": handshake_query(http), "bindingVersion": "0.1.0" } },
        "x-close-codes": close_codes(),
    })
}

/// What the address of a handshake may say, as the document of HTTP has it.
fn handshake_query(http: &Value) -> Value {
    let parameters = http.pointer("/paths/~1v1~1ws/get/parameters").and_then(Value::as_array);
    let property = |parameter: &Value| {
        let [name, place, about] =
            ["name", "in", "description"].map(|field| parameter.get(field).and_then(Value::as_str));
        let property = json!({ "description": about, "allOf": [parameter.get("schema")?] });
        (place == Some("query")).then_some((name?.to_owned(), property))
    };
    let properties: Map<String, Value> = parameters.into_iter().flatten().filter_map(property).collect();
    json!({ "type": "object", "properties": properties })
}

fn close_codes() -> Value {
    let row = |code: &CloseCode| {
        let then = match code {
            CloseCode::Normal => "done",
            code if code.is_reconnect() => "reconnect",
            _ => "stop",
        };
        json!({ "code": code.number(), "reason": code.word(), "description": code.meaning(), "then": then })
    };
    CloseCode::ALL.iter().map(row).collect()
}

fn servers(base_path: &BasePath) -> Value {
    let path = if base_path.as_str().is_empty() { "/" } else { base_path.as_str() };
    let schemes = security_schemes();
    let names = schemes.as_object().into_iter().flatten().map(|(name, _)| name);
    let security: Vec<Value> =
        names.map(|name| json!({ "$ref": format!("#/components/securitySchemes/{name}") })).collect();
    let server = |protocol: &str, host: &str, about: &str| {
        json!({
            "host": "{host}",
            "pathname": path,
            "protocol": protocol,
            "description": about,
            "variables": { "host": { "default": host, "description": "Where the server is." } },
            "security": security,
        })
    };
    json!({
        "local": server("ws", "127.0.0.1:8080", "Where somebody tries it out."),
        "public": server("wss", "tidings.example.com", "Behind a proxy that ends TLS."),
    })
}

fn security_schemes() -> Value {
    let in_query = |name: &str, about: &str| json!({ "type": "httpApiKey", "in": "query", "name": name, "description": about });
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token, where a header can be set." },
        "ticket": in_query("ticket", "From `POST /v1/tickets`: one use, within 30 seconds."),
        "token": in_query("token", "A token in the URI, unless that is switched off."),
        "cookie": {
            "type": "httpApiKey", "in": "cookie", "name": "tidings_token",
            "description": "A token, for pages of this server and of the allowed origins. The name is a setting.",
        },
    })
}

/// Takes what is referred to and not there yet from the document of HTTP.
fn complete(document: &mut Value, known: Option<&Value>) {
    loop {
        let mut named = Vec::new();
        references(document, &mut named);
        let Some(schemas) = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut) else { return };
        let count = schemas.len();
        for name in named {
            if let Some(schema) =
                known.and_then(|known| known.get(&name)).filter(|_| !schemas.contains_key(&name))
            {
                schemas.insert(name, schema.clone());
            }
        }
        if schemas.len() == count {
            return;
        }
    }
}

/// The schemas that are referred to.
fn references(value: &Value, named: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            named.extend(
                reference.and_then(|path| path.strip_prefix("#/components/schemas/")).map(str::to_owned),
            );
            fields.values().for_each(|value| references(value, named));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, named)),
        _ => {}
    }
}
