//! Queries over `meta`: what belongs to the database as a whole.

use diesel::prelude::*;

use super::{
    error::Fault,
    job::Write,
    messages::KeepVapidKey,
    on_inner,
    schema::meta::{self as m, table},
    transaction::Transaction,
};

/// The name of the private key by which push services know this server.
const VAPID_KEY: &str = "vapid_private_key";

impl Write for KeepVapidKey {
    type Done = String;

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<String, Fault> {
        let keep = diesel::insert_into(table)
            .values((m::name.eq(VAPID_KEY), m::value.eq(&self.candidate)))
            .on_conflict_do_nothing();
        // One that another instance is keeping just now is waited for.
        on_inner!(tx.conn, |conn| keep.execute(conn))?;
        Ok(table.find(VAPID_KEY).select(m::value).first(tx.conn)?)
    }
}
