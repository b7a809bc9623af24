//! `/v1/mutes`: what a user does not want to hear of.

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
    faults::{Faults, Wrong, read, wrong},
    problem::Problem,
};
use crate::{
    clock,
    domain::{Invalid, Mute, Timestamp, TypePattern},
    protocol::ErrorCode,
    store::messages::{ListMutes, PutMute, RemoveMute},
};

#[derive(Serialize, ToSchema)]
struct MuteList {
    /// By pattern.
    mutes: Vec<Mute>,
}

/// What to mute besides the pattern.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMute)]
#[expect(dead_code, reason = "the body as the document shows it")]
pub struct MuteBody {
    /// A time to come; left out, or `null`, it is for good.
    until: Option<Timestamp>,
}

/// List the mutes in force
///
/// Those whose time has passed are not there.
#[utoipa::path(
    get, path = "/v1/mutes", tag = "Inbox", operation_id = "list_mutes",
    responses(
        answers::Identified,
        answers::Stored,
        (status = 200, description = "The mutes.", body = MuteList, example = json!({ "mutes": [
            { "pattern": "comment.*", "until": null, "created_at": "2026-11-22T04:33:51.602Z" }
        ] })),
    )
)]
pub async fn list(caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mutes = api.store.ask(ListMutes { user: caller.0.user }).await?;
    Ok(HttpResponse::Ok().json(MuteList { mutes }))
}

/// Mute types of notifications
///
/// A pattern is a type, or the start of one that ends in `*`. What is muted is stored, counted nowhere, and a
/// `skip` in the place of the event; that is judged when it is stored, and stays. No body at all is as good as
/// an empty one. It takes the place of the mute with the same pattern.
#[utoipa::path(
    put, path = "/v1/mutes/{pattern}", tag = "Inbox", operation_id = "put_mute",
    params(("pattern" = TypePattern, Path, description = "What to mute.")),
    // By its name, so that it is no body that has to be there.
    request_body(content = ref("#/components/schemas/NewMute"), content_type = "application/json", example = json!({ "until": "2036-12-24T18:00:00Z" })),
    responses(
        answers::Identified,
        answers::TakesBody,
        answers::MutesTypes,
        answers::Stored,
        (status = 200, description = "The mute.", body = Mute, example = json!({
            "pattern": "comment.*", "until": "2036-12-24T18:00:00.000Z", "created_at": "2026-11-22T04:33:51.602Z"
        })),
    )
)]
pub async fn put(
    request: HttpRequest,
    caller: Caller,
    pattern: Path<String>,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let body = body::json_if_any(&request, payload, &api).await?;
    let pattern = parse_pattern(pattern)?;
    let until = match &body {
        Some(body) => parse_until(body)?,
        None => None,
    };
    let mute = api.store.ask(PutMute { user: caller.0.user, pattern, until }).await?;
    Ok(HttpResponse::Ok().json(mute))
}

/// Take a mute back
///
/// Two devices may do that, so one that is not there is no error. What was muted stays so.
#[utoipa::path(
    delete, path = "/v1/mutes/{pattern}", tag = "Inbox", operation_id = "remove_mute",
    params(("pattern" = TypePattern, Path, description = "The pattern of the mute.")),
    responses(
        answers::Identified,
        answers::NamesPattern,
        answers::Stored,
        (status = 204, description = "There is no such mute now."),
    )
)]
pub async fn remove(caller: Caller, pattern: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let pattern = parse_pattern(pattern)?;
    api.store.ask(RemoveMute { user: caller.0.user, pattern }).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn parse_pattern(pattern: Path<String>) -> Result<TypePattern, Problem> {
    pattern.parse().map_err(|error: Invalid| Problem::new(ErrorCode::Validation, error.0))
}

/// `{"until"?: time | null}`: a time that has not come yet.
fn parse_until(body: &[u8]) -> Result<Option<Timestamp>, Problem> {
    let mut fields = body::fields(body)?;
    let mut faults = Faults::default();
    let until = faults.check("/until", fields.take("until").map_or(Ok(None), until));
    faults.unknown("", fields);
    faults.finish(until)
}

fn until(raw: &RawValue) -> Result<Option<Timestamp>, Wrong> {
    let until = read::<Option<String>>(raw, "until is a time or null")?.map(|text| text.parse()).transpose();
    match until {
        Ok(Some(until)) if until <= clock::now() => wrong("this time has passed"),
        Ok(until) => Ok(until),
        Err(Invalid(expected)) => wrong(expected),
    }
}
