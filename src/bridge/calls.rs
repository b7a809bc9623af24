//! Calls to Redis, made of orders.

use redis::{Arg, Cmd, cmd};

use super::{
    BridgeOptions, RoomBounds,
    envelope::{Body, MEMBERS_MAX, Sealer},
    messages::{Purpose, Tell},
    names::{Channel, Names},
    scripts::{Member, Script},
    signature::Signer,
};
use crate::{
    domain::{Epoch, MessageDraft, NodeId, Position, RoomName, UserId},
    hub::messages::InboxFact,
    random,
};

/// Bytes of messages in one answer of [`Script::Open`], so that none takes long.
const PAGE_BYTES: usize = 128 * 1024;

/// One call: a command, or a script by its hash.
#[derive(Debug)]
pub struct Call {
    pub cmd: Cmd,
    /// What it is about: calls with the same text go to the same server of a cluster, in order.
    pub key: String,
}

impl Call {
    pub fn is_script(&self) -> bool {
        matches!(self.cmd.args_iter().next(), Some(Arg::Simple(b"EVALSHA")))
    }

    /// About what it takes to say it.
    pub fn bytes(&self) -> usize {
        let argument = |arg| if let Arg::Simple(bytes) = arg { <[u8]>::len(bytes) } else { 0 };
        self.cmd.args_iter().map(argument).sum()
    }
}

/// Makes calls.
pub struct Calls {
    node: NodeId,
    names: Names,
    pub sealer: Sealer,
    bounds: RoomBounds,
    lease: std::time::Duration,
    /// One life of the connection.
    generation: std::cell::Cell<u64>,
    /// One life of the server, where it is known: what it has may be older than what it had in another.
    run: std::cell::RefCell<String>,
    /// `PUBLISH`, or `SPUBLISH` in a cluster.
    publish: std::cell::Cell<&'static str>,
}

impl Calls {
    pub fn new(options: &BridgeOptions) -> Self {
        let names = || Names::new(options.prefix.clone());
        let signer = Signer::new(options.secret.as_ref());
        Self {
            node: options.node,
            names: names(),
            sealer: Sealer::new(names(), signer, options.data_bytes),
            bounds: options.rooms,
            // With the interval of looking, and the grace of who leaves, it is over in time.
            lease: options.presence_ttl.mul_f64(0.8),
            generation: std::cell::Cell::new(random::bits()),
            run: std::cell::RefCell::default(),
            publish: std::cell::Cell::new("PUBLISH"),
        }
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// A new connection is made. In a cluster, what is published goes to one server and not to all.
    pub fn connected(&self, is_cluster: bool, run: String) {
        self.generation.set(random::bits());
        self.run.replace(run);
        self.publish.set(if is_cluster { "SPUBLISH" } else { "PUBLISH" });
    }

    /// Says something in a channel.
    pub fn say(&self, channel: &Channel, body: &Body) -> Call {
        let key = self.names.channel(channel);
        let mut cmd = cmd(self.publish.get());
        cmd.arg(&key).arg(self.sealer.seal(channel, body));
        Call { cmd, key }
    }

    pub fn announce(&self, fact: InboxFact) -> Call {
        let channel = Channel::Inbox(fact.user().clone());
        self.say(&channel, &Body::of_fact(self.node, fact))
    }

    pub fn publish(&self, room: RoomName, from: UserId, draft: MessageDraft, known: Position) -> Call {
        let nonce = draft.nonce.as_ref().map(|nonce| format!("{from}/{nonce}")).unwrap_or_default();
        let channel = Channel::Room(room.clone());
        let sealed = self.sealer.seal(&channel, &Body::of_message(from, draft));
        let RoomBounds { history_size, history_bytes, .. } = self.bounds;
        let keys = [self.names.meta(&room), self.names.log(&room), self.names.nonces(&room)];
        let mut cmd = eval(Script::Publish, &keys);
        cmd.arg(new_epoch().as_str())
            .arg(nonce)
            .arg(sealed)
            .arg(self.names.room(&room))
            .arg(self.publish.get())
            .arg(self.bounds.messages_per_second)
            .arg(self.bounds.messages_burst)
            .arg(history_size)
            .arg(history_bytes)
            .arg(millis(self.bounds.history_ttl))
            .arg(millis(self.bounds.position_ttl))
            .arg(known.epoch.as_str())
            .arg(known.offset)
            .arg(self.run.borrow().as_str());
        keyed(cmd, keys)
    }

    /// Reads a room behind a position.
    pub fn open(&self, room: &RoomName, known: Position, purpose: &Purpose) -> Call {
        let names = &self.names;
        let keys = [names.meta(room), names.log(room), names.nonces(room), names.members(room)];
        let mut cmd = eval(Script::Open, &keys);
        cmd.arg(new_epoch().as_str())
            .arg(known.epoch.as_str())
            .arg(known.offset)
            .arg(millis(self.bounds.history_ttl))
            .arg(millis(self.bounds.position_ttl))
            .arg(PAGE_BYTES)
            .arg(self.run.borrow().as_str())
            .arg(match purpose {
                Purpose::Enter(_) => "enter",
                Purpose::Look => "look",
                Purpose::Messages => "messages",
            });
        keyed(cmd, keys)
    }

    /// Says who is in a room here, and that nobody else is.
    pub fn present(&self, room: &RoomName, users: &[UserId]) -> Call {
        let channel = Channel::Room(room.clone());
        let parts = users.len().div_ceil(MEMBERS_MAX).max(1);
        let words = (0..parts).map(|part| {
            let before = part * MEMBERS_MAX;
            let users = users.iter().skip(before).take(MEMBERS_MAX).cloned().collect();
            Body::Members { node: self.node, before, users, has_more: part + 1 < parts }
        });
        let keys = [self.names.members(room)];
        let mut cmd = eval(Script::Present, &keys);
        cmd.arg(self.node.as_str())
            .arg(self.stamp())
            .arg(millis(self.bounds.position_ttl))
            .arg(self.names.room(room))
            .arg(self.publish.get())
            .arg(parts);
        for word in words {
            cmd.arg(self.sealer.seal(&channel, &word));
        }
        for user in users {
            cmd.arg(user.as_str());
        }
        keyed(cmd, keys)
    }

    pub fn enter(&self, room: RoomName, user: UserId) -> Call {
        let keys = [self.names.members(&room)];
        let mut cmd = eval(Script::Enter, &keys);
        cmd.arg(Member::field(self.node, &user))
            .arg(self.stamp())
            .arg(millis(self.bounds.position_ttl))
            .arg(self.names.room(&room))
            .arg(self.publish.get());
        let word = Body::Entered { node: self.node, user };
        cmd.arg(self.sealer.seal(&Channel::Room(room), &word));
        keyed(cmd, keys)
    }

    pub fn exit(&self, room: RoomName, user: UserId) -> Call {
        let keys = [self.names.members(&room)];
        let mut cmd = eval(Script::Exit, &keys);
        cmd.arg(Member::field(self.node, &user)).arg(self.names.room(&room)).arg(self.publish.get());
        let word = Body::Exited { node: self.node, user };
        cmd.arg(self.sealer.seal(&Channel::Room(room), &word));
        keyed(cmd, keys)
    }

    pub fn typing(&self, room: RoomName, user: UserId, is_active: bool) -> Call {
        self.say(&Channel::Room(room), &Body::Typing { node: self.node, user, is_active })
    }

    pub fn tell(&self, Tell { to, kind, body }: Tell) -> Call {
        self.say(&Channel::Nodes, &Body::Told { node: self.node, to, kind, body })
    }

    /// Takes members of lost nodes out of a room.
    pub fn purge(&self, room: &RoomName, members: &[Member]) -> Call {
        let keys = [self.names.members(room)];
        let mut cmd = eval(Script::Purge, &keys);
        for member in members {
            cmd.arg(Member::field(member.node, &member.user)).arg(&member.stamp);
        }
        keyed(cmd, keys)
    }

    /// Keeps what a room has for as long as somebody follows it, though nothing happens there.
    pub fn keep(&self, room: &RoomName) -> [Call; 2] {
        [self.names.meta(room), self.names.members(room)].map(|key| {
            let mut cmd = cmd("PEXPIRE");
            cmd.arg(&key).arg(millis(self.bounds.position_ttl));
            Call { cmd, key }
        })
    }

    pub fn lease(&self) -> Call {
        let keys = [self.names.lease(self.node), self.names.nodes()];
        let mut cmd = eval(Script::Lease, &keys);
        cmd.arg(self.node.as_str())
            .arg(self.generation.get())
            .arg(millis(self.lease))
            .arg(self.names.leases());
        keyed(cmd, keys)
    }

    /// Tells one writing of a member from another, and in which generation it was made.
    fn stamp(&self) -> String {
        format!("{}-{}", self.generation.get(), random::bits())
    }

    /// Has the lease end soon.
    pub fn end_lease(&self, after: std::time::Duration) -> Call {
        let key = self.names.lease(self.node);
        let mut cmd = cmd("PEXPIRE");
        cmd.arg(&key).arg(millis(after));
        Call { cmd, key }
    }
}

fn eval(script: Script, keys: &[String]) -> Cmd {
    let mut cmd = cmd("EVALSHA");
    cmd.arg(script.hash()).arg(keys.len()).arg(keys);
    cmd
}

fn keyed<const N: usize>(cmd: Cmd, keys: [String; N]) -> Call {
    Call { cmd, key: keys.into_iter().next().unwrap_or_default() }
}

fn new_epoch() -> Epoch {
    Epoch::from_random(random::bits())
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(i64::MAX as u64 / 2).max(1)
}
