//! Taking back what was let in: the tokens of a user, one token, one session.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Administrator, nodes::live_sessions};
use crate::{
    domain::{Invalid, Revoked, SessionId, Timestamp, UserId},
    http::{
        Api, answers, body,
        extract::Arguments,
        faults::{Faults, Wrong, missing, read, wrong},
        problem::Problem,
    },
    hub::messages::SessionFilter,
};

/// What to revoke: one of the two, or both.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRevocation, min_properties = 1)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct RevocationBody {
    /// All tokens of this user that were issued up to now.
    #[schema(nullable = false)]
    user: Option<UserId>,
    /// The one token that has this `jti`.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    jti: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Revocation)]
struct Revocation {
    /// Tokens of the user with an `iat` up to then are good no more.
    revoked_at: Timestamp,
}

/// Revoke tokens
///
/// Of a user, all whose `iat` is not after now, and those without `iat` or with one that lies ahead by more than
/// `auth.leeway`; or the one with this `jti`. Their sessions end with 4503 on every instance, and whoever comes with
/// one is answered 401. Most tokens say in whole seconds when they were issued: one for the same user that is to be
/// good is issued a second later.
#[utoipa::path(
    post, path = "/v1/admin/revocations", tag = "Admin", operation_id = "revoke_tokens",
    request_body(content = RevocationBody, example = json!({ "user": "alice" })),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::TakesBody,
        answers::Stored,
        (status = 200, description = "They are revoked.", body = Revocation,
            example = json!({ "revoked_at": "2026-11-22T04:33:51.602Z" })),
    )
)]
pub async fn revoke(
    request: HttpRequest,
    Administrator(by): Administrator,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let revoked = parse(&body::json(&request, payload, &api).await?)?;
    for (kind, value) in revoked.iter().map(Revoked::words) {
        log::info!(kind, value, by = by.as_str(); "an administrator revokes");
    }
    let revoked_at = api.revoker.revoke(revoked).await?;
    Ok(HttpResponse::Ok().json(Revocation { revoked_at }))
}

/// End a session
///
/// It ends with 4503, wherever it is. Its token stays good, so the client may come back with it: to keep it out,
/// revoke that. 404 where every instance has answered that it is not there.
#[utoipa::path(
    delete, path = "/v1/admin/sessions/{id}", tag = "Admin", operation_id = "end_session",
    params(("id" = SessionId, Path, description = "The session, as its `welcome` calls it.")),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NamesNone,
        answers::Stored,
        (status = 204, description = "It is ending."),
    )
)]
pub async fn end_session(
    request: HttpRequest,
    Administrator(by): Administrator,
    id: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    // What cannot be a session is none.
    let id: SessionId = id.parse().map_err(|_| Problem::not_found())?;
    let filter = SessionFilter { id: Some(id.clone()), ..SessionFilter::default() };
    let (sessions, asked) = live_sessions(&api, filter, 1).await?;
    if sessions.is_empty() && asked.complete {
        return Err(Problem::not_found());
    }
    log::info!(session = id.as_str(), by = by.as_str(); "an administrator ends a session");
    // Where somebody has not answered, it is ended wherever it may be.
    api.revoker.revoke(vec![Revoked::Session(id)]).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Reads what is to be revoked.
///
/// # Errors
/// 400 if the text is not a JSON object; 422 with all its faults otherwise.
fn parse(body: &[u8]) -> Result<Vec<Revoked>, Problem> {
    let mut fields = body::fields(body)?;
    let mut faults = Faults::default();
    let user = fields.take("user").map(|raw| faults.check("/user", named("user", raw)));
    let jti = fields.take("jti").map(|raw| faults.check("/jti", named("jti", raw)));
    if user.is_none() && jti.is_none() {
        faults.check::<()>("/user", missing());
    }
    faults.unknown("", fields);
    faults.finish(Some([user, jti].into_iter().flatten().flatten().collect()))
}

fn named(kind: &str, raw: &RawValue) -> Result<Revoked, Wrong> {
    let value: String = read(raw, "this is a text")?;
    Revoked::from_words(kind, &value).or_else(|Invalid(expected)| wrong(expected))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;

    use super::*;

    fn pointers(body: &str) -> Vec<String> {
        parse(body.as_bytes()).unwrap_err().faults().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_user_or_a_token_or_both_are_revoked() {
        let words = |body: &str| -> Vec<String> {
            parse(body.as_bytes()).unwrap().iter().map(|one| format!("{:?}", one.words())).collect()
        };
        assert_eq!(words(r#"{"user":"alice"}"#), [r#"("user", "alice")"#]);
        assert_eq!(words(r#"{"jti":"a","user":"bob"}"#), [r#"("user", "bob")"#, r#"("jti", "a")"#]);
    }

    #[test]
    fn every_fault_of_a_revocation_is_named_with_its_pointer() {
        assert_eq!(pointers("{}"), ["/user"]);
        assert_eq!(pointers(r#"{"user":"a b","jti":1,"session":"x"}"#), ["/user", "/jti", "/session"]);
        assert_eq!(pointers(r#"{"user":null}"#), ["/user"]);
        assert_eq!(parse(b"[]").unwrap_err().status_code(), 400);
    }
}
