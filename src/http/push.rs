//! `/v1/push`: the browsers of a user that are told where no page of it is open.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    Api, answers, body,
    extract::Caller,
    faults::{Faults, Wrong, missing, read, wrong},
    problem::Problem,
};
use crate::{
    domain::{
        PushSubscriptionId, Timestamp,
        json::Fields,
        push::{PushSubscription, PushTarget},
    },
    protocol::ErrorCode,
    push::{PushDesk, Receiver},
    store::messages::{ListSubscriptions, PutSubscription, RemoveSubscription},
};

#[derive(Serialize, ToSchema)]
#[schema(as = PushKey)]
struct KeyBody<'a> {
    /// The public key of the server (VAPID, RFC 8292) in base64url: `applicationServerKey` of the browser's `subscribe`.
    #[schema(pattern = "^[A-Za-z0-9_-]{87}$")]
    key: &'a str,
}

/// A `PushSubscription` of the browser, as its `toJSON` gives it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPushSubscription)]
#[expect(dead_code, reason = "the body as the document shows it")]
pub struct NewSubscriptionBody {
    /// Of a known push service.
    #[schema(max_length = 2048)]
    endpoint: String,
    /// Not used: when it ends, the push service says so.
    #[serde(rename = "expirationTime")]
    expiration_time: Option<f64>,
    keys: KeysBody,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PushKeys)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct KeysBody {
    /// The public key of the browser: a point on P-256, 65 bytes in base64url.
    p256dh: String,
    /// 16 bytes in base64url.
    auth: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PushSubscription)]
struct SubscriptionBody<'a> {
    id: &'a PushSubscriptionId,
    endpoint: &'a str,
    created_at: Timestamp,
    /// From when on nothing is sent there, since its address is not on the internet; until it is registered again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    disabled_at: Option<Timestamp>,
}

impl<'a> From<&'a PushSubscription> for SubscriptionBody<'a> {
    fn from(subscription: &'a PushSubscription) -> Self {
        let PushSubscription { id, target, created_at, disabled_at } = subscription;
        Self { id, endpoint: &target.endpoint, created_at: *created_at, disabled_at: *disabled_at }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = PushSubscriptionList)]
struct SubscriptionList<'a> {
    /// The oldest first.
    subscriptions: Vec<SubscriptionBody<'a>>,
}

/// The key to subscribe with
#[utoipa::path(
    get, path = "/v1/push/key", tag = "Push", operation_id = "fetch_push_key",
    responses(
        answers::Identified,
        answers::NeedsPush,
        (status = 200, description = "The key.", body = KeyBody, example = json!({
            "key": "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
        })),
    )
)]
pub async fn key(_: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(KeyBody { key: &desk(&api)?.public_key }))
}

/// Have a browser told
///
/// What is published for the user reaches it also where no page is open, unless it was seen elsewhere within
/// `push.grace`. The same endpoint again has its keys replaced, and from another user it is taken away: a browser
/// belongs to who uses it now.
#[utoipa::path(
    post, path = "/v1/push/subscriptions", tag = "Push", operation_id = "put_push_subscription",
    request_body(content = NewSubscriptionBody, example = json!({
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk", "expirationTime": null,
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg"
        }
    })),
    responses(
        answers::Identified,
        answers::TakesBody,
        answers::Subscribes,
        answers::Stored,
        (status = 201, description = "It is kept.", body = SubscriptionBody, example = json!({
            "id": "psh_01M80RGBFJAPQ3ZKRMXZC4KYHW", "created_at": "2026-11-22T04:33:51.602Z",
            "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk"
        })),
    )
)]
pub async fn subscribe(
    request: HttpRequest,
    caller: Caller,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let desk = desk(&api)?;
    let body = body::json(&request, payload, &api).await?;
    let target = parse(&body)?;
    let allowed = desk.rule.check(&target.endpoint);
    allowed.map_err(|error| Problem::new(ErrorCode::EndpointNotAllowed, error.0))?;
    let subscription = api.store.ask(PutSubscription { user: caller.0.user, target }).await?;
    Ok(HttpResponse::Created().json(SubscriptionBody::from(&subscription)))
}

/// List the browsers that are told
///
/// One that its push service does not know any more is not there.
#[utoipa::path(
    get, path = "/v1/push/subscriptions", tag = "Push", operation_id = "list_push_subscriptions",
    responses(
        answers::Identified,
        answers::Stored,
        (status = 200, description = "The subscriptions.", body = SubscriptionList, example = json!({
            "subscriptions": [{
                "id": "psh_01M80RGBFJAPQ3ZKRMXZC4KYHW", "created_at": "2026-11-22T04:33:51.602Z",
                "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk"
            }]
        })),
    )
)]
pub async fn list(caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let subscriptions = api.store.ask(ListSubscriptions { user: caller.0.user }).await?;
    let subscriptions = subscriptions.iter().map(SubscriptionBody::from).collect();
    Ok(HttpResponse::Ok().json(SubscriptionList { subscriptions }))
}

/// Have a browser told no more
#[utoipa::path(
    delete, path = "/v1/push/subscriptions/{id}", tag = "Push", operation_id = "remove_push_subscription",
    params(("id" = PushSubscriptionId, Path, description = "The subscription.")),
    responses(
        answers::Identified,
        answers::NamesNothing,
        answers::Stored,
        (status = 204, description = "It is gone."),
    )
)]
pub async fn unsubscribe(caller: Caller, id: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    // What cannot be an id names nothing.
    let id: PushSubscriptionId = id.parse().map_err(|_| Problem::not_found())?;
    api.store.ask(RemoveSubscription { user: caller.0.user, id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is needed to subscribe; where nothing is pushed there is nothing to be had.
fn desk(api: &Api) -> Result<&PushDesk, Problem> {
    let off = || Problem::new(ErrorCode::NotFound, "Web Push is off here (push.enabled)");
    api.push.as_ref().ok_or_else(off)
}

/// Reads what a browser says of itself.
///
/// # Errors
/// 400 if the text is not a JSON object; 422 with all its faults otherwise.
fn parse(body: &[u8]) -> Result<PushTarget, Problem> {
    let mut fields = body::fields(body)?;
    let mut faults = Faults::default();
    let endpoint = faults.check("/endpoint", text(fields.take("endpoint")));
    let expiry =
        fields.take("expirationTime").map(|raw| read::<Option<f64>>(raw, "this is a number or null"));
    faults.check("/expirationTime", expiry.transpose());
    let keys = match fields.take("keys") {
        Some(raw) => keys(raw, &mut faults),
        None => faults.check("/keys", missing()),
    };
    faults.unknown("", fields);
    let target = endpoint.zip(keys);
    faults.finish(target.map(|(endpoint, (p256dh, auth))| PushTarget { endpoint, p256dh, auth }))
}

fn keys(raw: &RawValue, faults: &mut Faults) -> Option<(String, String)> {
    let Ok(mut fields) = Fields::parse(raw.get()) else {
        return faults.check("/keys", wrong("keys is an object of p256dh, auth"));
    };
    let p256dh = faults.check("/keys/p256dh", text(fields.take("p256dh")));
    let auth = faults.check("/keys/auth", text(fields.take("auth")));
    faults.unknown("/keys", fields);
    let (p256dh, auth) = (p256dh?, auth?);
    let receiver = Receiver::parse(&p256dh, &auth).map(drop);
    faults.check("/keys", receiver.or_else(|error| wrong(error.0)))?;
    Some((p256dh, auth))
}

fn text(raw: Option<&RawValue>) -> Result<String, Wrong> {
    raw.map_or_else(missing, |raw| read(raw, "this is a text"))
}
