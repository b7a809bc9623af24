//! Every code that a client can get, in one table: words of errors, numbers of closes.
//!
//! Used by commands and by HTTP alike, so that one word never means two things (PROTOCOL.md sections 3 and 6).

use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Why a command or a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ErrorCode {
    BadMessage,
    UnknownType,
    BadRoom,
    BadCursor,
    Forbidden,
    NotJoined,
    RoomLimit,
    RateLimited,
    TooLarge,
    Unavailable,
    Internal,
    // HTTP only.
    StorageFull,
    OriginNotAllowed,
    NotFound,
    Conflict,
    InvalidToken,
    InsufficientScope,
    Validation,
    EndpointNotAllowed,
    Draining,
}

impl ErrorCode {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadMessage => "bad_message",
            Self::UnknownType => "unknown_type",
            Self::BadRoom => "bad_room",
            Self::BadCursor => "bad_cursor",
            Self::Forbidden => "forbidden",
            Self::NotJoined => "not_joined",
            Self::RoomLimit => "room_limit",
            Self::RateLimited => "rate_limited",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::StorageFull => "storage_full",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::Validation => "validation",
            Self::EndpointNotAllowed => "endpoint_not_allowed",
            Self::Draining => "draining",
        }
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

/// Why a WebSocket ends (RFC 6455 section 7.4; 4000–4499 say reconnect, 4500–4999 say stop).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    Normal,
    GoingAway,
    ProtocolError,
    Binary,
    InvalidUtf8,
    /// The first frame of an unauthenticated connection is not a JSON object.
    Policy,
    TooBig,
    Internal,
    Restart,
    TokenExpired,
    SlowConsumer,
    RateLimited,
    Resync,
    NoPong,
    InvalidToken,
    TooManyErrors,
    AuthTimeout,
    Revoked,
    ConnectionLimit,
    Forbidden,
}

impl CloseCode {
    pub const ALL: [Self; 20] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::Binary,
        Self::InvalidUtf8,
        Self::Policy,
        Self::TooBig,
        Self::Internal,
        Self::Restart,
        Self::TokenExpired,
        Self::SlowConsumer,
        Self::RateLimited,
        Self::Resync,
        Self::NoPong,
        Self::InvalidToken,
        Self::TooManyErrors,
        Self::AuthTimeout,
        Self::Revoked,
        Self::ConnectionLimit,
        Self::Forbidden,
    ];

    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::Binary => 1003,
            Self::InvalidUtf8 => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::Restart => 1012,
            Self::TokenExpired => 4001,
            Self::SlowConsumer => 4008,
            Self::RateLimited => 4009,
            Self::Resync => 4010,
            Self::NoPong => 4012,
            Self::InvalidToken => 4500,
            Self::TooManyErrors => 4501,
            Self::AuthTimeout => 4502,
            Self::Revoked => 4503,
            Self::ConnectionLimit => 4504,
            Self::Forbidden => 4507,
        }
    }

    /// The reason text of the close frame.
    pub fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::ProtocolError => "protocol_error",
            Self::Binary => "binary",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Policy => "policy",
            Self::TooBig => "too_big",
            Self::Internal => "internal",
            Self::Restart => "restart",
            Self::TokenExpired => "token_expired",
            Self::SlowConsumer => "slow_consumer",
            Self::RateLimited => "rate_limited",
            Self::Resync => "resync",
            Self::NoPong => "no_pong",
            Self::InvalidToken => "invalid_token",
            Self::TooManyErrors => "too_many_errors",
            Self::AuthTimeout => "auth_timeout",
            Self::Revoked => "revoked",
            Self::ConnectionLimit => "connection_limit",
            Self::Forbidden => "forbidden",
        }
    }

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
