//! `/v1/mutes`: what a user does not want to hear of.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use serde::Serialize;

use super::{
    Api, body,
    extract::Caller,
    problem::{Fault, Problem},
};
use crate::{
    clock,
    domain::{Invalid, Mute, Timestamp, TypePattern},
    store::messages::{ListMutes, PutMute, RemoveMute},
};

pub async fn list(caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct Body {
        mutes: Vec<Mute>,
    }
    let mutes = api.store.ask(ListMutes { user: caller.0.user }).await?;
    Ok(HttpResponse::Ok().json(Body { mutes }))
}

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

/// Two devices may take the same mute back, so one that is not there is no error.
pub async fn remove(caller: Caller, pattern: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let pattern = parse_pattern(pattern)?;
    api.store.ask(RemoveMute { user: caller.0.user, pattern }).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn parse_pattern(pattern: Path<String>) -> Result<TypePattern, Problem> {
    pattern.parse().map_err(|error: Invalid| Problem::validation(vec![Fault::new("", error.0)]))
}

/// `{"until"?: time | null}`: a time that has not come yet.
fn parse_until(body: &[u8]) -> Result<Option<Timestamp>, Problem> {
    let mut fields = body::fields(body)?;
    let mut faults = Vec::new();
    let until = fields
        .take_as::<Option<String>>("until")
        .and_then(|until| until.flatten().map(|text| text.parse::<Timestamp>()).transpose())
        .unwrap_or_else(|error| {
            faults.push(Fault::new("/until", error.0));
            None
        });
    if until.is_some_and(|until| until <= clock::now()) {
        faults.push(Fault::new("/until", "this time has passed"));
    }
    faults.extend(fields.into_rest().map(|name| Fault::unknown(&name)));
    if faults.is_empty() { Ok(until) } else { Err(Problem::validation(faults)) }
}
