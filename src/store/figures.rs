//! How long the store takes, and what comes of it.

use std::time::Instant;

use super::messages::StoreError;
use crate::observe::metrics::{self, StoreOperation};

/// Counts an answer that is waited for.
pub(super) async fn measured<T>(
    operation: StoreOperation,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let asked = Instant::now();
    let answer = answer.await;
    metrics::store_answered(operation, word(answer.as_ref().err()), asked.elapsed());
    answer
}

fn word(error: Option<&StoreError>) -> &'static str {
    match error {
        None => "ok",
        Some(StoreError::Overloaded) => "overloaded",
        Some(StoreError::Unavailable(_)) => "unavailable",
        Some(StoreError::Full(_)) => "full",
        Some(StoreError::Internal(_)) => "internal",
        Some(
            StoreError::KeyReused
            | StoreError::KeyInProgress
            | StoreError::NotFound
            | StoreError::BadPosition
            | StoreError::TooManyMutes
            | StoreError::TooManyTickets(_)
            | StoreError::TooManySubscriptions,
        ) => "refused",
    }
}
