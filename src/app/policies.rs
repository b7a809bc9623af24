//! What the parts are built with, out of the settings.

use std::sync::Arc;

use super::machine;
use crate::{
    bridge::{BridgeOptions, RoomBounds},
    config::{Config, Rooms, Synchronous},
    domain::{NodeId, WebhookEvent, WebhookEvents},
    egress::EndpointRule,
    hub::{liveness::LivenessPolicy, rooms::RoomPolicy},
    outbox::{OutboxLimits, OutboxPool},
    push::{PushOptions, VapidKey},
    session::SessionPolicy,
    store::messages::{LedgerRules, Others, PushPolicy, StoreOptions, WebhookBounds},
    stream::LogLimits,
};

/// The part of the memory that all outboxes may hold together.
const OUTBOXES_PART: usize = 8;

pub fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        url: config.store.url.clone(),
        migrates: true,
        pool_size: u32::try_from(config.store.pool_size).unwrap_or(u32::MAX),
        busy_timeout: config.store.busy_timeout,
        queue: config.store.queue,
        memory: machine::memory(),
        is_fully_synchronous: config.store.synchronous == Synchronous::Full,
        idempotency_retention: config.retention.idempotency,
        mutes_max: config.limits.mutes.unwrap_or(0),
        tickets_max: config.limits.tickets.unwrap_or(0),
        max_age: config.retention.max_age,
        max_read: config.retention.max_read_per_user,
        push: PushPolicy {
            is_enabled: config.push.enabled,
            grace: config.push.grace,
            ttl: config.push.ttl,
            subscriptions_max: config.limits.push_subscriptions.unwrap_or(0),
        },
        webhooks: webhook_events(config),
        webhook_bounds: WebhookBounds {
            waiting: config.webhooks.max_waiting,
            dead: config.webhooks.max_dead,
        },
        others: Others::default(),
    }
}

pub fn push_options(config: &Config, key: VapidKey, rule: Arc<EndpointRule>) -> PushOptions {
    let push = &config.push;
    PushOptions {
        key,
        // Where it is needed it is there.
        subject: push.subject.clone().unwrap_or_default(),
        rule,
        test_ca: push.test_ca.clone(),
        ttl: push.ttl,
        public_url: config.http.public_url.clone(),
    }
}

/// What webhooks tell of; nothing where they are off.
pub fn webhook_events(config: &Config) -> WebhookEvents {
    let webhooks = &config.webhooks;
    match (&webhooks.url, webhooks.events.as_slice()) {
        (None, _) => WebhookEvents::default(),
        (Some(_), []) => WebhookEvent::ALL.into_iter().collect(),
        (Some(_), events) => events.iter().copied().collect(),
    }
}

/// A node that is gone is noticed, and told after the grace, within the time in which it is in rooms (G14).
pub fn ledger_rules(config: &Config) -> LedgerRules {
    let Rooms { presence_ttl, leave_grace, .. } = config.rooms;
    LedgerRules {
        events: webhook_events(config),
        lease: presence_ttl * 2 / 3,
        grace: leave_grace,
        // As they are told when they are sent away, and a little more.
        return_grace: leave_grace + config.shutdown.drain * 2,
    }
}

/// `None` without a bus.
pub fn bridge_options(config: &Config, node: NodeId) -> Option<BridgeOptions> {
    let (bridge, rooms, limits) = (&config.bridge, &config.rooms, &config.limits);
    Some(BridgeOptions {
        url: bridge.url.clone()?,
        prefix: bridge.prefix.clone(),
        secret: bridge.secret.clone(),
        timeout: bridge.timeout,
        node,
        presence_ttl: rooms.presence_ttl,
        leave_grace: rooms.leave_grace,
        rooms: RoomBounds {
            history_size: rooms.history_size,
            history_bytes: rooms.history_bytes,
            history_ttl: rooms.history_ttl,
            position_ttl: rooms.position_ttl,
            messages_per_second: limits.room_messages_per_second,
            messages_burst: limits.room_messages_burst,
        },
        data_bytes: config.session.data_bytes,
    })
}

pub fn session_policy(config: &Config) -> SessionPolicy {
    let session = &config.session;
    SessionPolicy {
        outbox: OutboxLimits { events: session.outbox_events, bytes: session.outbox_bytes },
        pool: OutboxPool::new(machine::memory() / OUTBOXES_PART),
        message_bytes: session.message_bytes,
        fragments: session.fragments,
        data_bytes: session.data_bytes,
        rooms: session.rooms,
        sse_rooms: session.sse_rooms,
        messages_per_second: session.messages_per_second,
        messages_burst: session.messages_burst,
        ping_interval: session.ping_interval,
        sse_heartbeat: session.sse_heartbeat,
        retry_window: config.shutdown.drain,
    }
}

pub fn room_policy(config: &Config) -> RoomPolicy {
    let (rooms, limits) = (&config.rooms, &config.limits);
    RoomPolicy {
        log: LogLimits { messages: rooms.history_size, bytes: rooms.history_bytes, age: rooms.history_ttl },
        total_bytes: rooms.total_bytes,
        position_ttl: rooms.position_ttl,
        leave_grace: rooms.leave_grace,
        typing_ttl: rooms.typing_ttl,
        messages_per_second: limits.room_messages_per_second,
        messages_burst: limits.room_messages_burst,
        occupied_max: limits.rooms.unwrap_or(0),
    }
}

pub fn liveness_policy(config: &Config) -> LivenessPolicy {
    LivenessPolicy::new(
        config.auth.first_message_timeout,
        config.session.ping_interval,
        config.session.pong_timeout,
        config.session.sse_heartbeat,
        config.session.slow_timeout,
        config.auth.expiry_grace,
    )
}
