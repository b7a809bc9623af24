//! Queries over `preferences`: one row a user who has said something.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{
    Connection,
    error::Fault,
    job::Write,
    messages::{ReadPreferences, SetPreferences, StoreError},
    on_inner, push_jobs,
    rows::PreferencesRow,
    schema::preferences,
    transaction::Transaction,
};
use crate::domain::{Preferences, UserId};

pub(super) fn read(conn: &mut Connection, read: &ReadPreferences) -> Result<Preferences, StoreError> {
    Ok(find(conn, &read.user)?.unwrap_or_default())
}

/// `None` for who never said it.
fn find(conn: &mut Connection, user: &UserId) -> QueryResult<Option<Preferences>> {
    let find = preferences::table.find(user.as_str()).select(PreferencesRow::as_select());
    let row: Option<PreferencesRow> = find.first(conn).optional()?;
    row.map(Preferences::try_from).transpose()
}

/// Those of these users who have said what they prefer.
pub(super) fn of(conn: &mut Connection, users: &[&str]) -> QueryResult<HashMap<String, Preferences>> {
    let rows: Vec<(String, PreferencesRow)> = preferences::table
        .filter(preferences::user_id.eq_any(users))
        .select((preferences::user_id, PreferencesRow::as_select()))
        .load(conn)?;
    // One that cannot be read is no reason to stop for all.
    Ok(rows.into_iter().filter_map(|(user, row)| Some((user, row.try_into().ok()?))).collect())
}

impl Write for SetPreferences {
    type Done = ();

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    /// Nobody is told: nothing that a session shows depends on it. What waits for the end of quiet hours is judged anew.
    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let before = find(tx.conn, &self.user)?.unwrap_or_default();
        let row = PreferencesRow::from(&self.preferences);
        let set = diesel::insert_into(preferences::table)
            .values((preferences::user_id.eq(self.user.as_str()), &row))
            .on_conflict(preferences::user_id)
            .do_update()
            .set(&row);
        on_inner!(tx.conn, |conn| set.execute(conn))?;
        if before != self.preferences {
            push_jobs::release(tx.conn, &self.user, tx.bounds.earliest)?;
        }
        Ok(())
    }
}

/// Deletes those of a user.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(preferences::table.find(user.as_str())).execute(conn).map(drop)
}
