//! The actor's other task: keeps the account of who is here. It tells the store what the hub says, in batches and in
//! order; says now and then that this node is there; and takes over what others have left that are gone.
//!
//! Nothing is told twice, and nothing is lost in silence: a batch is told until it is taken in, and known by its number;
//! where the hub's queue was full, or this node was taken for dead, everything is told anew.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    domain::{NodeId, live::LiveFact},
    hub::{HubLink, LiveQueue, Taken, messages::DescribeLive},
    store::{
        StoreLink,
        messages::{DropStale, LeaveLive, LedgerRules, StoreError, TakeLost, TellLive, Told},
    },
};

/// Facts in one transaction of the store: some ten milliseconds, so that publishing does not wait long.
const TOGETHER: usize = 500;

/// How long what has come waits for more: each batch is a transaction, and publishing waits for it.
const GATHERING: Duration = Duration::from_millis(100);

/// How often it is looked for those that are gone, and a store that was away is tried again.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The lease is renewed so many times within its length, and it is looked as often whether that is due.
const RENEWALS: u32 = 3;
const LOOKS: u32 = 4;

/// How long is waited for the store at the end.
const FAREWELL: Duration = Duration::from_secs(5);

pub struct LedgerTask {
    pub store: StoreLink,
    pub hub: HubLink,
    pub queue: LiveQueue,
    pub node: NodeId,
    pub rules: LedgerRules,
    /// Other nodes may be there, so that the lease counts.
    pub is_shared: bool,
    pub stop: oneshot::Receiver<oneshot::Sender<()>>,
}

/// What it knows besides.
struct Account {
    batch: i64,
    /// Told, and not known to be taken in.
    untold: Arc<[LiveFact]>,
    /// Everything is to be told anew.
    is_unstated: bool,
    /// Nothing was told yet: all that there is waits in the queue.
    is_new: bool,
    told_at: Instant,
    is_store_away: bool,
}

impl LedgerTask {
    /// Runs until it is told to stop, or the actor is gone.
    pub async fn run(mut self) {
        let mut ticks = interval(LOOK_INTERVAL.min(self.rules.lease / LOOKS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut account = Account {
            batch: 0,
            untold: Arc::default(),
            is_unstated: true,
            is_new: true,
            told_at: Instant::now(),
            is_store_away: false,
        };
        let stopped = loop {
            tokio::select! {
                biased;
                stopped = &mut self.stop => break stopped,
                _ = ticks.tick() => {
                    self.tell_all(&mut account).await;
                    self.look(&mut account).await;
                }
                () = self.queue.filled() => {
                    sleep(GATHERING).await;
                    // What the store did not take is tried again with the next tick.
                    if !account.is_store_away {
                        self.tell_all(&mut account).await;
                    }
                }
            }
        };
        let leaving = async {
            self.tell_all(&mut account).await;
            let leave = LeaveLive { node: self.node, rules: self.rules };
            while !account.is_store_away && self.store.ask(LeaveLive { ..leave }).await.unwrap_or_default() {}
        };
        if tokio::time::timeout(FAREWELL, leaving).await.is_err() {
            log::warn!("who was here is told by another instance, or by the next start");
        }
        if let Ok(done) = stopped {
            let _ = done.send(());
        }
    }

    /// Tells what there is, until there is nothing more or the store does not take it.
    async fn tell_all(&self, account: &mut Account) {
        loop {
            let told = self.tell(account).await;
            let is_away = told.is_err();
            match (&told, account.is_store_away) {
                (Err(error), false) => log::warn!("webhooks wait for the store to note who is here: {error}"),
                (Ok(_), true) => log::info!("who is here is noted again"),
                _ => {}
            }
            account.is_store_away = is_away;
            if !matches!(told, Ok(true)) {
                return;
            }
        }
    }

    /// Tells one batch; whether there may be more.
    async fn tell(&self, account: &mut Account) -> Result<bool, StoreError> {
        if account.untold.is_empty() && !account.is_unstated {
            match self.queue.take(TOGETHER) {
                Taken::Facts(facts) => account.untold = facts.into(),
                Taken::Overflown => {
                    log::warn!("more has come and gone than could be noted: who is here is told anew");
                    account.is_unstated = true;
                }
            }
            account.batch += i64::from(!account.untold.is_empty());
        }
        if account.is_unstated {
            return self.state(account).await.map(|()| true);
        }
        if account.untold.is_empty() {
            return Ok(false);
        }
        self.say(account, account.untold.clone(), false).await?;
        account.untold = Arc::default();
        Ok(true)
    }

    /// Tells everything anew.
    async fn state(&self, account: &mut Account) -> Result<(), StoreError> {
        account.untold = Arc::default();
        account.batch += 1;
        self.say(account, Arc::default(), true).await?;
        if std::mem::take(&mut account.is_new) {
            // Asked for, whoever has come and gone by now would not be there.
            account.is_unstated = false;
            return Ok(());
        }
        let live = self.hub.ask(DescribeLive).await;
        let live = live.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        // Lost meanwhile, it begins anew.
        account.is_unstated = false;
        let facts: Vec<LiveFact> = live.facts().collect();
        for some in facts.chunks(TOGETHER) {
            account.batch += 1;
            let said = self.say(account, some.into(), false).await;
            account.is_unstated |= said.is_err();
            said?;
        }
        let sessions: HashSet<_> = live.sessions.into_iter().map(|session| session.id).collect();
        let rooms: HashSet<_> = live.rooms.into_iter().map(|(room, _)| room).collect();
        let (sessions, rooms) = (Arc::new(sessions), Arc::new(rooms));
        let mut after = None;
        loop {
            let drop = DropStale {
                node: self.node,
                rules: self.rules,
                sessions: sessions.clone(),
                rooms: rooms.clone(),
                after,
            };
            let dropped = self.store.ask(drop).await;
            account.is_unstated |= dropped.is_err();
            after = dropped?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn say(
        &self,
        account: &mut Account,
        facts: Arc<[LiveFact]>,
        is_first: bool,
    ) -> Result<(), StoreError> {
        let tell = TellLive { node: self.node, rules: self.rules, batch: account.batch, is_first, facts };
        if self.store.ask(tell).await? == Told::Lost {
            log::warn!("this instance was taken for dead: who is here is told anew");
            account.is_unstated = true;
        }
        account.told_at = Instant::now();
        Ok(())
    }

    /// Looks for those that are gone, and says that this node is not.
    async fn look(&self, account: &mut Account) {
        if account.is_store_away {
            return;
        }
        if self.is_shared && account.told_at.elapsed() >= self.rules.lease / RENEWALS {
            account.batch += 1;
            if let Err(error) = self.say(account, Arc::default(), false).await {
                return log::debug!("the lease was not renewed: {error}");
            }
        }
        loop {
            match self.store.ask(TakeLost { node: self.node, rules: self.rules }).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return log::debug!("those that are gone were not looked for: {error}"),
            }
        }
    }
}
