//! One connection of a client: its name, and where it is.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Invalid, Timestamp, ids::name};

name!(
    /// Identity of a session: `ses_` and a ULID, given by the server; told in its `welcome`.
    SessionId,
    check_session_id
);

fn check_session_id(text: &str) -> Result<(), Invalid> {
    let is_ulid = text.strip_prefix("ses_").is_some_and(|ulid| {
        ulid.len() == 26 && ulid.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    });
    if is_ulid { Ok(()) } else { Err(Invalid::new("a session is ses_ and 26 characters of a ULID")) }
}

impl SessionId {
    /// A fresh identity; sorts by the time of its making, to the millisecond.
    pub fn generate() -> Self {
        Self(format!("ses_{}", ulid::Ulid::generate()).into())
    }

    /// When it was made, to the millisecond.
    pub fn made_at(&self) -> Timestamp {
        let ulid = self.0.strip_prefix("ses_").and_then(|ulid| ulid::Ulid::from_string(ulid).ok());
        let millis = ulid.map(|ulid| ulid.timestamp_ms()).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(millis).unwrap_or_default().saturating_mul(1000))
    }
}

/// Where a session lives: its worker's shard, its slot there, and which life of that slot.
///
/// Slots are used again; the generation keeps a late message from reaching the slot's next session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey {
    pub shard: u16,
    pub slot: u32,
    pub generation: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_session_id_is_one() {
        let id = SessionId::generate();
        assert_eq!(id.as_str().parse::<SessionId>(), Ok(id.clone()));
        for bad in ["", "ses_1", &id.as_str().to_lowercase(), &id.as_str().replacen("ses", "ntf", 1)] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
    }
}
