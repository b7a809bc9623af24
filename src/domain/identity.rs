//! Who is there and what that one may do, as a verified token said it.

use super::{Scopes, Timestamp, UserId};

/// The claims of a verified token that matter to tidings (RFC 7519 section 4.1, PROTOCOL.md section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `sub`.
    pub user: UserId,
    /// `scope`, with `auth.default_scopes` added.
    pub scopes: Scopes,
    /// `exp`: a connection outlives it by `auth.expiry_grace` and no more.
    pub expires_at: Timestamp,
    /// `iat`, unless that lies ahead; a token without it counts as issued before any revocation.
    pub issued_at: Option<Timestamp>,
    /// `jti`, by which one token can be revoked.
    pub token_id: Option<String>,
}
