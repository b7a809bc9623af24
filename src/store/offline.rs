//! What an operator does to a database beside the server that has it, or while none has it.

mod backup;
mod epochs;

pub use backup::back_up;
pub use epochs::renew_epochs;

use super::messages::StoreError;

/// The one line that says what is wrong with the database.
fn line(error: StoreError) -> String {
    match error {
        StoreError::Unavailable(line) => line,
        other => other.to_string(),
    }
}
