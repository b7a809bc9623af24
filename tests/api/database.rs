//! The database file as one sees it from outside the server.

use std::path::Path;

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Text},
};

pub struct Database(SqliteConnection);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    offset: i64,
    #[diesel(sql_type = Text)]
    id: String,
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

impl Database {
    pub fn open(path: &Path) -> Self {
        Self(SqliteConnection::establish(path.to_str().unwrap()).unwrap())
    }

    pub fn execute(&mut self, sql: &str) {
        self.0.batch_execute(sql).unwrap();
    }

    /// Offset and id of every notification of a user, in order.
    pub fn inbox(&mut self, user: &str) -> Vec<(u64, String)> {
        self.rows(user, "TRUE")
    }

    /// The same of those that every client is shown.
    pub fn shown(&mut self, user: &str) -> Vec<(u64, String)> {
        self.rows(user, "archived_at IS NULL AND expires_at IS NULL AND NOT muted")
    }

    fn rows(&mut self, user: &str, condition: &str) -> Vec<(u64, String)> {
        let query = format!(
            "SELECT \"offset\", id FROM notifications WHERE user_id = ? AND {condition} ORDER BY \"offset\""
        );
        let rows: Vec<Row> = sql_query(query).bind::<Text, _>(user).load(&mut self.0).unwrap();
        rows.into_iter().map(|row| (row.offset.try_into().unwrap(), row.id)).collect()
    }

    /// The offset up to which a user was shown everything.
    pub fn acked(&mut self, user: &str) -> i64 {
        let query =
            sql_query("SELECT acked_offset AS \"offset\", epoch AS id FROM inboxes WHERE user_id = ?");
        query.bind::<Text, _>(user).get_result::<Row>(&mut self.0).unwrap().offset
    }

    /// Fails if the file is damaged anywhere.
    pub fn check(&mut self) {
        let findings: Vec<Finding> = sql_query("PRAGMA integrity_check").load(&mut self.0).unwrap();
        assert!(findings.iter().all(|finding| finding.integrity_check == "ok"));
    }
}
