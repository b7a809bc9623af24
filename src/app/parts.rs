//! The parts that every worker shares: how they are started and wired, and that they are missed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, Addr};
use secrecy::ExposeSecret;
use tokio::{sync::Notify, task::AbortHandle};

use super::{
    AppError,
    policies::{bridge_options, ledger_rules, push_options, room_policy, store_options, webhook_events},
    supervisor::Supervisor,
};
use crate::{
    auth::gate::{Gate, revoking::Revoker},
    bridge::{BridgeLink, messages::BusEvents},
    config::{Config, StoreUrl},
    domain::{Invalid, NodeId},
    egress::EndpointRule,
    hub::{HubLink, LiveQueue, LocalUsers, NotificationHub, ShardLink, messages::Committed},
    peers::{Company, Peers, PeersLink, Survey},
    push::{PushDesk, PushLink, VapidKey},
    store::{
        Store, StoreLink,
        messages::{KeepVapidKey, Others, StoreOptions},
    },
    webhooks::{WebhookDesk, WebhookLink, WebhookOptions, receiver},
};

/// How often the watchdog looks.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Parts {
    pub hub: HubLink,
    pub store: StoreLink,
    /// `None` where this node is alone.
    pub bridge: Option<BridgeLink>,
    /// `None` until it is started.
    peers: Option<PeersLink>,
    /// `None` until it is started, and where nothing is pushed.
    pub push: Option<PushLink>,
    /// `None` until it is started, and where no application is told.
    pub webhooks: Option<WebhookLink>,
    /// What the hub says of who is here, where somebody keeps account of it.
    live: Option<LiveQueue>,
    /// Other instances may be there.
    pub has_company: bool,
    /// One a worker, when it has started.
    pub shards: Arc<Mutex<Vec<ShardLink>>>,
    /// Those that run for as long as the process and are no actors.
    tasks: Vec<(&'static str, AbortHandle)>,
}

impl Parts {
    /// Starts them, and waits for the bus for a moment: who comes with the first connections is to find it there,
    /// if it is. A database of an older version is refused, unless it `migrates`.
    pub async fn start(config: &Config, node: NodeId, migrates: bool) -> Result<Self, AppError> {
        let bridge = start_bridge(config, node)?;
        let sessions_per_user = config.limits.sessions_per_user.unwrap_or(0);
        let orders = bridge.as_ref().map(BridgeLink::orders);
        let mut hub = NotificationHub::new(sessions_per_user, room_policy(config), orders);
        if bridge.is_some() && matches!(config.store.url, StoreUrl::Sqlite(_)) {
            log::warn!("store.url is a file: of what is on the bus (bridge.url) only rooms are shared");
            hub.keep_inboxes_apart();
        }
        let live = keep_ledger(config, &mut hub);
        let local_users = hub.local_users();
        let hub = hub.start();
        let options = StoreOptions { migrates, ..store_options(config) };
        let store = start_store(config, options, &hub, local_users, bridge.as_ref())?;
        if let Some(bridge) = &bridge {
            bridge.hub_ready(hub.clone().recipient::<BusEvents>());
            if !bridge.is_live_soon().await {
                log::warn!("the bus (bridge.url) is not there yet; rooms wait for it");
            }
        }
        let has_company = bridge.is_some() || matches!(config.store.url, StoreUrl::Postgres(_));
        Ok(Self {
            hub: HubLink::new(hub),
            store,
            bridge,
            peers: None,
            push: None,
            webhooks: None,
            live,
            has_company,
            shards: Arc::default(),
            tasks: Vec::new(),
        })
    }

    /// Has a task missed that ends before the process does.
    pub fn mind(&mut self, name: &'static str, task: AbortHandle) {
        self.tasks.push((name, task));
    }

    /// Starts what an instance among others needs. What was ever revoked is known before anybody is let in; what
    /// others revoke is heard of from then on.
    pub async fn start_company(
        &mut self,
        config: &Config,
        node: NodeId,
        gate: &Arc<Gate>,
    ) -> Result<(Arc<Revoker>, PeersLink), AppError> {
        let Self { hub, store, bridge, shards, .. } = &*self;
        let (doorbell, bus) = (Arc::new(Notify::new()), bridge.as_ref().map(BridgeLink::is_live));
        let revoker = Revoker::load(gate.clone(), store.clone(), hub.clone(), doorbell.clone(), bus).await;
        let revoker = Arc::new(revoker.map_err(|error| AppError::Store(error.to_string()))?);
        let is_shared = matches!(config.store.url, StoreUrl::Postgres(_));
        let listening = actix::spawn(revoker.clone().listen(is_shared));
        let company = if self.has_company { Company::Possible } else { Company::Alone };
        let survey = Survey { node, hub: hub.clone(), shards: shards.clone(), started_at: Instant::now() };
        let peers = Peers::launch(survey, company, doorbell, bridge.clone());
        self.peers = Some(peers.clone());
        self.mind("what hears of revocations", listening.abort_handle());
        Ok((revoker, peers))
    }

    /// Starts what tells browsers that are closed, where that is asked for; gives what takes their subscriptions.
    pub async fn start_push(&mut self, config: &Config) -> Result<Option<PushDesk>, AppError> {
        if !config.push.enabled {
            return Ok(None);
        }
        let wrong = |key: &str, error: Invalid| AppError::Configuration(format!("{key}: {error}"));
        let rule = EndpointRule::new(&config.push.allowed_hosts);
        let rule = Arc::new(rule.map_err(|error| wrong("push.allowed_hosts", error))?);
        let key = vapid_key(config, &self.store).await?;
        let desk = PushDesk { rule: rule.clone(), public_key: key.public_text().into() };
        let options = push_options(config, key, rule);
        let push = PushLink::start(options, self.store.clone());
        self.push = Some(push.map_err(|error| wrong("push.test_ca", error))?);
        Ok(Some(desk))
    }

    /// Starts what tells an application, where that is asked for; gives what shows how that goes.
    pub fn start_webhooks(&mut self, config: &Config, node: NodeId) -> Result<Option<WebhookDesk>, AppError> {
        let webhooks = &config.webhooks;
        let (Some(url), Some(secret)) = (&webhooks.url, &webhooks.secret) else { return Ok(None) };
        let wrong = |key: &str, error: Invalid| AppError::Configuration(format!("{key}: {error}"));
        let found = receiver(url.expose_secret(), &webhooks.allowed_hosts);
        let (endpoint, receiver) = found.map_err(|error| wrong("webhooks.url", error))?;
        let desk = WebhookDesk { receiver, origin: endpoint.origin.as_str().into() };
        let options = WebhookOptions {
            node,
            endpoint,
            receiver,
            secret: secret.clone(),
            previous_secret: webhooks.previous_secret.clone(),
            ca: webhooks.ca.clone(),
            is_trusted: !webhooks.allowed_hosts.is_empty(),
            pauses: webhooks.retries.iter().map(|pause| pause.0).collect(),
            disable_after: webhooks.disable_after,
            rules: ledger_rules(config),
            is_shared: matches!(config.store.url, StoreUrl::Postgres(_)),
            live: self.live.take(),
        };
        let started = WebhookLink::start(options, self.store.clone(), self.hub.clone());
        self.webhooks = Some(started.map_err(|error| wrong("webhooks", error))?);
        Ok(Some(desk))
    }

    /// Ends when a part has ended, and names it. As long as none has, the supervisor hears that they go on.
    pub async fn watch(&self, supervisor: &Supervisor) -> &'static str {
        loop {
            tokio::time::sleep(WATCH_INTERVAL.min(supervisor.pulse())).await;
            match self.missing() {
                Some(part) => return part,
                None => supervisor.alive(),
            }
        }
    }

    /// A part that has ended.
    fn missing(&self) -> Option<&'static str> {
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = [
            ("the hub", self.hub.is_alive()),
            ("the store", self.store.is_alive()),
            ("the bridge", self.bridge.as_ref().is_none_or(BridgeLink::is_alive)),
            ("what talks to the other nodes", self.peers.as_ref().is_none_or(PeersLink::is_alive)),
            ("what pushes", self.push.as_ref().is_none_or(PushLink::is_alive)),
            ("what tells the application", self.webhooks.as_ref().is_none_or(WebhookLink::is_alive)),
            ("a worker's shard", shards.iter().all(ShardLink::is_alive)),
        ];
        let tasks = self.tasks.iter().map(|(name, task)| (*name, !task.is_finished()));
        parts.into_iter().chain(tasks).find(|(_, is_alive)| !is_alive).map(|(part, _)| part)
    }
}

/// The key of the settings; without it that of the database, made by whoever came first.
async fn vapid_key(config: &Config, store: &StoreLink) -> Result<VapidKey, AppError> {
    if let Some(key) = &config.push.vapid_private_key {
        let key = VapidKey::parse(key.expose_secret());
        return key.map_err(|error| AppError::Configuration(format!("push.vapid_private_key: {error}")));
    }
    let broken = |error: String| AppError::Store(format!("the key of Web Push: {error}"));
    let candidate = VapidKey::generate().and_then(|key| key.private_text());
    let candidate = candidate.ok_or_else(|| broken("it cannot be made".to_owned()))?;
    let kept = store.ask(KeepVapidKey { candidate: candidate.expose_secret().to_owned() }).await;
    let kept = kept.map_err(|error| broken(error.to_string()))?;
    VapidKey::parse(&kept).map_err(|error| broken(error.to_string()))
}

/// Has the hub say who is here, where webhooks tell of it.
fn keep_ledger(config: &Config, hub: &mut NotificationHub) -> Option<LiveQueue> {
    let events = webhook_events(config);
    let (has_sessions, has_rooms) = (events.have_sessions(), events.have_rooms());
    let queue = (has_sessions || has_rooms).then(LiveQueue::default)?;
    hub.keep_ledger(queue.clone(), has_sessions, has_rooms);
    Some(queue)
}

fn start_bridge(config: &Config, node: NodeId) -> Result<Option<BridgeLink>, AppError> {
    let Some(options) = bridge_options(config, node) else { return Ok(None) };
    let started = BridgeLink::start(options);
    started.map(Some).map_err(|error| AppError::Configuration(format!("bridge.url: {error}")))
}

fn start_store(
    config: &Config,
    options: StoreOptions,
    hub: &Addr<NotificationHub>,
    local_users: LocalUsers,
    bridge: Option<&BridgeLink>,
) -> Result<StoreLink, AppError> {
    let facts = hub.clone().recipient::<Committed>();
    let others = Others { bus: bridge.map(BridgeLink::is_live) };
    let store = Store::open(StoreOptions { others, ..options }, facts, local_users)
        .map_err(|error| AppError::Store(format!("store.url: {error}")))?;
    Ok(StoreLink::start(store, config.store.busy_timeout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::gate::Rules, config::Sources};

    #[actix::test]
    async fn a_task_that_ends_is_missed_like_any_other_part() {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("store.url=sqlite://{}", folder.path().join("tidings.db").display());
        let overrides = vec![store, "auth.secret=0123456789abcdef0123456789abcdef".to_owned()];
        let config = Config::read(&Sources { overrides, ..Sources::default() }).unwrap().config;
        let node = NodeId::from_random(1);
        let mut parts = Parts::start(&config, node, true).await.unwrap();
        let gate = Arc::new(Gate::new(Rules::new(&config).unwrap(), parts.store.clone()));
        parts.start_company(&config, node, &gate).await.unwrap();
        assert_eq!(parts.missing(), None);
        let (name, task) = parts.tasks[0].clone();
        task.abort();
        assert_eq!(parts.watch(&Supervisor::default()).await, name);
        let panicking = actix::spawn(async { panic!("as it must not") });
        parts.tasks = vec![("what panics", panicking.abort_handle())];
        assert_eq!(parts.watch(&Supervisor::default()).await, "what panics");
    }
}
