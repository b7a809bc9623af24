//! Bridges of several nodes, each with a hub that only writes down what it is told.

use std::time::Duration;

use actix::{Actor, Arbiter, Context, Handler};
use tokio::sync::{mpsc, oneshot};

use super::server::PATIENCE;
use crate::{
    bridge::{
        BridgeLink, BridgeOptions, RoomBounds,
        messages::{
            BusEvent, BusEvents, OpenRoom, Order, Orders, Purpose, RoomMessage, RoomPublish, RoomState,
        },
    },
    domain::{Json, MessageDraft, NodeId, Position, RoomName, UserId},
    hub::messages::RoomRefusal,
    mailbox::{self, Budget, Load},
    random,
};

/// Longer than a Redis that lives is late on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(2);

struct Hub {
    told: mpsc::UnboundedSender<BusEvent>,
}

impl Actor for Hub {
    type Context = Context<Self>;
}

impl Handler<BusEvents> for Hub {
    type Result = ();

    fn handle(&mut self, BusEvents(events): BusEvents, _: &mut Self::Context) {
        for event in events {
            let _ = self.told.send(event);
        }
    }
}

/// On a thread of its own, with which it ends as by kill -9.
pub struct Node {
    arbiter: Arbiter,
    pub link: BridgeLink,
    pub id: NodeId,
    told: mpsc::UnboundedReceiver<BusEvent>,
    last_id: u64,
}

pub fn options(url: &str) -> BridgeOptions {
    BridgeOptions {
        url: url.to_owned().into(),
        prefix: "tidings:".to_owned(),
        secret: None,
        timeout: TIMEOUT,
        node: NodeId::from_random(random::bits()),
        presence_ttl: Duration::from_secs(3),
        leave_grace: Duration::from_millis(100),
        rooms: RoomBounds {
            history_size: 1000,
            history_bytes: 1 << 20,
            history_ttl: Duration::from_secs(600),
            position_ttl: Duration::from_secs(86_400),
            messages_per_second: 0,
            messages_burst: 0,
        },
        data_bytes: 32 << 10,
    }
}

impl Node {
    /// A node that is live.
    pub async fn start(url: &str) -> Self {
        Self::start_with(options(url)).await
    }

    pub async fn start_with(options: BridgeOptions) -> Self {
        let mut node = Self::launch(options).await;
        node.until_live().await;
        node
    }

    pub async fn launch(options: BridgeOptions) -> Self {
        let id = options.node;
        let arbiter = Arbiter::new();
        let (told, receiver) = mpsc::unbounded_channel();
        let (started, link) = oneshot::channel();
        arbiter.spawn_fn(move || {
            let link = BridgeLink::start(options).unwrap();
            link.hub_ready(Hub { told }.start().recipient());
            assert!(started.send(link).is_ok());
        });
        Self { arbiter, link: link.await.unwrap(), id, told: receiver, last_id: 0 }
    }

    pub fn order(&self, orders: Vec<Order>) {
        mailbox::signal_to(&self.link.orders(), Orders(orders));
    }

    pub async fn next(&mut self) -> BusEvent {
        tokio::time::timeout(PATIENCE, self.told.recv()).await.expect("nothing is told").unwrap()
    }

    /// The next event that `pick` takes; those before are dropped.
    pub async fn until<T>(&mut self, pick: impl Fn(BusEvent) -> Option<T>) -> T {
        loop {
            if let Some(picked) = pick(self.next().await) {
                return picked;
            }
        }
    }

    pub async fn until_live(&mut self) {
        self.until(|event| matches!(event, BusEvent::Live).then_some(())).await;
    }

    pub async fn until_away(&mut self) {
        self.until(|event| matches!(event, BusEvent::Away).then_some(())).await;
    }

    pub async fn said(&mut self) -> RoomMessage {
        self.until(|event| match event {
            BusEvent::Said(message) => Some(message),
            _ => None,
        })
        .await
    }

    /// What was told already.
    pub fn told(&mut self) -> Vec<BusEvent> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    pub async fn open(&mut self, name: &str, known: Position, members: &[&str]) -> RoomState {
        self.try_open(name, known, members).await.unwrap()
    }

    pub async fn try_open(
        &mut self,
        name: &str,
        known: Position,
        members: &[&str],
    ) -> Result<RoomState, RoomRefusal> {
        let members = members.iter().map(|name| user(name)).collect();
        self.open_for(name, known, Purpose::Enter(members)).await
    }

    pub async fn open_for(
        &mut self,
        name: &str,
        known: Position,
        purpose: Purpose,
    ) -> Result<RoomState, RoomRefusal> {
        self.order(vec![Order::OpenRoom(OpenRoom { room: room(name), known, purpose })]);
        self.until(|event| match event {
            BusEvent::RoomOpened { result, .. } => Some(result),
            _ => None,
        })
        .await
    }

    /// Orders a publish, and names it.
    pub fn publish(&mut self, name: &str, from: &str, draft: MessageDraft) -> u64 {
        self.last_id += 1;
        let publish = RoomPublish {
            id: self.last_id,
            room: room(name),
            from: user(from),
            draft,
            known: Position::START,
            load: load(),
        };
        self.order(vec![Order::Publish(publish)]);
        self.last_id
    }

    pub async fn published_knowing(&mut self, name: &str, known: Position) -> Result<Position, RoomRefusal> {
        self.last_id += 1;
        let (id, room, from) = (self.last_id, room(name), user("alice"));
        self.order(vec![Order::Publish(RoomPublish {
            id,
            room,
            from,
            draft: draft("1"),
            known,
            load: load(),
        })]);
        self.answer(id).await
    }

    pub async fn published(
        &mut self,
        name: &str,
        from: &str,
        draft: MessageDraft,
    ) -> Result<Position, RoomRefusal> {
        let asked = self.publish(name, from, draft);
        self.answer(asked).await
    }

    async fn answer(&mut self, asked: u64) -> Result<Position, RoomRefusal> {
        self.until(|event| match event {
            BusEvent::Published { id, result } if id == asked => Some(result),
            _ => None,
        })
        .await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.arbiter.stop();
    }
}

pub fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

pub fn load() -> Load {
    Budget::new(1 << 20).take(1).unwrap()
}

pub fn draft(data: &str) -> MessageDraft {
    MessageDraft { data: Json::parse(data).unwrap(), event: None, nonce: None }
}

pub fn with_nonce(data: &str, nonce: &str) -> MessageDraft {
    MessageDraft { nonce: Some(nonce.parse().unwrap()), ..draft(data) }
}
