//! Commands in, answers out.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::value::RawValue;

use super::{Session, manners::TooMany, replay::Opening};
use crate::{
    auth::gate::Refusal,
    clock,
    domain::{Ack, Identity, Position, RoomName, Scopes, UserId, json},
    hub::slots::Receiver,
    observe::metrics,
    protocol::{
        CloseCode, ErrorCode,
        command::{Action, BadCommand, Command, Ref},
        event::{Done, Outcome, Pong, Refused},
    },
    store::messages::{Acknowledge, ApplyMark, StoreError},
};

/// What is left of a command that waits for the store; the next command is read when it is done.
pub type Pending = Pin<Box<dyn Future<Output = ()>>>;

impl Session {
    /// Takes one text message.
    pub fn command(self: &Rc<Self>, text: &str) -> Option<Pending> {
        if self.outbox.is_closing() {
            return None;
        }
        if !self.is_admitted() {
            self.tally().received(Some("auth"), text.len());
            self.first_message(text);
            return Some(Box::pin(self.clone().opened()));
        }
        let command = Command::parse(text);
        let word = command.as_ref().map_or_else(|bad| bad.command, |command| Some(command.action.word()));
        self.tally().received(word, text.len());
        if !self.is_in_time(&command) {
            return None;
        }
        match command {
            Ok(Command { reference, action }) => self.act(reference, action),
            Err(bad) => {
                self.refuse(bad.reference.as_ref(), bad.command, bad.code, &bad.message);
                None
            }
        }
    }

    /// Takes note of a control frame.
    pub fn control(&self) {
        let taken = self.manners.borrow_mut().control_frame(Instant::now());
        if let Err(TooMany::End(code)) = taken {
            self.end(code);
        }
    }

    fn act(self: &Rc<Self>, reference: Option<Ref>, action: Action<'_>) -> Option<Pending> {
        let word = action.word();
        match action {
            Action::Auth { token } => self.refresh(reference.as_ref(), &token),
            Action::Resume { since } => {
                self.resume(reference, since);
                return Some(Box::pin(self.clone().opened()));
            }
            Action::Join { room, since } => {
                self.join(reference, room, since);
                return Some(Box::pin(self.clone().opened()));
            }
            Action::Leave { room } => self.leave(reference.as_ref(), &room),
            Action::Message { room, draft } => self.publish(reference, room, draft),
            Action::Typing { room, is_active } => self.type_in(reference.as_ref(), room, is_active),
            Action::Ping => self.reply(&Pong { reference: reference.as_ref() }),
            Action::Pong => {}
            Action::Echo { data } => self.echo(reference.as_ref(), data),
            Action::Mark(mark) => {
                let user = self.identity.borrow().as_ref()?.user.clone();
                let message = ApplyMark { user, mark, origin: self.key() };
                let session = self.clone();
                return Some(Box::pin(async move {
                    let answer = session.worker.store.ask(message).await;
                    session.answer(reference.as_ref(), word, answer, |counters| Outcome::Mark { counters });
                }));
            }
            Action::Ack(Ack { up_to, is_visible }) => {
                let user = self.identity.borrow().as_ref()?.user.clone();
                let session = self.clone();
                return Some(Box::pin(async move {
                    let answer = session.worker.store.ask(Acknowledge { user, up_to, is_visible }).await;
                    session.answer(reference.as_ref(), word, answer, |()| Outcome::Nothing {});
                }));
            }
        }
        None
    }

    /// The first message of a connection that came without a credential (PROTOCOL.md section 2).
    fn first_message(&self, text: &str) {
        if json::Fields::parse(text).is_err() {
            self.end(CloseCode::Policy);
            return;
        }
        let Ok(Command { reference, action: Action::Auth { token } }) = Command::parse(text) else {
            self.end(CloseCode::AuthTimeout);
            return;
        };
        let Some(identity) = self.verify(&token) else {
            self.end(CloseCode::InvalidToken);
            return;
        };
        if !self.following.borrow().rooms.iter().all(|room| identity.scopes.may_join(room)) {
            self.end(CloseCode::Forbidden);
            return;
        }
        self.admit(identity, Opening::Welcome(reference));
    }

    /// Why a token is refused is for the log alone.
    fn verify(&self, token: &str) -> Option<Identity> {
        let verified = self.worker.gate.verify(token, clock::now());
        if let Err(error) = &verified {
            self.worker.gate.tell_refused(self.line.client(), &Refusal::InvalidToken, error.reason());
        }
        verified.ok()
    }

    /// A new token for the same user replaces scopes and expiry; any other leaves the old one.
    fn refresh(&self, reference: Option<&Ref>, token: &str) {
        let fresh = self.verify(token);
        let is_mine =
            |fresh: &Identity| self.identity.borrow().as_ref().is_some_and(|old| old.user == fresh.user);
        let Some(fresh) = fresh.filter(is_mine) else {
            return self.refuse(
                reference,
                Some("auth"),
                ErrorCode::Forbidden,
                "the token is not a valid one of this user",
            );
        };
        let result = Outcome::Auth { expires_at: fresh.expires_at, scopes: fresh.scopes.words() };
        self.done(reference, "auth", result);
        *self.identity.borrow_mut() = Some(fresh);
        self.leave_forbidden();
    }

    pub(super) fn user(&self) -> Option<UserId> {
        self.identity.borrow().as_ref().map(|identity| identity.user.clone())
    }

    /// Whether the token allows it, as it is now.
    pub(super) fn may(&self, is_allowed: impl FnOnce(&Scopes) -> bool) -> bool {
        self.identity.borrow().as_ref().is_some_and(|identity| is_allowed(&identity.scopes))
    }

    fn resume(&self, reference: Option<Ref>, since: Position) {
        self.with_inbox(|inbox| inbox.restart(since));
        self.openings.borrow_mut().push(Opening::Resume(reference));
        self.read(Some(since));
    }

    fn echo(&self, reference: Option<&Ref>, data: &RawValue) {
        if data.get().len() > self.worker.policy.data_bytes {
            return self.refuse(reference, Some("echo"), ErrorCode::TooLarge, "data is too large");
        }
        // An echo is its own answer, so it comes without a ref, too.
        self.reply(&Done { reference, command: "echo", result: Outcome::Echo { data } });
    }

    fn answer<T>(
        &self,
        reference: Option<&Ref>,
        command: &'static str,
        answer: Result<T, StoreError>,
        outcome: impl FnOnce(T) -> Outcome<'static>,
    ) {
        match answer {
            Ok(result) => self.done(reference, command, outcome(result)),
            Err(StoreError::BadPosition) => {
                let message = "the position is not one of this inbox";
                self.refuse(reference, Some(command), ErrorCode::BadCursor, message);
            }
            Err(error @ (StoreError::Overloaded | StoreError::Unavailable(_) | StoreError::Full(_))) => {
                log::warn!(session = self.id.as_str(), command; "a command failed: {error}");
                self.refuse(reference, Some(command), ErrorCode::Unavailable, "try again later");
            }
            Err(error) => {
                log::error!(session = self.id.as_str(), command; "a command failed: {error}");
                self.refuse(reference, Some(command), ErrorCode::Internal, "internal error");
            }
        }
    }

    pub(super) fn done(&self, reference: Option<&Ref>, command: &str, result: Outcome<'_>) {
        if reference.is_some() {
            self.reply(&Done { reference, command, result });
        }
    }

    fn refuse(&self, reference: Option<&Ref>, command: Option<&str>, code: ErrorCode, message: &str) {
        self.refused(&Refused::new(reference, command, None, code, message, None));
    }

    /// Refuses what was about a room.
    pub(super) fn refuse_room(
        &self,
        reference: Option<&Ref>,
        command: &str,
        room: Option<&RoomName>,
        code: ErrorCode,
        message: &str,
        retry_after: Option<Duration>,
    ) {
        let command = Some(command);
        self.refused(&Refused::new(reference, command, room, code, message, retry_after.map(millis)));
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.reply(refused);
        let code = refused.code;
        if code.is_clients_fault() && self.manners.borrow_mut().error(Instant::now()) {
            self.end(CloseCode::TooManyErrors);
        }
    }

    /// Counts a command towards the rate; refuses one that comes too early.
    fn is_in_time(&self, command: &Result<Command<'_>, BadCommand>) -> bool {
        let is_counted = command.as_ref().map_or(true, |command| command.action.is_limited());
        let taken = {
            let (mut manners, now) = (self.manners.borrow_mut(), Instant::now());
            if is_counted { manners.command(now) } else { manners.uncounted(now) }
        };
        match taken {
            Ok(()) => return true,
            Err(TooMany::End(code)) => {
                self.end(code);
            }
            Err(TooMany::RetryAfter(wait)) => {
                metrics::limit_exceeded("messages");
                let (reference, word, room) = match command {
                    Ok(Command { reference, action }) => {
                        (reference.as_ref(), Some(action.word()), action.room())
                    }
                    Err(bad) => (bad.reference.as_ref(), bad.command, None),
                };
                let (code, wait) = (ErrorCode::RateLimited, Some(millis(wait)));
                self.reply(&Refused::new(reference, word, room, code, "too many messages", wait));
            }
        }
        false
    }
}

/// A wait in whole milliseconds, at least one.
fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}
