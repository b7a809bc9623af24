//! What Redis says by itself, on its way from the connection to the bridge: a bounded queue.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, mpsc};

use crate::mailbox::{Budget, Load};

/// Most words that may wait, and their bytes.
const WAITING_MAX: usize = 8192;
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// One word that was heard, or the end.
#[derive(Debug)]
pub enum Push {
    Said {
        channel: String,
        text: Vec<u8>,
        _load: Load,
    },
    /// Redis has ended a subscription: in a cluster, its slot has moved.
    Unsubscribed {
        channel: String,
    },
    Disconnected,
}

/// The end that the connection holds. It never waits.
#[derive(Clone)]
pub struct PushSender {
    queue: mpsc::Sender<Push>,
    bytes: Budget,
    bytes_max: usize,
    rejected: Arc<AtomicU64>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    has_dropped: AtomicBool,
    has_ended: AtomicBool,
    ended: Notify,
}

/// The end that the bridge holds.
pub struct Pushes {
    queue: mpsc::Receiver<Push>,
    shared: Arc<Shared>,
}

/// `bytes_max`: what is larger is nobody's word, and is not even kept.
pub fn queue(bytes_max: usize, rejected: Arc<AtomicU64>) -> (PushSender, Pushes) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let shared = Arc::new(Shared::default());
    let bytes = Budget::new(WAITING_BYTES);
    let pushes = Pushes { queue: receiver, shared: shared.clone() };
    (PushSender { queue: sender, bytes, bytes_max, rejected, shared }, pushes)
}

impl PushSender {
    pub fn push(&self, info: PushInfo) {
        match info.kind {
            PushKind::Message | PushKind::SMessage => {
                let mut data = info.data.into_iter();
                if let (Some(channel), Some(text)) =
                    (data.next().and_then(bytes), data.next().and_then(bytes))
                {
                    self.said(channel, text);
                }
            }
            PushKind::SUnsubscribe => {
                let channel = info.data.into_iter().next().and_then(bytes);
                if let Some(channel) = channel.and_then(|channel| String::from_utf8(channel).ok()) {
                    self.send(Push::Unsubscribed { channel });
                }
            }
            PushKind::Disconnection => {
                self.shared.has_ended.store(true, Ordering::Relaxed);
                self.shared.ended.notify_one();
            }
            _ => {}
        }
    }

    fn said(&self, channel: Vec<u8>, text: Vec<u8>) {
        let Ok(channel) = String::from_utf8(channel) else { return };
        if text.len() > self.bytes_max {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.bytes.take(channel.len() + text.len()) {
            Some(load) => self.send(Push::Said { channel, text, _load: load }),
            None => self.shared.has_dropped.store(true, Ordering::Relaxed),
        }
    }

    fn send(&self, push: Push) {
        if self.queue.try_send(push).is_err() {
            self.shared.has_dropped.store(true, Ordering::Relaxed);
        }
    }
}

impl Pushes {
    /// Waits for something, at most `max` at once; [`Push::Disconnected`] when the connection has ended.
    pub async fn next(&mut self, batch: &mut Vec<Push>, max: usize) {
        if !self.shared.has_ended.load(Ordering::Relaxed) {
            tokio::select! {
                _ = self.queue.recv_many(batch, max) => {}
                () = self.shared.ended.notified() => {}
            }
        }
        if self.shared.has_ended.load(Ordering::Relaxed) {
            batch.push(Push::Disconnected);
        }
    }

    /// Whether something was dropped since it was asked, for lack of room.
    pub fn has_dropped(&self) -> bool {
        self.shared.has_dropped.swap(false, Ordering::Relaxed)
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}
