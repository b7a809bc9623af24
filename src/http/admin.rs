//! `/v1/admin`: for whoever runs the application. All of it needs the scope `admin`.

pub mod nodes;
pub mod notifications;
pub mod push;
pub mod revocations;
pub mod unread;
pub mod users;
pub mod webhooks;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;

use super::{extract::Caller, problem::Problem};
use crate::{domain::UserId, protocol::ErrorCode};

/// Who administrates: a request without a valid token gets 401, one without the scope 403.
pub struct Administrator(pub UserId);

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move {
            let Caller(identity) = caller.await?;
            if identity.scopes.is_admin() {
                return Ok(Self(identity.user));
            }
            Err(Problem::new(ErrorCode::InsufficientScope, "the token does not allow to administrate"))
        })
    }
}
