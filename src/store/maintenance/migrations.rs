//! Bringing a database to this version, and telling how far it is.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use serde::Serialize;

/// How far a database is, by the names of its migrations, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migrations {
    pub applied: Vec<String>,
    /// This version has them, and the database has not.
    pub pending: Vec<String>,
    /// Of a newer version of the program.
    pub unknown: Vec<String>,
}

/// One of this version.
type Known<DB> = Box<dyn Migration<DB>>;

type MigrationError = Box<dyn std::error::Error + Send + Sync>;

impl Migrations {
    /// Of a database that has none.
    pub(in crate::store) fn of_nothing<DB: diesel::backend::Backend>(
        migrations: &EmbeddedMigrations,
    ) -> Result<Self, String> {
        let known: Vec<Known<DB>> = migrations.migrations().map_err(failed)?;
        Ok(Self::of(&known, &[]))
    }

    /// Of one that has the table of them.
    pub(in crate::store) fn read<DB, C>(conn: &mut C, migrations: &EmbeddedMigrations) -> Result<Self, String>
    where
        DB: diesel::backend::Backend,
        C: MigrationHarness<DB>,
    {
        let known: Vec<Known<DB>> = migrations.migrations().map_err(failed)?;
        Ok(Self::of(&known, &conn.applied_migrations().map_err(failed)?))
    }

    fn of<DB: diesel::backend::Backend>(known: &[Known<DB>], found: &[MigrationVersion<'_>]) -> Self {
        let is_found = |migration: &&Known<DB>| found.contains(&migration.name().version());
        let (applied, pending): (Vec<_>, Vec<_>) = known.iter().partition(is_found);
        let is_known =
            |version: &&MigrationVersion<'_>| known.iter().any(|m| m.name().version() == **version);
        let names = |some: Vec<&Known<DB>>| {
            let mut names: Vec<String> = some.iter().map(|migration| migration.name().to_string()).collect();
            names.sort_unstable();
            names
        };
        let unknown = found.iter().filter(|version| !is_known(version)).map(ToString::to_string);
        Self { applied: names(applied), pending: names(pending), unknown: unknown.collect() }
    }
}

fn failed(error: MigrationError) -> String {
    format!("a migration failed: {}", error.to_string().replace('\n', " "))
}

/// Runs the migrations that a database lacks, if it may.
///
/// # Errors
/// What is wrong with it.
pub(in crate::store) fn migrate<DB, C>(
    conn: &mut C,
    migrations: EmbeddedMigrations,
    may_change: bool,
) -> Result<(), String>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let found = Migrations::read(conn, &migrations)?;
    if let Some(unknown) = found.unknown.first() {
        return Err(format!("a newer version of tidings made it (migration {unknown})"));
    }
    if !may_change && !found.pending.is_empty() {
        return Err(behind(&found));
    }
    conn.run_pending_migrations(migrations).map(drop).map_err(failed)
}

/// One line that says how to go on.
pub(in crate::store) fn behind(found: &Migrations) -> String {
    let (count, last) = (found.pending.len(), found.pending.last().map_or("", String::as_str));
    format!(
        "it lacks {count} migrations up to {last}, and --no-migrate forbids to run them: run `tidings migrate up`, or \
         start without --no-migrate"
    )
}
