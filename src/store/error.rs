//! What the errors of the database mean to those who ask the store.

use diesel::result::{DatabaseErrorKind, Error};

use super::{Connection, messages::StoreError};

/// Why a write did not go through.
pub(super) enum Fault {
    /// It was refused before it wrote anything, so that the rest of its transaction stands.
    Refused(StoreError),
    /// The database failed it, and the whole transaction with it.
    Database(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for StoreError {
    /// A broken constraint or an unreadable row is a fault of the code. All else that the database
    /// says (locked, full, gone, read-only, corrupt) may pass.
    fn from(error: Error) -> Self {
        use DatabaseErrorKind::{CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation};
        match &error {
            Error::DatabaseError(
                UniqueViolation | ForeignKeyViolation | NotNullViolation | CheckViolation,
                _,
            )
            | Error::NotFound
            | Error::InvalidCString(_)
            | Error::QueryBuilderError(_)
            | Error::DeserializationError(_)
            | Error::SerializationError(_) => Self::Internal(error.to_string()),
            Error::DatabaseError(DatabaseErrorKind::Unknown, info) if is_full(info.message()) => {
                Self::Full(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// What SQLite says of a disk without room, and what the system says, as PostgreSQL repeats it.
fn is_full(message: &str) -> bool {
    message.contains("disk is full") || message.contains("No space left on device")
}

/// Whether another connection holds the database. SQLite tells it to Diesel in words only.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, info)
        if info.message().contains("is locked"))
}

/// Whether a server may do the same statement in another transaction, or by another connection.
///
/// Diesel shows no SQLSTATE, and has no kind for most of them: deadlocks, waits for a lock, a server that stops
/// or has no room are all unknown to it. Their words are in the language of the server, which only a superuser
/// may set. So whatever is not known to be a fault of the code may pass: it costs a few more tries.
pub(super) fn may_pass(conn: &Connection, error: &Error) -> bool {
    use DatabaseErrorKind::{ClosedConnection, SerializationFailure, UnableToSendCommand, Unknown};
    !matches!(conn, Connection::Sqlite(_))
        && matches!(
            error,
            Error::DatabaseError(SerializationFailure | ClosedConnection | UnableToSendCommand | Unknown, _)
                | Error::BrokenTransactionManager
        )
}
