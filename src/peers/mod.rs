//! ACTOR `Peers`: what nodes say to each other about themselves, and not about a stream.
//!
//! It owns who else is there, and questions that wait for answers. It asks all nodes on behalf of administrators,
//! answers theirs, and rings when another node has revoked something. Nothing depends on it but what administrators
//! see: what it has not heard in time is left out, and the answer says so.

pub mod messages;
mod survey;
mod words;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, ResponseActFuture, SpawnHandle, WrapFuture,
};
use messages::{Answer, Gather, Gathered, PeerNews, Question};
pub use survey::Survey;
use tokio::sync::{Notify, Semaphore, mpsc};
use words::{Answered, Asked, answer_text};

use crate::{
    bridge::{BridgeLink, messages::TellKind},
    domain::NodeId,
    mailbox::{self, AskError},
    random,
};

/// How long answers are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a node says that it is there, and how long it is believed to be after that.
const HELLO_INTERVAL: Duration = Duration::from_secs(5);
const HELLO_TTL: Duration = Duration::from_secs(16);

/// How long after the bus has come back all others have said that they are there.
const SETTLING: Duration = Duration::from_secs(2);

/// Questions that are answered at once; others wait for nobody, and are dropped.
const ANSWERING_MAX: usize = 16;

/// Answers to one question that may wait.
const ANSWERS_MAX: usize = 1024;

/// Most other nodes that are known, since whoever can write to the bus may claim to be one.
const NODES_MAX: usize = 1024;

/// What may wait here.
const MAILBOX_CAPACITY: usize = 1024;

/// Whether there may be other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nobody else can use the database, and there is no bus.
    Alone,
    /// There may be some; who they are, the bus tells.
    Possible,
}

pub struct Peers {
    survey: Survey,
    company: Company,
    /// Since when the bus is there.
    live_since: Option<Instant>,
    next_hello: Option<SpawnHandle>,
    /// When each of the others was last heard.
    nodes: HashMap<NodeId, Instant>,
    waiting: HashMap<u64, mpsc::Sender<(NodeId, Answered)>>,
    answering: Arc<Semaphore>,
    /// Rung when another node has revoked something.
    revoked: Arc<Notify>,
    /// Counts what is not believed.
    bridge: Option<BridgeLink>,
}

/// The way to it.
#[derive(Clone)]
pub struct PeersLink(Addr<Peers>);

impl PeersLink {
    /// Asks all nodes.
    ///
    /// # Errors
    /// As [`mailbox::ask`].
    pub async fn gather(&self, question: Question) -> Result<Gathered, AskError> {
        mailbox::ask(&self.0.clone().recipient(), Gather(question), PATIENCE * 3).await
    }

    pub fn is_alive(&self) -> bool {
        self.0.connected()
    }
}

impl Peers {
    /// Starts it. `revoked` is rung when another node has revoked something.
    pub fn launch(
        survey: Survey,
        company: Company,
        revoked: Arc<Notify>,
        bridge: Option<BridgeLink>,
    ) -> PeersLink {
        let hub = survey.hub.clone();
        let peers = Self {
            survey,
            company,
            live_since: None,
            next_hello: None,
            nodes: HashMap::new(),
            waiting: HashMap::new(),
            answering: Arc::new(Semaphore::new(ANSWERING_MAX)),
            revoked,
            bridge,
        };
        let addr = peers.start();
        hub.follow_bus(addr.clone().recipient());
        PeersLink(addr)
    }

    fn say(&self, to: Option<NodeId>, kind: TellKind, body: String) {
        self.survey.hub.tell_nodes(to, kind, body);
    }

    /// Says it to all, again and again while the bus is there.
    fn say_hello(&mut self, ctx: &mut Context<Self>) {
        self.say(None, TellKind::Hello, "{}".to_owned());
        self.nodes.retain(|_, heard| heard.elapsed() < HELLO_TTL);
        self.next_hello = Some(ctx.run_later(HELLO_INTERVAL, Self::say_hello));
    }

    fn fall_silent(&mut self, ctx: &mut Context<Self>) {
        if let Some(next) = self.next_hello.take() {
            ctx.cancel_future(next);
        }
    }

    /// The others that are there, and whether these are all.
    fn others(&self) -> (HashSet<NodeId>, bool) {
        let is_settled = self.live_since.is_some_and(|since| since.elapsed() >= SETTLING);
        let is_known = self.company == Company::Alone || is_settled;
        let others =
            if self.live_since.is_some() { self.nodes.keys().copied().collect() } else { HashSet::new() };
        (others, is_known)
    }

    fn hear(&mut self, ctx: &mut Context<Self>, from: NodeId, kind: TellKind, body: &str) {
        if self.nodes.len() >= NODES_MAX && !self.nodes.contains_key(&from) {
            return;
        }
        let is_new = self.nodes.insert(from, Instant::now()).is_none();
        match kind {
            TellKind::Hello if is_new => self.say(Some(from), TellKind::Hello, "{}".to_owned()),
            TellKind::Hello => {}
            TellKind::Revoked => self.revoked.notify_one(),
            TellKind::Question => match serde_json::from_str(body) {
                Ok(asked) => self.answer(ctx, from, asked),
                Err(_) => self.reject(from),
            },
            TellKind::Answer => match serde_json::from_str::<Answered>(body) {
                Ok(answered) => {
                    // Who does not wait any more has answered without it.
                    if let Some(waiting) = self.waiting.get(&answered.id) {
                        drop(waiting.try_send((from, answered)));
                    }
                }
                Err(_) => self.reject(from),
            },
        }
    }

    /// What came is not repeated: whoever can write to the bus would write lines into the log.
    fn reject(&self, from: NodeId) {
        log::debug!(node = from.as_str(); "a word of another node cannot be read");
        if let Some(bridge) = &self.bridge {
            bridge.reject();
        }
    }

    fn answer(&self, ctx: &mut Context<Self>, to: NodeId, Asked { id, question }: Asked) {
        let Ok(turn) = self.answering.clone().try_acquire_owned() else { return };
        let survey = self.survey.clone();
        let answering = async move {
            let answer = survey.answer(question).await;
            drop(turn);
            answer.ok().and_then(|answer| answer_text(id, answer))
        };
        ctx.spawn(answering.into_actor(self).map(move |text, peers, _| {
            if let Some(text) = text {
                peers.say(Some(to), TellKind::Answer, text);
            }
        }));
    }
}

impl Actor for Peers {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
    }
}

impl Handler<PeerNews> for Peers {
    type Result = ();

    fn handle(&mut self, news: PeerNews, ctx: &mut Self::Context) {
        match news {
            PeerNews::Live => {
                self.live_since = Some(Instant::now());
                self.fall_silent(ctx);
                self.say_hello(ctx);
            }
            PeerNews::Away => {
                self.live_since = None;
                self.fall_silent(ctx);
            }
            PeerNews::Lost(node) => drop(self.nodes.remove(&node)),
            PeerNews::Told { from, kind, body } => self.hear(ctx, from, kind, &body),
        }
    }
}

impl Handler<Gather> for Peers {
    type Result = ResponseActFuture<Self, Gathered>;

    fn handle(&mut self, Gather(question): Gather, _: &mut Self::Context) -> Self::Result {
        let id = random::bits();
        let (mut missing, is_known) = self.others();
        let (waiting, mut heard) = mpsc::channel(ANSWERS_MAX);
        if !missing.is_empty() {
            self.waiting.insert(id, waiting);
            let asked = Asked { id, question: question.clone() };
            if let Ok(body) = serde_json::to_string(&asked) {
                self.say(None, TellKind::Question, body);
            }
        }
        let survey = self.survey.clone();
        let gathering = async move {
            let (mut answers, mut is_complete) = (Vec::new(), is_known);
            let deadline = tokio::time::Instant::now() + PATIENCE;
            match survey.answer(question).await {
                Ok(answer) => answers.push((survey.node, answer)),
                Err(error) => {
                    log::warn!("this node could not be surveyed: {error}");
                    is_complete = false;
                }
            }
            // The bus may say things twice, and one that has just come was not expected.
            let mut known: HashSet<NodeId> = HashSet::from([survey.node]);
            while !missing.is_empty()
                && let Ok(Some((node, answered))) = tokio::time::timeout_at(deadline, heard.recv()).await
            {
                missing.remove(&node);
                if known.insert(node) {
                    is_complete &= answered.is_whole;
                    answers.push((node, answered.answer));
                }
            }
            answers.sort_unstable_by_key(|(node, _): &(NodeId, Answer)| *node);
            Gathered { answers, is_complete: is_complete && missing.is_empty() }
        };
        Box::pin(gathering.into_actor(self).map(move |gathered, peers, _| {
            peers.waiting.remove(&id);
            gathered
        }))
    }
}
