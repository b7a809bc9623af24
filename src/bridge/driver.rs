//! The bridge's task: connects, is live, is away, and connects again.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::Recipient;
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    BridgeOptions, BusState,
    calls::Calls,
    connection::{Address, Connection, Loss},
    followed::Followed,
    leases::Nodes,
    messages::{BusEvent, BusEvents, Order},
    names::Channel,
    opening::Opening,
    outbound::UnderWay,
    pushes::{self, Pushes},
    rolls::Rolls,
    teller::Teller,
};
use crate::{
    domain::{Invalid, NodeId, RoomName, UserId},
    observe::metrics,
    random,
};

/// The pause after a loss, doubled with each one that follows soon.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Below the grace of who leaves a room: nodes that come back one after the other find each other's users still
/// there.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// A bus that was live for so long is not blamed for what was before.
const STEADY: Duration = Duration::from_secs(10);

/// How often it is said that Redis refuses.
const REFUSAL_INTERVAL: Duration = Duration::from_secs(60);

/// Most channels in one subscription.
const SUBSCRIBE_MAX: usize = 1000;

/// What the actor hands on.
pub enum Work {
    Order(Order),
    Stop(oneshot::Sender<()>),
}

/// Everything that the parts of the task share; all on one thread.
pub struct Shared {
    pub node: NodeId,
    pub presence_ttl: Duration,
    pub leave_grace: Duration,
    pub position_ttl: Duration,
    pub calls: Calls,
    pub teller: Teller,
    pub followed: RefCell<Followed>,
    pub opening: RefCell<Opening>,
    pub rolls: RefCell<Rolls>,
    /// How many orders to enter a room wait.
    pub ordered: RefCell<HashMap<RoomName, usize>>,
    pub nodes: RefCell<Nodes>,
    /// Orders whose answer is still to come.
    pub under_way: RefCell<UnderWay>,
    /// Redis has refused to note something of this node, or another one was cut off: to be told anew, soon.
    pub is_stale: Cell<bool>,
    pub rejected: Arc<AtomicU64>,
    /// How many orders wait to be carried out.
    pub waiting: Arc<AtomicUsize>,
    pub complained_at: Cell<Option<Instant>>,
}

pub struct Driver {
    address: Address,
    timeout: Duration,
    orders: mpsc::UnboundedReceiver<Work>,
    state: watch::Sender<BusState>,
    pub shared: Rc<Shared>,
}

impl Driver {
    /// # Errors
    /// If the URL is not one of a Redis.
    pub fn new(
        options: BridgeOptions,
        orders: mpsc::UnboundedReceiver<Work>,
        state: watch::Sender<BusState>,
        lives: watch::Sender<bool>,
        rejected: Arc<AtomicU64>,
        waiting: Arc<AtomicUsize>,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            address: Address::parse(options.url.expose_secret())?,
            timeout: options.timeout,
            orders,
            state,
            shared: Rc::new(Shared {
                node: options.node,
                presence_ttl: options.presence_ttl,
                leave_grace: options.leave_grace,
                position_ttl: options.rooms.position_ttl,
                calls: Calls::new(&options),
                teller: Teller::new(lives),
                followed: RefCell::new(Followed::new()),
                opening: RefCell::default(),
                rolls: RefCell::default(),
                ordered: RefCell::default(),
                nodes: RefCell::default(),
                under_way: RefCell::default(),
                is_stale: Cell::new(false),
                rejected,
                waiting,
                complained_at: Cell::new(None),
            }),
        })
    }

    /// Runs until the hub is gone.
    pub async fn run(mut self, hub: Recipient<BusEvents>) {
        let shared = self.shared.clone();
        tokio::select! {
            () = shared.teller.run(&hub) => {}
            () = self.come_and_go() => {}
        }
    }

    async fn come_and_go(&mut self) {
        let (mut losses, mut refused_at): (u32, Option<Instant>) = (0, None);
        loop {
            let begun = Instant::now();
            // What is ordered meanwhile is refused.
            let connected = tokio::select! {
                connected = connect(&self.shared, &self.address, self.timeout) => connected,
                () = refuse(&self.shared, &mut self.orders) => return self.refuse_all().await,
            };
            let loss = match connected {
                Err(loss) => loss,
                Ok((connection, mut pushes)) => {
                    self.state.send_replace(BusState::Live);
                    log::info!("the bus is live");
                    self.shared.teller.tell(BusEvent::Live);
                    let shared = &self.shared;
                    let ended = tokio::select! {
                        loss = shared.hear(&mut pushes) => Some(loss),
                        loss = shared.keep_lease(&connection) => Some(loss),
                        ended = shared.carry_out(&mut self.orders, &connection) => ended,
                    };
                    shared.end_life();
                    if ended.is_some() {
                        metrics::bridge_lost();
                    }
                    match ended {
                        Some(loss) => loss,
                        None => return self.refuse_all().await,
                    }
                }
            };
            let is_news = self.state.send_replace(BusState::Backoff) != BusState::Backoff;
            if loss.is_refusal() {
                // A slip in the settings, which would look like an outage.
                if refused_at.is_none_or(|at: Instant| at.elapsed() >= REFUSAL_INTERVAL) {
                    refused_at = Some(Instant::now());
                    log::error!("Redis refuses what bridge.url names: {loss}");
                }
            } else if is_news {
                log::warn!("the bus is away (bridge.url): {loss}");
            } else {
                log::debug!("the bus is still away: {loss}");
            }
            losses = if begun.elapsed() >= STEADY { 0 } else { losses.saturating_add(1) };
            let longest = (BACKOFF_MIN * 2u32.saturating_pow(losses.min(10))).min(BACKOFF_MAX);
            let pause = longest / 2 + random::up_to(longest / 2);
            let pause = tokio::time::sleep(pause);
            tokio::select! {
                () = pause => {}
                () = refuse(&self.shared, &mut self.orders) => return self.refuse_all().await,
            }
        }
    }

    /// Nothing is carried out any more, and no lease is put.
    async fn refuse_all(&mut self) {
        self.state.send_replace(BusState::Backoff);
        while !self.orders.is_closed() {
            refuse(&self.shared, &mut self.orders).await;
        }
    }
}

/// Connects, follows what is wanted, and puts the lease.
async fn connect(
    shared: &Shared,
    address: &Address,
    timeout: Duration,
) -> Result<(Connection, Pushes), Loss> {
    let (sender, pushes) = pushes::queue(shared.calls.sealer.bytes_max(), shared.rejected.clone());
    let connection = Connection::open(address, &sender, timeout).await?;
    shared.calls.connected(connection.is_cluster(), connection.run().await?);
    shared.followed.borrow_mut().forget_connection();
    shared.follow_changes(&connection).await?;
    *shared.nodes.borrow_mut() = Nodes::default();
    shared.look_at_leases(&connection).await?;
    Ok((connection, pushes))
}

impl Shared {
    /// Has Redis tell what is wanted, and nothing else. Gives whose inboxes are new.
    ///
    /// # Errors
    /// Where the bus is lost.
    pub async fn follow_changes(&self, connection: &Connection) -> Result<Vec<UserId>, Loss> {
        let mut followed = Vec::new();
        while self.followed.borrow().has_changes() {
            let changes = self.followed.borrow_mut().take_changes(SUBSCRIBE_MAX);
            followed.extend(changes.subscribe.iter().filter_map(|channel| match channel {
                Channel::Inbox(user) => Some(user.clone()),
                Channel::Room(_) | Channel::Nodes => None,
            }));
            let named = |channels: Vec<_>| -> Vec<String> {
                channels.iter().map(|channel| self.calls.names().channel(channel)).collect()
            };
            let (subscribe, unsubscribe) = (named(changes.subscribe), named(changes.unsubscribe));
            if !subscribe.is_empty() {
                connection.subscribe(&subscribe).await?;
            }
            if !unsubscribe.is_empty() {
                connection.unsubscribe(&unsubscribe).await?;
            }
        }
        Ok(followed)
    }

    /// The bus is lost: whoever waits is told so.
    fn end_life(&self) {
        self.teller.tell(BusEvent::Away);
        for refusal in self.under_way.borrow_mut().refuse() {
            self.teller.tell(refusal);
        }
        self.opening.borrow_mut().clear();
        self.rolls.take();
        self.followed.borrow_mut().forget_connection();
    }
}

/// Refuses what is ordered while the bus is away, and remembers what is to be followed. Ends when
/// it is told to stop, or with the actor.
async fn refuse(shared: &Shared, orders: &mut mpsc::UnboundedReceiver<Work>) {
    while let Some(work) = orders.recv().await {
        match work {
            Work::Order(order) => {
                shared.waiting.fetch_sub(1, Ordering::Relaxed);
                shared.refuse(order);
            }
            Work::Stop(done) => {
                let _ = done.send(());
                return;
            }
        }
    }
}
