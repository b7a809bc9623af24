//! The database as one sees it from outside the server: its file, or, where `TIDINGS_TEST_POSTGRES` names a
//! PostgreSQL server, a schema on it that is named after the folder of the test.

use std::path::Path;

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Text},
};

pub enum Database {
    File(SqliteConnection),
    Server(PgConnection),
}

/// The schema of the test that has this folder.
fn schema(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_lowercase()
}

/// The address of the schema of the test that has this folder, which is made if it is not there; `None` where
/// there is no server.
pub fn url(folder: &Path) -> Option<String> {
    let server = std::env::var("TIDINGS_TEST_POSTGRES").ok()?;
    let schema = schema(folder);
    PgConnection::establish(&server)
        .unwrap()
        .batch_execute(&format!("SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS {schema}"))
        .unwrap();
    Some(format!("{server}&options=-csearch_path%3D{schema}"))
}

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
        match url(path.parent().unwrap()) {
            Some(url) => Self::Server(PgConnection::establish(&url).unwrap()),
            None => Self::File(SqliteConnection::establish(path.to_str().unwrap()).unwrap()),
        }
    }

    pub fn execute(&mut self, sql: &str) {
        match self {
            Self::File(conn) => conn.batch_execute(sql).unwrap(),
            Self::Server(conn) => conn.batch_execute(sql).unwrap(),
        }
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
        let rows: Vec<Row> = self.load(&format!(
            "SELECT \"offset\", id FROM notifications WHERE user_id = '{user}' AND {condition} ORDER BY \"offset\""
        ));
        rows.into_iter().map(|row| (row.offset.try_into().unwrap(), row.id)).collect()
    }

    /// How many a user has not read, of those that are counted.
    pub fn unread(&mut self, user: &str) -> u64 {
        let query = format!(
            "SELECT count(*) AS \"offset\", '' AS id FROM notifications \
             WHERE user_id = '{user}' AND read_at IS NULL AND archived_at IS NULL AND NOT muted"
        );
        self.load(&query).remove(0).offset.try_into().unwrap()
    }

    /// How many have an end, and are still there.
    pub fn expiring(&mut self) -> i64 {
        let query = "SELECT count(*) AS \"offset\", '' AS id FROM notifications WHERE expires_at IS NOT NULL";
        self.load(query).remove(0).offset
    }

    /// The life of a user's inbox; none where there is no inbox yet.
    pub fn epoch(&mut self, user: &str) -> Option<String> {
        let query =
            format!("SELECT last_offset AS \"offset\", epoch AS id FROM inboxes WHERE user_id = '{user}'");
        self.load(&query).pop().map(|row| row.id)
    }

    /// The offset up to which a user was shown everything.
    pub fn acked(&mut self, user: &str) -> i64 {
        let query =
            format!("SELECT acked_offset AS \"offset\", epoch AS id FROM inboxes WHERE user_id = '{user}'");
        self.load(&query).remove(0).offset
    }

    /// How many rows of a table fit the condition.
    pub fn count(&mut self, table: &str, condition: &str) -> i64 {
        let query = format!("SELECT count(*) AS \"offset\", '' AS id FROM {table} WHERE {condition}");
        self.load(&query).remove(0).offset
    }

    fn load(&mut self, query: &str) -> Vec<Row> {
        match self {
            Self::File(conn) => sql_query(query).load(conn).unwrap(),
            Self::Server(conn) => sql_query(query).load(conn).unwrap(),
        }
    }

    /// Fails if a file is damaged anywhere. What a server keeps is its own business.
    pub fn check(&mut self) {
        let Self::File(conn) = self else { return };
        let findings: Vec<Finding> = sql_query("PRAGMA integrity_check").load(conn).unwrap();
        assert!(findings.iter().all(|finding| finding.integrity_check == "ok"));
    }
}
