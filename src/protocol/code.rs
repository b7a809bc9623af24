//! Every code that a client can get, in one table: words of errors, numbers of closes.
//!
//! Used by commands and by HTTP alike, so that one word never means two things (PROTOCOL.md sections 3 and 6).

use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The table of errors: what each means, its name here, its word on the wire.
macro_rules! error_codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $word:literal,)+) => {
        /// Why a command or a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
        #[schema(rename_all = "snake_case")]
        pub enum ErrorCode {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl ErrorCode {
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$name),+];

            /// The word on the wire.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What it tells, for who reads a document.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($meaning),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

error_codes! {
    /// Not a JSON object, or a field is missing or wrong.
    BadMessage = "bad_message",
    /// There is no such command.
    UnknownType = "unknown_type",
    /// Not a name of a room.
    BadRoom = "bad_room",
    /// Not a position, or not one of this inbox.
    BadCursor = "bad_cursor",
    /// The token does not allow it.
    Forbidden = "forbidden",
    /// The session is not in that room.
    NotJoined = "not_joined",
    /// The session is in as many rooms as it may.
    RoomLimit = "room_limit",
    /// Too early; `retry_after_ms` says when.
    RateLimited = "rate_limited",
    /// `data` is over its limit.
    TooLarge = "too_large",
    /// The store or the rooms cannot be reached, or have too much to do.
    Unavailable = "unavailable",
    /// A fault of the server.
    Internal = "internal",
    /// The disk of the server is full.
    StorageFull = "storage_full",
    /// A page of this origin may not do this.
    OriginNotAllowed = "origin_not_allowed",
    /// Nothing there, or another user's.
    NotFound = "not_found",
    /// The idempotency key is still queued, or was used for another body; or there are as many as may be.
    Conflict = "conflict",
    /// No valid token.
    InvalidToken = "invalid_token",
    /// The token lacks the scope.
    InsufficientScope = "insufficient_scope",
    /// Fields are wrong; `errors` names each.
    Validation = "validation",
    /// An endpoint that nothing is pushed to.
    EndpointNotAllowed = "endpoint_not_allowed",
    /// The server is about to stop.
    Draining = "draining",
}

impl ErrorCode {
    /// Whether a command may be answered so; all others are of HTTP alone.
    pub fn is_of_commands(self) -> bool {
        matches!(
            self,
            Self::BadMessage
                | Self::UnknownType
                | Self::BadRoom
                | Self::BadCursor
                | Self::Forbidden
                | Self::NotJoined
                | Self::RoomLimit
                | Self::RateLimited
                | Self::TooLarge
                | Self::Unavailable
                | Self::Internal
        )
    }

    /// The HTTP status that goes with the word where a request says nothing more exact.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadMessage | Self::UnknownType | Self::BadCursor => StatusCode::BAD_REQUEST,
            Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::InsufficientScope | Self::OriginNotAllowed | Self::NotJoined => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Validation | Self::EndpointNotAllowed | Self::BadRoom | Self::RoomLimit => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::StorageFull | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::StorageFull | Self::Draining)
    }

    /// Whether a command refused so counts towards `too_many_errors` (4501).
    pub fn is_clients_fault(self) -> bool {
        !matches!(self, Self::RateLimited | Self::Unavailable)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// The table of closes: what each means, its name here, its number and its word on the wire.
macro_rules! close_codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $number:literal $word:literal,)+) => {
        /// Why a WebSocket ends (RFC 6455 section 7.4; 4000–4499 say reconnect, 4500–4999 say stop).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl CloseCode {
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$name),+];

            pub fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)+
                }
            }

            /// The reason text of the close frame.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What it tells, for who reads a document.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($meaning),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

close_codes! {
    /// The client closed; its own code is echoed.
    Normal = 1000 "normal",
    /// The server is leaving for good.
    GoingAway = 1001 "going_away",
    /// A frame that RFC 6455 forbids.
    ProtocolError = 1002 "protocol_error",
    /// A binary frame.
    Binary = 1003 "binary",
    /// Text that is not UTF-8.
    InvalidUtf8 = 1007 "invalid_utf8",
    /// The first frame of an unauthenticated connection is not a JSON object.
    Policy = 1008 "policy",
    /// A message over the limit in bytes or fragments.
    TooBig = 1009 "too_big",
    /// A fault of the server.
    Internal = 1011 "internal",
    /// The server stops or restarts.
    Restart = 1012 "restart",
    /// The token has expired: get a new one first.
    TokenExpired = 4001 "token_expired",
    /// The client reads too slowly.
    SlowConsumer = 4008 "slow_consumer",
    /// Commands or control frames kept coming too fast; or there is no place for this session.
    RateLimited = 4009 "rate_limited",
    /// The inbox could not be read several times in a row.
    Resync = 4010 "resync",
    /// Silence after a ping.
    NoPong = 4012 "no_pong",
    /// The first message brought a bad token.
    InvalidToken = 4500 "invalid_token",
    /// Too many errors.
    TooManyErrors = 4501 "too_many_errors",
    /// No `auth` in time, or another command before it.
    AuthTimeout = 4502 "auth_timeout",
    /// The token was revoked, or the session ended by an administrator.
    Revoked = 4503 "revoked",
    /// A newer session of the user took the place.
    ConnectionLimit = 4504 "connection_limit",
    /// A room of the query is not allowed.
    Forbidden = 4507 "forbidden",
}

impl CloseCode {
    /// Whether a client should come back by itself.
    pub fn is_reconnect(self) -> bool {
        matches!(self.number(), 1001 | 1011 | 1012 | 4000..=4499)
    }
}

/// What stands in a close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseFrame {
    /// `None` answers a close that had no code.
    pub number: Option<u16>,
    pub word: &'static str,
}

impl From<CloseCode> for CloseFrame {
    fn from(code: CloseCode) -> Self {
        Self { number: Some(code.number()), word: code.word() }
    }
}
