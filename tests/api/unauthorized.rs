//! Who is let in over HTTP, and the one answer for whoever is not (B01–B09, T2, T3).

use awc::ClientRequest;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tidings::{documents, http::Listener};

use crate::{
    app::{App, SECRET},
    clients::http::{Answer, Http},
};

/// A public key as anyone may know it.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEv0D8Q4zMjN3G4xYMQty14Icyoyvc
dvfPAm4rY0lNXooa0gUQzn1DVH8DncZaJwSJKpgbpgdeKWEtPhmdoLTKcA==
-----END PUBLIC KEY-----
";

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Alice's claims, with these put over them; `null` takes one away.
fn claims(changes: Value) -> Value {
    let mut claims = json!({"sub": "alice", "exp": now() + 600, "aud": "tidings", "iss": "login"});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn signed(claims: &Value, secret: &str) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// The middle of a good token under another header (base64url), with this signature.
fn under(header: &str, signature: &str) -> String {
    let good = signed(&claims(json!({})), SECRET);
    format!("{header}.{}.{signature}", good.split('.').nth(1).unwrap())
}

fn strict() -> App {
    App::start_with(&[("auth.audience", "tidings"), ("auth.issuer", "login")])
}

/// By the same name, in the same trace.
fn same(http: &Http, path: &str) -> ClientRequest {
    let request = http.request("GET", path).insert_header(("X-Request-Id", "same"));
    request.insert_header(("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
}

async fn me(http: &Http, headers: &[(&str, &str)]) -> Answer {
    let request = same(http, "/v1/me");
    http.send(headers.iter().fold(request, |request, header| request.append_header(*header)), "").await
}

#[actix_web::test]
async fn t2_t3_b02_b04_b05_b06_b07_b08_every_reason_gets_the_same_401_byte_for_byte() {
    let mut app = strict();
    let anonymous = app.anonymous();
    let good = signed(&claims(json!({})), SECRET);
    assert_eq!(me(&anonymous, &[("Authorization", &format!("Bearer {good}"))]).await.status, 200);
    let expected = me(&anonymous, &[]).await;
    expected.problem(401, "invalid_token");
    assert_eq!(expected.header("WWW-Authenticate"), Some(r#"Bearer error="invalid_token""#));

    let (rest, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let mut tokens = vec![
        under("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", ""),
        under("eyJhbGciOiJOb25lIn0", ""),
        under("eyJhbGciOiJuT25FIn0", ""),
        under("eyJhbGciOiJub25lIn0", signature),
        under("bm90IEpTT04", signature),
        format!("{rest}.{flipped}{}", &signature[1..]),
        format!("{rest}."),
        signed(&claims(json!({})), "another secret, of 32 bytes and more too"),
        rest.replace('.', ""),
        format!("{rest}.{signature}.{signature}.{signature}"),
        format!("{rest}. {signature}"),
        format!("{rest}.%{signature}"),
        "x".to_owned(),
        String::new(),
        "x".repeat(9 * 1024),
    ];
    let wrong = [
        json!({"exp": now() - 10}),
        json!({"nbf": now() + 60}),
        json!({"aud": "shop"}),
        json!({"aud": null}),
        json!({"iss": "other"}),
        json!({"iss": null}),
        json!({"exp": "9999999999"}),
        json!({"exp": null}),
        json!({"nbf": "0"}),
        json!({"sub": null}),
        json!({"sub": "a b"}),
        json!({"sub": 5}),
        json!({"sub": "x".repeat(129)}),
        // Signed as it should be, and too long.
        json!({"name": "x".repeat(9 * 1024)}),
    ];
    tokens.extend(wrong.into_iter().map(|changes| signed(&claims(changes), SECRET)));
    let headers = tokens.iter().map(|token| ("Authorization", format!("Bearer {token}")));
    let cookies = tokens[..3].iter().map(|token| ("Cookie", format!("tidings_token={token}")));
    let schemes = ["Basic YTpi", "Bearer", "Bearerx", "Digest x", &good]
        .map(|value| ("Authorization", value.to_owned()));
    for (name, value) in headers.chain(cookies).chain(schemes) {
        // A cookie is looked at only on a page of one's own.
        let answer = me(&anonymous, &[(name, &value), ("Sec-Fetch-Site", "same-origin")]).await;
        assert_eq!((answer.status, &answer.body), (401, &expected.body), "{name}: {value}");
        assert_eq!(answer.header("WWW-Authenticate"), expected.header("WWW-Authenticate"), "{value}");
    }
    for path in ["/v1/notifications", "/v1/notifications/unread", "/v1/notifications/ntf_1"] {
        let answer = anonymous.send(same(&anonymous, path), "").await;
        assert_eq!(answer.body, expected.body, "{path}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b03_a_public_key_is_no_secret() {
    for (algorithm, key) in [("ES256", PUBLIC_KEY), ("RS256", include_str!("../keys/rs256.public.pem"))] {
        let mut app = App::start_with(&[("auth.algorithm", algorithm), ("auth.public_key", key)]);
        for secret in [key, key.trim_end(), SECRET] {
            let token = signed(&claims(json!({})), secret);
            app.http(&token).get("/v1/me").await.problem(401, "invalid_token");
        }
        app.expect_healthy().await;
    }
}

#[actix_web::test]
async fn b01_without_a_token_every_call_that_needs_one_is_401() {
    let mut app = App::start();
    let anonymous = app.anonymous();
    for endpoint in documents::all_endpoints(Listener::Only) {
        let is_open = ["/health", "/ready", "/openapi.json", "/asyncapi.json"].contains(&endpoint.path());
        // A WebSocket may say later who it is (B14).
        for method in endpoint.methods().iter().filter(|_| !is_open && !endpoint.path().starts_with("/v1/ws"))
        {
            let path = endpoint.path().replace(['{', '}'], "");
            let answer = anonymous.send(anonymous.request(method, &path), "").await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
            assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer error="invalid_token""#), "{path}");
        }
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b05_clocks_may_differ_by_five_seconds() {
    let mut app = strict();
    for changes in [json!({"exp": now() - 1}), json!({"nbf": now() + 4})] {
        let token = signed(&claims(changes), SECRET);
        assert_eq!(app.http(&token).get("/v1/me").await.status, 200);
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b09_a_token_travels_in_a_header_or_in_the_query_and_two_different_ones_are_refused() {
    let mut app = App::start();
    let (alice, bob) = (app.token("alice", ""), app.token("bob", ""));
    let anonymous = app.anonymous();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = me(&anonymous, &[("Authorization", &format!("{scheme} {alice}"))]).await;
        assert_eq!(answer.json()["user"], "alice");
    }
    let query = |token: &str| format!("/v1/me?token={token}");
    assert_eq!(anonymous.get(&query(&alice)).await.json()["user"], "alice");
    assert_eq!(app.http(&alice).get(&query(&alice)).await.json()["user"], "alice");
    app.http(&alice).get(&query(&bob)).await.problem(400, "bad_message");
    app.http(&alice).get("/v1/me?ticket=abc").await.problem(400, "bad_message");
    anonymous.get(&format!("/v1/me?token={alice}&token={bob}")).await.problem(400, "bad_message");
    anonymous.get("/v1/me?ticket=abc").await.problem(401, "invalid_token");
    anonymous.get("/v1/me?token=").await.problem(401, "invalid_token");

    let bearer = format!("Bearer {alice}");
    let twice = [("Authorization", bearer.as_str()), ("Authorization", &bearer)];
    me(&anonymous, &twice).await.problem(400, "bad_message");
    let cookie = format!("tidings_token={bob}");
    let beside = [("Authorization", bearer.as_str()), ("Cookie", &cookie)];
    assert_eq!(me(&anonymous, &beside).await.json()["user"], "alice");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_token_in_the_query_can_be_switched_off_and_a_cookie_be_named() {
    let app = App::start_with(&[("auth.query_token", "false"), ("auth.cookie", "session")]);
    let alice = app.token("alice", "");
    app.anonymous().get(&format!("/v1/me?token={alice}")).await.problem(401, "invalid_token");
    let page = ("Sec-Fetch-Site", "same-origin");
    let cookie = format!("a=b; session={alice}");
    assert_eq!(me(&app.anonymous(), &[("Cookie", &cookie), page]).await.json()["user"], "alice");
    let other = format!("tidings_token={alice}");
    me(&app.anonymous(), &[("Cookie", &other), page]).await.problem(401, "invalid_token");
}
