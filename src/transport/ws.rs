//! ACTOR `WsSession`: a session over WebSocket, `GET /v1/ws` (PROTOCOL.md section 3, RFC 6455).
//!
//! The only file that knows actix-web-actors. The actor turns messages into commands, one after the
//! other; what the client gets comes from the session's outbox through [`WsWriter`].

use std::rc::Rc;

use actix::{Actor, AsyncContext, StreamHandler, WrapFuture};
use actix_http::ws::{Codec, Message, ProtocolError};
use actix_web::{HttpRequest, HttpResponse, error::PayloadError, web};
use actix_web_actors::ws::WebsocketContext;
use bytes::Bytes;
use futures_util::stream::pending;

use super::{
    hand_over::HandOver,
    incoming::Incoming,
    ws_guard::{Guard, MessageLimits},
    ws_handshake::{self, Accepted},
    ws_messages::{Inbound, Messages},
    ws_writer::WsWriter,
};
use crate::{
    domain::{Cursor, RoomName, Transport},
    http::{answers, problem::Problem, socket},
    hub::slots::Receiver,
    protocol::CloseCode,
    session::{OpenSession, Opening, Pending, Session, SessionPolicy, Worker},
};

/// Follow over a WebSocket
///
/// Text frames, one JSON object each, in both directions; section 3 of PROTOCOL.md has the commands and the
/// events. A browser can say who it is by the subprotocols `tidings.v1, bearer.TOKEN`, by a ticket, or by the
/// first message `{"type":"auth","token":"…"}` within 5 seconds. `Origin` has to be this server's own or an
/// allowed one.
#[utoipa::path(
    get, path = "/v1/ws", tag = "Follow", operation_id = "open_websocket",
    security((), ("bearer" = []), ("ticket" = []), ("token" = []), ("cookie" = [])),
    params(
        ("rooms" = Option<String>, Query, description = "Rooms to join behind the `welcome`, with commas between; also `room`.", example = "general,chat:lobby"),
        ("since" = Option<Cursor>, Query, description = "What the client has seen; what it missed follows."),
        ("ping" = Option<String>, Query, description = "`control` asks for control pings only.", pattern = "^control$"),
    ),
    responses(
        answers::Identified,
        answers::Follows,
        answers::Upgrades,
        answers::HasNoPlace,
        answers::Enters,
        (status = 101, description = "The WebSocket is open, and `welcome` comes."),
    )
)]
pub async fn websocket(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    open(request, payload, &COMMANDS).await
}

/// Follow over a WebSocket that begins in a room
///
/// As `/v1/ws`, with the room in the path.
#[utoipa::path(
    get, path = "/v1/ws/{room}", tag = "Follow", operation_id = "open_websocket_in_room",
    security((), ("bearer" = []), ("ticket" = []), ("token" = []), ("cookie" = [])),
    params(
        ("room" = RoomName, Path, description = "The room to join."),
        ("rooms" = Option<String>, Query, description = "More rooms, with commas between; also `room`."),
        ("since" = Option<Cursor>, Query, description = "What the client has seen; what it missed follows."),
        ("ping" = Option<String>, Query, description = "`control` asks for control pings only.", pattern = "^control$"),
    ),
    responses(
        answers::Identified,
        answers::Follows,
        answers::Upgrades,
        answers::HasNoPlace,
        answers::Enters,
        (status = 101, description = "The WebSocket is open, and `welcome` comes."),
    )
)]
pub async fn websocket_in_room(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    open(request, payload, &COMMANDS).await
}

/// What is heard of a client beside control frames, and what becomes of it.
pub(super) struct Conversation {
    pub limits: fn(&SessionPolicy) -> MessageLimits,
    pub hear: fn(&Rc<Session>, Result<Inbound, CloseCode>) -> Option<Pending>,
}

const COMMANDS: Conversation = Conversation {
    limits: |policy| MessageLimits {
        bytes: policy.message_bytes as u64,
        fragments: policy.fragments,
        has_binary: false,
    },
    hear: |session, message| match message {
        Ok(Inbound::Text(text)) => session.command(&text),
        // Control frames are not for it, and the guard lets no binary pass.
        Ok(_) => None,
        Err(code) => {
            session.end(code);
            None
        }
    },
};

/// Upgrades the connection and opens a session on this worker.
pub(super) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    conversation: &'static Conversation,
) -> Result<HttpResponse, Problem> {
    let worker = request.app_data::<Rc<Worker>>().cloned().ok_or_else(Problem::internal)?;
    let Accepted { mut response, identity, following, has_ping_event, place } =
        ws_handshake::accept(&request, &worker).await?;

    let line = socket::line(&request)?;
    let session = Session::open(worker, Transport::WebSocket, following, line, place);
    if let Some(identity) = identity {
        session.admit(identity, Opening::Welcome(None));
    }

    let limits = (conversation.limits)(session.policy());
    let codec = Codec::new().max_size(usize::try_from(limits.bytes).unwrap_or(usize::MAX));
    let session = OpenSession::from(session);
    let serve = move |incoming| {
        let messages = Messages::new(incoming, Guard::new(limits), codec);
        let actor = WsSession { session: Rc::clone(&session), messages: Some(messages), conversation };
        let context = WebsocketContext::create(actor, pending::<Result<Bytes, PayloadError>>());
        WsWriter::new(context, session, has_ping_event)
    };
    Ok(response.streaming(HandOver::new(&request, payload, serve)?))
}

struct WsSession {
    session: Rc<Session>,
    /// Until the actor starts.
    messages: Option<Messages<Incoming>>,
    conversation: &'static Conversation,
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
            Ok(Inbound::Ping(payload)) => {
                self.session.control();
                self.session.outbox().pong(payload);
            }
            Ok(Inbound::Pong) => self.session.control(),
            Ok(Inbound::Close(number)) => self.session.peer_closed(number),
            message => {
                if let Some(pending) = (self.conversation.hear)(&self.session, message) {
                    // The next command is read when this one is answered, so answers keep the order.
                    ctx.wait(pending.into_actor(self));
                }
            }
        }
    }
}

/// The context wants a stream of its own and gets one that never yields: it would read ahead.
impl StreamHandler<Result<Message, ProtocolError>> for WsSession {
    fn handle(&mut self, _: Result<Message, ProtocolError>, _: &mut Self::Context) {}
}
