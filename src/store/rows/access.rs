//! Rows of tickets and of what was revoked.

use diesel::{prelude::*, result::Error};
use serde::{Deserialize, Serialize};

use super::broken;
use crate::{
    auth::tickets::LIFETIME,
    domain::{Identity, Revocation, Revoked, Scopes, Timestamp},
    store::{
        messages::TicketDigest,
        schema::{revocations, tickets},
    },
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tickets)]
pub(in crate::store) struct TicketRow {
    digest: Vec<u8>,
    user_id: String,
    claims: String,
    expires_at: i64,
}

/// What a token says of its user, as [`TicketRow`] keeps it: JSON, since a claim may hold what no text of
/// PostgreSQL can. Times are microseconds.
#[derive(Serialize, Deserialize)]
struct Claims {
    scope: String,
    exp: i64,
    iat: Option<i64>,
    jti: Option<String>,
}

impl TicketRow {
    pub(in crate::store) fn new(
        digest: &TicketDigest,
        identity: &Identity,
        expires_at: Timestamp,
    ) -> Result<Self, Error> {
        let claims = Claims {
            scope: identity.scopes.words().join(" "),
            exp: identity.expires_at.as_micros(),
            iat: identity.issued_at.map(Timestamp::as_micros),
            jti: identity.token_id.clone(),
        };
        let claims =
            serde_json::to_string(&claims).map_err(|error| Error::SerializationError(error.into()))?;
        let (user_id, expires_at) = (identity.user.to_string(), expires_at.as_micros());
        Ok(Self { digest: digest.to_vec(), user_id, claims, expires_at })
    }

    /// Not one that ends later than one that is given now: the clock has been set back since.
    pub(in crate::store) fn is_open(&self, now: Timestamp) -> bool {
        now.as_micros() < self.expires_at && self.expires_at <= now.plus(LIFETIME).as_micros()
    }
}

impl TryFrom<TicketRow> for Identity {
    type Error = Error;

    fn try_from(row: TicketRow) -> Result<Self, Error> {
        let claims: Claims = serde_json::from_str(&row.claims).map_err(broken)?;
        Ok(Self {
            user: row.user_id.parse().map_err(broken)?,
            scopes: Scopes::parse(&claims.scope),
            expires_at: Timestamp::from_micros(claims.exp),
            issued_at: claims.iat.map(Timestamp::from_micros),
            token_id: claims.jti,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = revocations)]
pub(in crate::store) struct RevocationRow {
    pub(in crate::store) kind: String,
    pub(in crate::store) value: String,
    pub(in crate::store) revoked_at: i64,
}

impl From<&Revocation> for RevocationRow {
    fn from(Revocation { revoked, at }: &Revocation) -> Self {
        let (kind, value) = revoked.words();
        Self { kind: kind.to_owned(), value: value.to_owned(), revoked_at: at.as_micros() }
    }
}

impl TryFrom<RevocationRow> for Revocation {
    type Error = Error;

    fn try_from(row: RevocationRow) -> Result<Self, Error> {
        let revoked = Revoked::from_words(&row.kind, &row.value).map_err(broken)?;
        Ok(Self { revoked, at: Timestamp::from_micros(row.revoked_at) })
    }
}
