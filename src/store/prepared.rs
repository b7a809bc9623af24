//! Statements that are prepared once for each connection.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement whose SQL is the same text every time, whatever its values, known by the type `Name`.
///
/// Diesel cannot know that of an update or an upsert, and has the database parse it anew each time: a third
/// of an append to SQLite. Two statements must never share a name.
pub(super) struct Prepared<Name, Q> {
    statement: Q,
    name: PhantomData<Name>,
}

impl<Name, Q> Prepared<Name, Q> {
    pub(super) fn new(_: Name, statement: Q) -> Self {
        Self { statement, name: PhantomData }
    }
}

impl<DB: Backend, Name, Q: QueryFragment<DB>> QueryFragment<DB> for Prepared<Name, Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.statement.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Name: 'static, Q> QueryId for Prepared<Name, Q> {
    type QueryId = Name;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Name, Q: Query> Query for Prepared<Name, Q> {
    type SqlType = Q::SqlType;
}

impl<Conn, Name, Q> RunQueryDsl<Conn> for Prepared<Name, Q> {}
