//! Statements over many rows at once, for both databases: the rows go there as one JSON text, and how that is read is
//! all that the databases differ in. So the text of a statement is the same for any number of rows, and is prepared
//! once.

/// Runs (`execute`, `load`) the statement that begins with `$before`, reads the `value` of each row, and ends with
/// `$after`. It has no other parameter: they are counted by their place in the one database, and by name in the other.
macro_rules! each {
    ($conn:expr, $rows:expr, $run:ident, $before:literal, $after:literal) => {{
        /// The name of the statement that is prepared.
        struct Each;
        const ON_FILE: &str = concat!($before, " json_each($1) AS each ", $after);
        #[cfg(feature = "postgres")]
        const ON_SERVER: &str = concat!($before, " json_array_elements($1::json) AS each (value) ", $after);
        let rows = serde_json::to_string($rows).map_err($crate::store::rows::broken)?;
        match $conn {
            $crate::store::Connection::Sqlite(conn) => {
                Prepared::new(Each, sql_query(ON_FILE).bind::<Text, _>(&rows)).$run(conn)
            }
            #[cfg(feature = "postgres")]
            $crate::store::Connection::Postgres(conn) => {
                Prepared::new(Each, sql_query(ON_SERVER).bind::<Text, _>(&rows)).$run(conn)
            }
        }
    }};
}

pub(super) use each;
