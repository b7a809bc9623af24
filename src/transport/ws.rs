//! ACTOR `WsSession`: a session over WebSocket, `GET /v1/ws` (PROTOCOL.md section 3, RFC 6455).
//!
//! The only file that knows actix-web-actors. The actor turns messages into commands, one after the
//! other; what the client gets comes from the session's outbox through [`WsBody`].

use std::{cell::Cell, io, rc::Rc};

use actix::{Actor, ActorContext, AsyncContext, StreamHandler, WrapFuture};
use actix_http::ws::{Codec, Item, Message, ProtocolError};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::WebsocketContext;
use bytes::BytesMut;

use super::{
    socket::SocketHandle,
    ws_body::WsBody,
    ws_guard::{Failure, FailureCell, Guard, MessageLimits},
    ws_handshake::{self, Accepted},
};
use crate::{
    http::problem::Problem,
    hub::slots::Receiver,
    protocol::CloseCode,
    session::{Opening, Session, Worker},
};

/// Upgrades the connection and opens a session on this worker.
pub async fn websocket(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let worker = request.app_data::<Rc<Worker>>().cloned().ok_or_else(Problem::internal)?;
    let Accepted { mut response, identity, since, has_ping_event } = ws_handshake::accept(&request, &worker)?;

    let socket = request.conn_data::<Rc<SocketHandle>>().map(Rc::downgrade).unwrap_or_default();
    let kill = Box::new(move || {
        if let Some(socket) = socket.upgrade() {
            socket.kill();
        }
    });
    let session = Session::open(worker, since, kill);
    if let Some(identity) = identity {
        session.admit(identity, Opening::Welcome(None));
    }

    let policy = session.policy();
    let limits = MessageLimits { bytes: policy.message_bytes as u64, fragments: policy.fragments };
    let codec = Codec::new().max_size(policy.message_bytes);
    let failure = FailureCell::default();
    let actor = WsSession { session: session.clone(), fragments: None, failure: failure.clone() };
    let stream = WebsocketContext::with_codec(actor, Guard::new(payload, limits, failure), codec);
    Ok(response.streaming(WsBody::new(stream, session, has_ping_event)))
}

struct WsSession {
    session: Rc<Session>,
    /// The message that comes in parts, as far as it has come.
    fragments: Option<BytesMut>,
    failure: Rc<Cell<Option<Failure>>>,
}

impl Actor for WsSession {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.session.is_admitted() {
            ctx.wait(self.session.clone().opened().into_actor(self));
        }
    }
}

impl WsSession {
    fn text(&mut self, text: &str, ctx: &mut WebsocketContext<Self>) {
        if let Some(pending) = self.session.command(text) {
            // The next command is read when this one is answered, so answers keep the order.
            ctx.wait(pending.into_actor(self));
        }
    }

    fn fragment(&mut self, item: Item, ctx: &mut WebsocketContext<Self>) {
        match item {
            Item::FirstText(part) => self.fragments = Some(BytesMut::from(&part[..])),
            Item::FirstBinary(_) => self.end(CloseCode::Binary),
            Item::Continue(part) => {
                if let Some(message) = &mut self.fragments {
                    message.extend_from_slice(&part);
                }
            }
            Item::Last(part) => {
                let Some(mut message) = self.fragments.take() else { return };
                message.extend_from_slice(&part);
                match std::str::from_utf8(&message) {
                    Ok(text) => self.text(text, ctx),
                    Err(_) => self.end(CloseCode::InvalidUtf8),
                }
            }
        }
    }

    fn failed(&mut self, error: &ProtocolError, ctx: &mut WebsocketContext<Self>) {
        let code = match (self.failure.get(), error) {
            (Some(Failure::Broken), _) => return ctx.stop(),
            (Some(Failure::BadReason), _) => CloseCode::InvalidUtf8,
            (Some(Failure::TooBig), _) | (None, ProtocolError::Overflow) => CloseCode::TooBig,
            // Text that is not UTF-8 comes as this, reserved bits as `InvalidData`.
            (None, ProtocolError::Io(error)) if error.kind() == io::ErrorKind::Other => {
                CloseCode::InvalidUtf8
            }
            _ => CloseCode::ProtocolError,
        };
        if !self.session.end(code) {
            // The codec keeps some of the bytes that it refuses, and refuses them again for ever.
            ctx.wait(std::future::pending().into_actor(self));
        }
    }

    fn end(&self, code: CloseCode) {
        self.session.end(code);
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for WsSession {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        self.session.heard();
        match message {
            Ok(Message::Text(text)) => self.text(&text, ctx),
            Ok(Message::Ping(payload)) => self.session.outbox().pong(payload),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Binary(_)) => self.end(CloseCode::Binary),
            Ok(Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(Message::Close(reason)) => {
                self.session.peer_closed(reason.map(|reason| reason.code.into()));
            }
            Err(error) => self.failed(&error, ctx),
        }
    }

    /// The client has closed its side, with or without a close frame.
    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
