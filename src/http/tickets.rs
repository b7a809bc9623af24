//! `POST /v1/tickets`: for clients that can say who they are in an address only (PROTOCOL.md section 2).

use actix_web::{HttpRequest, HttpResponse, web::Data};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::{
    Api,
    extract::{Arguments, Caller},
    problem::Problem,
};
use crate::auth::tickets::Ticket;

pub async fn issue(request: HttpRequest, caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let Ticket { text, expires_in } = api.gate.issue_ticket(caller.0)?;
    let body = TicketBody { ticket: text.expose_secret(), expires_in: expires_in.as_secs() };
    Ok(HttpResponse::Created().json(body))
}

#[derive(Serialize)]
struct TicketBody<'a> {
    ticket: &'a str,
    expires_in: u64,
}
