//! ACTOR `WsSession`: a session over WebSocket, `GET /v1/ws` (PROTOCOL.md section 3, RFC 6455).
//!
//! The only file that knows actix-web-actors. The actor turns messages into commands, one after the
//! other; what the client gets comes from the session's outbox through [`WsBody`].

use std::rc::Rc;

use actix::{Actor, AsyncContext, StreamHandler, WrapFuture};
use actix_http::ws::{Codec, Message, ProtocolError};
use actix_web::{HttpRequest, HttpResponse, error::PayloadError, web};
use actix_web_actors::ws::WebsocketContext;
use bytes::Bytes;
use futures_util::stream::pending;

use super::{
    socket,
    ws_body::WsBody,
    ws_guard::{Guard, MessageLimits},
    ws_handshake::{self, Accepted},
    ws_messages::{Inbound, Messages},
};
use crate::{
    domain::Transport,
    http::problem::Problem,
    hub::slots::Receiver,
    protocol::CloseCode,
    session::{Opening, Session, Worker},
};

/// Upgrades the connection and opens a session on this worker.
pub async fn websocket(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let worker = request.app_data::<Rc<Worker>>().cloned().ok_or_else(Problem::internal)?;
    let Accepted { mut response, identity, following, has_ping_event } =
        ws_handshake::accept(&request, &worker)?;

    let session = Session::open(worker, Transport::WebSocket, following, socket::kill(&request)?);
    if let Some(identity) = identity {
        session.admit(identity, Opening::Welcome(None));
    }

    let policy = session.policy();
    let limits = MessageLimits { bytes: policy.message_bytes as u64, fragments: policy.fragments };
    let codec = Codec::new().max_size(policy.message_bytes);
    let messages = Messages::new(payload, Guard::new(limits), codec);
    let actor = WsSession { session: session.clone(), messages: Some(messages) };
    let context = WebsocketContext::create(actor, pending::<Result<Bytes, PayloadError>>());
    Ok(response.streaming(WsBody::new(context, session, has_ping_event)))
}

struct WsSession {
    session: Rc<Session>,
    /// Until the actor starts.
    messages: Option<Messages<web::Payload>>,
}

impl Actor for WsSession {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(messages) = self.messages.take() {
            ctx.add_stream(messages);
        }
        if self.session.is_admitted() {
            ctx.wait(self.session.clone().opened().into_actor(self));
        }
    }
}

/// The actor ends with this stream: when the client has closed its side, with or without a close frame.
impl StreamHandler<Result<Inbound, CloseCode>> for WsSession {
    fn handle(&mut self, message: Result<Inbound, CloseCode>, ctx: &mut Self::Context) {
        self.session.heard();
        match message {
            Ok(Inbound::Text(text)) => {
                if let Some(pending) = self.session.command(&text) {
                    // The next command is read when this one is answered, so answers keep the order.
                    ctx.wait(pending.into_actor(self));
                }
            }
            Ok(Inbound::Ping(payload)) => {
                self.session.control();
                self.session.outbox().pong(payload);
            }
            Ok(Inbound::Pong) => self.session.control(),
            Ok(Inbound::Close(number)) => self.session.peer_closed(number),
            Err(code) => {
                self.session.end(code);
            }
        }
    }
}

/// The context wants a stream of its own and gets one that never yields: it would read ahead.
impl StreamHandler<Result<Message, ProtocolError>> for WsSession {
    fn handle(&mut self, _: Result<Message, ProtocolError>, _: &mut Self::Context) {}
}
