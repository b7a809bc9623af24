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
    /// Something too large to be kept.
    TooLarge {
        channel: String,
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
            return self.send(Push::TooLarge { channel });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &[u8]) -> PushInfo {
        let data = [b"channel", text].map(|part: &[u8]| Value::BulkString(part.to_vec()));
        PushInfo { kind: PushKind::Message, data: data.into() }
    }

    async fn all(pushes: &mut Pushes) -> Vec<Push> {
        let mut batch = Vec::new();
        pushes.next(&mut batch, usize::MAX).await;
        batch
    }

    #[actix::test]
    async fn what_waits_is_bounded_and_what_was_dropped_is_known() {
        let (sender, mut pushes) = queue(1 << 20, Arc::default());
        for _ in 0..WAITING_MAX {
            sender.push(said(b"x"));
        }
        assert!(!pushes.has_dropped());
        sender.push(said(b"x"));
        assert!(pushes.has_dropped() && !pushes.has_dropped());
        assert_eq!(all(&mut pushes).await.len(), WAITING_MAX);

        let large = vec![b'x'; 1 << 20];
        for _ in 0..20 {
            sender.push(said(&large));
        }
        assert!(pushes.has_dropped());
        assert_eq!(all(&mut pushes).await.len(), 15);
        sender.push(said(&large));
        assert!(!pushes.has_dropped() && all(&mut pushes).await.len() == 1);
    }

    #[actix::test]
    async fn what_is_too_large_is_counted_and_the_end_is_told_at_once() {
        let rejected = Arc::new(AtomicU64::new(0));
        let (sender, mut pushes) = queue(4, rejected.clone());
        for text in [&b"12345"[..], b"1234"] {
            sender.push(said(text));
        }
        assert_eq!(rejected.load(Ordering::Relaxed), 1);
        let heard = all(&mut pushes).await;
        assert!(
            matches!(heard.as_slice(), [Push::TooLarge { .. }, Push::Said { text, .. }] if text == b"1234")
        );
        sender.push(PushInfo { kind: PushKind::Disconnection, data: Vec::new() });
        assert!(matches!(all(&mut pushes).await.as_slice(), [Push::Disconnected]));
    }
}
