//! `POST /v1/tickets`: for clients that can say who they are in a URI only (PROTOCOL.md section 2).

use actix_web::{HttpRequest, HttpResponse, web::Data};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, answers,
    extract::{Arguments, Caller},
    problem::Problem,
};
use crate::auth::{gate::Surface, tickets::LIFETIME};

#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
struct TicketBody<'a> {
    #[schema(pattern = "^tkt_[A-Za-z0-9_-]{43}$")]
    ticket: &'a str,
    /// In seconds.
    expires_in: u64,
}

/// Get a ticket
///
/// `?ticket=` in a URI says once who is asking, with all that the token allows, so that no token stands
/// there. It opens one connection or serves one request, within 30 seconds and never beyond the end of its token.
#[utoipa::path(
    post, path = "/v1/tickets", tag = "User", operation_id = "issue_ticket",
    responses(
        answers::Identified,
        answers::GivesTickets,
        (status = 201, description = "A ticket.", body = TicketBody, example = json!({
            "ticket": "tkt_q3Yq0v5l1Gm2sXc8kE7uT4aZbN9dRfHjW6pLxVyOiQ0", "expires_in": 30
        })),
    )
)]
pub async fn issue(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let Caller(identity) = Caller::of(&request, &api, Surface::Tickets).await?;
    let ticket = api.gate.issue_ticket(identity).await?;
    let body = TicketBody { ticket: ticket.text.expose_secret(), expires_in: LIFETIME.as_secs() };
    Ok(HttpResponse::Created().json(body))
}
