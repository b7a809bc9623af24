//! The counters of many users, for whoever mails or pages them.

use std::collections::HashSet;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::Data,
};
use aws_lc_rs::digest;
use serde::Serialize;
use utoipa::ToSchema;

use super::Administrator;
use crate::{
    domain::{Counters, Invalid, UserId},
    http::{Api, answers, etag::is_known, extract::Arguments, problem::Problem},
    protocol::ErrorCode,
    store::messages::{InboxStand, ReadInboxes},
};

/// Users in one question.
const USERS_MAX: usize = 200;

#[derive(Serialize, ToSchema)]
struct UnreadOfUsers {
    /// In the order in which they were named.
    #[schema(max_items = 200)]
    users: Vec<UnreadOfUser>,
}

#[derive(Serialize, ToSchema)]
struct UnreadOfUser {
    user: UserId,
    counters: Counters,
}

/// The counters of users
///
/// With the `ETag` of the last answer in `If-None-Match` it is 304 until one of them changes. A user who never had a
/// notification has zeros.
#[utoipa::path(
    get, path = "/v1/admin/unread", tag = "Admin", operation_id = "fetch_unread_of_users",
    params(
        ("users" = String, Query, description = "1 to 200 users, with commas between.", min_length = 1, example = "alice,bob"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the last answer."),
    ),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NamesUsers,
        answers::Stored,
        (status = 200, description = "The counters.", body = UnreadOfUsers,
            headers(("ETag" = String, description = "Strong.")),
            example = json!({ "users": [
                { "user": "alice", "counters": { "unread": 3, "unseen": 1, "version": 57, "marks_version": 9 } }
            ] })),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String, description = "Strong."))),
    )
)]
pub async fn unread(request: HttpRequest, _: Administrator, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let arguments = Arguments::read(&request, &["users"])?;
    let users = users(arguments.text("users").unwrap_or_default())?;
    let stands = api.store.ask(ReadInboxes { users }).await?;
    let tag = entity_tag(&stands);
    let is_known = is_known(&request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag.to_string()));
    if is_known {
        return Ok(response.finish());
    }
    let of_user = |stand: InboxStand| UnreadOfUser { user: stand.user, counters: stand.state.counters };
    Ok(response.json(UnreadOfUsers { users: stands.into_iter().map(of_user).collect() }))
}

/// Names with commas between, each once.
///
/// # Errors
/// 422 for what is no such list.
fn users(list: &str) -> Result<Vec<UserId>, Problem> {
    let refuse = |detail: String| Problem::new(ErrorCode::Validation, format!("users: {detail}"));
    let users = list.split(',').map(str::parse).collect::<Result<Vec<UserId>, Invalid>>();
    let users = users.map_err(|error| refuse(error.0))?;
    if users.len() > USERS_MAX {
        return Err(refuse(format!("at most {USERS_MAX} users are named")));
    }
    if users.iter().collect::<HashSet<_>>().len() < users.len() {
        return Err(refuse("a user is named twice".to_owned()));
    }
    Ok(users)
}

/// Another one as soon as one of the users has other counters, or another life of the inbox.
fn entity_tag(stands: &[InboxStand]) -> EntityTag {
    let mut hash = digest::Context::new(&digest::SHA256);
    for InboxStand { user, state, .. } in stands {
        let Counters { version, marks_version, .. } = state.counters;
        hash.update(format!("{user} {} {version} {marks_version}\n", state.head.epoch).as_bytes());
    }
    let tag = hash.finish().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    EntityTag::new_strong(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_named_each_once_and_at_most_two_hundred() {
        assert_eq!(users("alice,bob").unwrap().len(), 2);
        let many = |count: usize| (0..count).map(|i| format!("u{i}")).collect::<Vec<_>>().join(",");
        assert_eq!(users(&many(200)).unwrap().len(), 200);
        for bad in ["", "alice,", "alice,alice", "a b", &many(201)] {
            assert!(users(bad).is_err(), "{bad}");
        }
    }
}
