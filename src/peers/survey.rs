//! What this node answers when it is asked about itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::messages::{Answer, NodeStats, Question};
use crate::{
    domain::NodeId,
    hub::{
        HubLink, ShardLink,
        messages::{CountHeads, DescribeSessions, ListRooms, SessionFilter, SessionView},
    },
    mailbox::AskError,
};

/// How long a worker may take to describe its sessions: whoever asks has others to hear in the same second.
const WORKER_DEADLINE: Duration = Duration::from_millis(800);

#[derive(Clone)]
pub struct Survey {
    pub node: NodeId,
    pub hub: HubLink,
    /// All that have started.
    pub shards: Arc<Mutex<Vec<ShardLink>>>,
    pub started_at: Instant,
}

impl Survey {
    /// # Errors
    /// If a part of this node does not answer in time.
    pub(super) async fn answer(&self, question: Question) -> Result<Answer, AskError> {
        Ok(match question {
            Question::Stats => Answer::Stats(NodeStats {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                uptime_seconds: self.started_at.elapsed().as_secs(),
                heads: self.hub.ask(CountHeads).await?,
            }),
            Question::Sessions { filter, limit } => Answer::Sessions(self.sessions(filter, limit).await?),
            Question::Rooms { prefix, limit } => {
                Answer::Rooms(self.hub.ask(ListRooms { prefix, limit }).await?)
            }
        })
    }

    async fn sessions(&self, filter: SessionFilter, limit: usize) -> Result<Vec<SessionView>, AskError> {
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let describe = DescribeSessions { filter, limit };
        let answers = join_all(shards.iter().map(|shard| shard.describe(describe.clone(), WORKER_DEADLINE)));
        let mut sessions = Vec::new();
        for answer in answers.await {
            sessions.extend(answer?);
        }
        sessions.sort_unstable_by(|a, b| b.session.cmp(&a.session));
        sessions.truncate(limit);
        Ok(sessions)
    }
}
