//! Bringing a database to this version, and telling how far it is.

use diesel::{
    QueryResult,
    migration::{Migration, MigrationSource, MigrationVersion},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use serde::Serialize;

use crate::store::database::Allowance;

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

/// Runs the migrations that a database lacks, if it may. One that a newer version of tidings has changed is used as it
/// is, if each migration that is not known allows it.
///
/// # Errors
/// What is wrong with it.
pub(in crate::store) fn migrate<DB, C>(
    conn: &mut C,
    migrations: EmbeddedMigrations,
    may_change: bool,
    allowances: impl FnOnce(&mut C) -> QueryResult<Vec<Allowance>>,
) -> Result<(), String>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let found = Migrations::read(conn, &migrations)?;
    let Some(unknown) = found.unknown.first() else {
        if !may_change && !found.pending.is_empty() {
            return Err(behind(&found));
        }
        return conn.run_pending_migrations(migrations).map(drop).map_err(failed);
    };
    let allowances = allowances(conn).map_err(|error| failed(error.into()))?;
    let known: Vec<Known<DB>> = migrations.migrations().map_err(failed)?;
    let is_known = |version: &str| known.iter().any(|own| own.name().version().to_string() == version);
    let is_refused = |unknown: &&String| {
        let allows = |allowance: &Allowance| allowance.migration == **unknown && is_known(&allowance.needed);
        !found.pending.is_empty() || !allowances.iter().any(allows)
    };
    if let Some(unknown) = found.unknown.iter().find(is_refused) {
        return Err(format!("a newer version of tidings made it (migration {unknown})"));
    }
    log::warn!(migration:% = unknown; "a newer version of tidings has changed the database, and allows this one");
    Ok(())
}

/// One line that says how to go on.
pub(in crate::store) fn behind(found: &Migrations) -> String {
    let (count, last) = (found.pending.len(), found.pending.last().map_or("", String::as_str));
    format!(
        "it lacks {count} migrations up to {last}, and --no-migrate forbids to run them: run `tidings migrate up`, or \
         start without --no-migrate"
    )
}
