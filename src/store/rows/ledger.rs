//! Rows of the account of who is here.

use diesel::prelude::*;
use serde::Serialize;

use crate::store::{messages::LedgerKey, schema::ledger_entries};

/// Who or what is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum Kind {
    /// By each instance with somebody in it.
    Room,
    /// By each session.
    User,
}

impl Kind {
    pub(in crate::store) fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::User => "user",
        }
    }

    pub(in crate::store) fn of(word: &str) -> Self {
        if word == Self::User.as_str() { Self::User } else { Self::Room }
    }
}

/// What keeps a subject present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable, Selectable)]
#[diesel(table_name = ledger_entries)]
pub(in crate::store) struct Entry {
    pub(in crate::store) kind: String,
    pub(in crate::store) name: String,
    pub(in crate::store) entry: String,
    pub(in crate::store) node: String,
    pub(in crate::store) transport: Option<String>,
    pub(in crate::store) since: i64,
}

impl Entry {
    pub(in crate::store) fn key(&self) -> LedgerKey {
        (self.kind.clone(), self.name.clone(), self.entry.clone())
    }
}
