//! Queries over `preferences`: one row a user who has said something.

use diesel::prelude::*;

use super::{
    Connection,
    error::Fault,
    job::Write,
    messages::{ReadPreferences, SetPreferences, StoreError},
    on_inner,
    rows::PreferencesRow,
    schema::preferences,
    transaction::Transaction,
};
use crate::domain::{Preferences, UserId};

pub(super) fn read(conn: &mut Connection, read: &ReadPreferences) -> Result<Preferences, StoreError> {
    let row = preferences::table
        .find(read.user.as_str())
        .select(PreferencesRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Preferences::try_from).transpose()?.unwrap_or_default())
}

impl Write for SetPreferences {
    type Done = ();

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    /// Nobody is told: nothing that a session shows depends on it.
    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let row = PreferencesRow::from(&self.preferences);
        let set = diesel::insert_into(preferences::table)
            .values((preferences::user_id.eq(self.user.as_str()), &row))
            .on_conflict(preferences::user_id)
            .do_update()
            .set(&row);
        on_inner!(tx.conn, |conn| set.execute(conn))?;
        Ok(())
    }
}

/// Deletes those of a user.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(preferences::table.find(user.as_str())).execute(conn).map(drop)
}
