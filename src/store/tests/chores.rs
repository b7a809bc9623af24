//! What tests of other parts have the store do at once, and not only when its time has come.

use super::*;
use crate::store::sweep::{Ended, Sweep};

/// Delete at most so many that have come to their end.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub(crate) struct DeleteEnded {
    pub ended: End,
    pub limit: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum End {
    Expired,
    /// As if nothing were kept for a moment.
    Aged,
    /// The user has read them, and as many newer ones.
    Outnumbered {
        user: UserId,
        keep: i64,
    },
}

impl Handler<DeleteEnded> for Store {
    type Result = ResponseFuture<Result<bool, StoreError>>;

    fn handle(&mut self, DeleteEnded { ended, limit }: DeleteEnded, _: &mut Self::Context) -> Self::Result {
        let ended = match ended {
            End::Expired => Ended::Expired,
            End::Aged => Ended::Aged(Duration::ZERO),
            End::Outnumbered { user, keep } => Ended::Outnumbered { user, keep },
        };
        self.write(Sweep { ended, by: clock::now(), limit })
    }
}
