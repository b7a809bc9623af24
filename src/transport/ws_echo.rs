//! `GET /v1/echo`: says back what it hears, for the Autobahn test suite (`make autobahn`).
//!
//! The handshake, the reading of frames, the outbox and the body are those of [`super::ws`]; only the messages are
//! no commands. In no build but those with the feature `autobahn`, which no release can have: nobody has to say here
//! who they are.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    ws::{self, Conversation},
    ws_guard::MessageLimits,
    ws_messages::Inbound,
};
use crate::{http::problem::Problem, protocol::Frame};

#[cfg(not(debug_assertions))]
compile_error!("the feature `autobahn` is for tests, and not for a release");

/// The largest message of the suite has 16 MiB, and comes in 65,536 fragments at most.
const LIMITS: MessageLimits = MessageLimits { bytes: 20 << 20, fragments: usize::MAX, has_binary: true };

const ECHO: Conversation = Conversation {
    limits: |_| LIMITS,
    hear: |session, message| {
        let frame = match message {
            Ok(Inbound::Text(text)) => Frame::echo(true, text.as_bytes()),
            Ok(Inbound::Binary(bytes)) => Frame::echo(false, &bytes),
            Ok(_) => return None,
            Err(code) => {
                // As a session ends, but for the `goodbye` of tidings' own protocol.
                session.outbox().close(None, code.into());
                return None;
            }
        };
        // An answer always finds room; who leaves too many unread is not listened to.
        let _ = session.outbox().push(frame);
        None
    },
};

pub async fn echo(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    ws::open(request, payload, &ECHO).await
}
