//! `[http]` and `[auth]`.

use super::{
    Fresh,
    Kind::{Address, Count, Duration, Flag, List, Secret, Size, Text, Words},
    Setting,
};

pub static HTTP: [Setting; 10] = [
    Setting::new(
        "http.listen",
        Address,
        "public listener; port 0 picks one, and the log line `listening` names it; where not set, `PORT` is a port of every address",
    ),
    Setting::new(
        "http.admin_listen",
        Address,
        "where set: a second listener, for administrators; `/metrics` (without a token there) and `/v1/admin` are only there, `/health` and `/ready` on both; port 0 picks one, and the log line `listening for administrators` names it",
    ),
    Setting::new(
        "http.base_path",
        Text,
        "prefix of all routes, of both listeners, such as `/tidings`: beside it there is nothing",
    ),
    Setting::new(
        "http.public_url",
        Text,
        "where people reach it: where a click on a push leads; and for warnings at the start: where it is not https, or missing on an open listener, or https with no `http.trusted_proxies`",
    ),
    Setting::new("http.workers", Count, "HTTP worker threads, at most 512").by_default("number of cores"),
    Setting::new(
        "http.allowed_origins",
        List,
        "exact origins of pages besides the request's own, such as `https://app.example.com`",
    ),
    Setting::new(
        "http.trusted_proxies",
        List,
        "addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; behind a proxy, name it here: else all its clients are one to the limits of a client address",
    ),
    Setting::new("http.body_limit", Size, "largest body of a request"),
    Setting::new("http.body_timeout", Duration, "how long it may take"),
    Setting::new("http.head_timeout", Duration, "how long the head of a request may take"),
];

pub static AUTH: [Setting; 13] = [
    Setting::new(
        "auth.algorithm",
        Words(&["HS256", "RS256", "ES256", "EdDSA"]),
        "how tokens are signed: with a secret (HS256), or with a private key of which the public one is here",
    ),
    Setting::new(
        "auth.secret",
        Secret,
        "HS256 key, at least 32 bytes, required with it; `tidings init` and `tidings keys jwt` make one",
    )
    .made_fresh(Fresh::Secret),
    Setting::new("auth.previous_secret", Secret, "still accepted, for rotation"),
    Setting::new(
        "auth.public_key",
        Text,
        "PEM text with one key or several, for the other algorithms (use `_FILE`)",
    ),
    Setting::new(
        "auth.jwks",
        Text,
        "JWKS text with keys that have names, for the other algorithms (use `_FILE`); `tidings keys jwt` makes one",
    ),
    Setting::new("auth.audience", Text, "required as `aud` of tokens where set"),
    Setting::new("auth.issuer", Text, "required as `iss` of tokens where set"),
    Setting::new("auth.leeway", Duration, "for clocks that differ, at most `5s`"),
    Setting::new("auth.expiry_grace", Duration, "how long a connection outlives its token"),
    Setting::new("auth.query_token", Flag, "whether `?token=` counts"),
    Setting::new("auth.cookie", Text, "name of the cookie that may carry a token"),
    Setting::new("auth.first_message_timeout", Duration, "how long a WebSocket without credential may take"),
    Setting::new(
        "auth.default_scopes",
        List,
        "`join:` and `publish:` scopes that every user has, such as `join:*`",
    ),
];
