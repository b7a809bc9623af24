//! `GET` and `PUT /v1/preferences`: how a user wants to be told.

use std::str::FromStr;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    Api, answers, body,
    extract::Caller,
    faults::{Faults, Wrong, missing, read, wrong},
    problem::Problem,
};
use crate::{
    domain::{Invalid, Preferences, QuietHours, json::Fields},
    store::messages::{ReadPreferences, SetPreferences},
};

/// How the user wants to be told; what is left out has its default.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPreferences)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct PreferencesBody {
    /// Hours in which nothing is pushed that is not urgent; what comes meanwhile is told at their end, as one.
    quiet: Option<QuietHours>,
    /// Whether anything is pushed at all.
    #[schema(required = false, default = true)]
    push: bool,
}

/// How the user wants to be told
///
/// Whoever never said it has the defaults. They are about Web Push alone: what is live is always told.
#[utoipa::path(
    get, path = "/v1/preferences", tag = "User", operation_id = "fetch_preferences",
    responses(
        answers::Identified,
        answers::Stored,
        (status = 200, description = "The preferences.", body = Preferences,
            example = json!({ "quiet": null, "push": true })),
    )
)]
pub async fn fetch(caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let preferences = api.store.ask(ReadPreferences { user: caller.0.user }).await?;
    Ok(HttpResponse::Ok().json(preferences))
}

/// Say how the user wants to be told
///
/// Replaces all of it: a field that is left out gets its default. Quiet hours go past midnight where `to` is
/// the earlier time.
#[utoipa::path(
    put, path = "/v1/preferences", tag = "User", operation_id = "replace_preferences",
    request_body(content = PreferencesBody, example = json!({
        "quiet": { "zone": "Europe/Berlin", "from": "22:00", "to": "07:00" }, "push": true
    })),
    responses(
        answers::Identified,
        answers::TakesBody,
        answers::Stored,
        (status = 200, description = "What is stored now.", body = Preferences, example = json!({
            "quiet": { "zone": "Europe/Berlin", "from": "22:00", "to": "07:00" }, "push": true
        })),
    )
)]
pub async fn replace(
    request: HttpRequest,
    caller: Caller,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let body = body::json(&request, payload, &api).await?;
    let preferences = parse(&body)?;
    let message = SetPreferences { user: caller.0.user, preferences: preferences.clone() };
    api.store.ask(message).await?;
    Ok(HttpResponse::Ok().json(preferences))
}

/// Reads preferences; a field that is left out has its default.
///
/// # Errors
/// 400 if the text is not a JSON object; 422 with all its faults otherwise.
fn parse(body: &[u8]) -> Result<Preferences, Problem> {
    let default = Preferences::default();
    let mut fields = body::fields(body)?;
    let mut faults = Faults::default();
    let quiet = match fields.take("quiet") {
        Some(raw) if raw.get() != "null" => quiet(raw, &mut faults).map(Some),
        _ => Some(default.quiet),
    };
    let push = fields.take("push").map_or(Ok(default.push), |raw| read(raw, "push is true or false"));
    let push = faults.check("/push", push);
    faults.unknown("", fields);
    faults.finish(quiet.zip(push).map(|(quiet, push)| Preferences { quiet, push }))
}

fn quiet(raw: &RawValue, faults: &mut Faults) -> Option<QuietHours> {
    let Ok(mut fields) = Fields::parse(raw.get()) else {
        return faults.check("/quiet", wrong("quiet is null or an object of zone, from, to"));
    };
    let zone = faults.check("/quiet/zone", text(fields.take("zone")));
    let from = faults.check("/quiet/from", text(fields.take("from")));
    let to = faults.check("/quiet/to", text(fields.take("to")));
    faults.unknown("/quiet", fields);
    let quiet = QuietHours::new(zone?, from?, to?);
    faults.check("/quiet/to", quiet.or_else(|error| wrong(error.0)))
}

fn text<T: FromStr<Err = Invalid>>(raw: Option<&RawValue>) -> Result<T, Wrong> {
    let Some(raw) = raw else { return missing() };
    let text: String = read(raw, "this is a text")?;
    text.parse().or_else(|error: Invalid| wrong(error.0))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use proptest::prelude::*;

    use super::*;

    fn pointers(body: &str) -> Vec<String> {
        parse(body.as_bytes()).unwrap_err().faults().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let read = |body: &str| serde_json::to_string(&parse(body.as_bytes()).unwrap()).unwrap();
        assert_eq!(read("{}"), r#"{"quiet":null,"push":true}"#);
        assert_eq!(read(r#"{"quiet":null,"push":false}"#), r#"{"quiet":null,"push":false}"#);
        let night = r#"{"quiet":{"zone":"Europe/Berlin","from":"22:00","to":"07:30"},"push":true}"#;
        assert_eq!(read(night), night);
    }

    #[test]
    fn every_fault_of_preferences_is_named_with_its_pointer() {
        assert_eq!(pointers(r#"{"push":null,"a/b":1}"#), ["/push", "/a~1b"]);
        let body = r#"{"quiet":{"zone":"Nowhere","from":"7:00","x~":1},"push":1}"#;
        assert_eq!(pointers(body), ["/quiet/zone", "/quiet/from", "/quiet/to", "/quiet/x~0", "/push"]);
        for quiet in ["5", "[]", "false", r#""22:00""#] {
            assert_eq!(pointers(&format!(r#"{{"quiet":{quiet}}}"#)), ["/quiet"], "{quiet}");
        }
        assert_eq!(pointers(r#"{"quiet":{"zone":"UTC","from":"07:00","to":"07:00"}}"#), ["/quiet/to"]);
        assert_eq!(parse(b"[]").unwrap_err().status_code(), 400);
    }

    proptest! {
        #[test]
        fn any_fields_are_preferences_or_a_refusal_with_faults(
            quiet in r#"null|5|\{("zone":("UTC"|"x"),?)?("from":"[0-2][0-9]:00",?)?("to":"09:00")?\}"#,
            push in "true|false|null|1",
        ) {
            match parse(format!(r#"{{"quiet":{quiet},"push":{push}}}"#).as_bytes()) {
                Ok(preferences) => prop_assert!(preferences.quiet.is_none_or(|quiet| quiet.from != quiet.to)),
                Err(problem) if problem.status_code() == 422 => prop_assert!(!problem.faults().is_empty()),
                Err(problem) => prop_assert_eq!(problem.status_code(), 400),
            }
        }
    }
}
