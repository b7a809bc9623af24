//! Between the store and the hub: loses, doubles, keeps and reorders what is made known.

use std::{cell::RefCell, rc::Rc};

use actix::{Actor, Addr, Context, Handler};

use crate::{
    hub::{
        NotificationHub,
        messages::{Committed, InboxFact},
    },
    mailbox::{Budget, signal},
};

/// What becomes of a fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    Passes,
    IsLost,
    ComesTwice,
    /// It is heard when it is let go, perhaps behind what came later, or never.
    IsKept,
    /// It is heard at once, and again when it is let go.
    ComesAgain,
    /// Only the news comes of where its inbox stands, as after facts that the hub did not take.
    IsNews,
}

/// The steps of a play change it while it runs.
#[derive(Clone)]
pub struct Doorbell(Rc<RefCell<State>>);

struct State {
    hub: Addr<NotificationHub>,
    /// Taken in turn, round and round; none at all is an honest doorbell.
    fates: Vec<Fate>,
    heard: usize,
    kept: Vec<InboxFact>,
}

impl Doorbell {
    pub fn new(hub: Addr<NotificationHub>, fates: Vec<Fate>) -> Self {
        Self(Rc::new(RefCell::new(State { hub, fates, heard: 0, kept: Vec::new() })))
    }

    /// Lets go of kept facts: each number chooses among those that are left.
    pub fn let_go(&self, choices: &[usize]) {
        let mut state = self.0.borrow_mut();
        let mut facts = Vec::new();
        for choice in choices {
            if let Some(place) = choice.checked_rem(state.kept.len()) {
                facts.push(state.kept.remove(place));
            }
        }
        state.ring(facts);
    }

    /// Makes known what nobody hinders.
    pub fn ring(&self, fact: InboxFact) {
        self.0.borrow().ring(vec![fact]);
    }

    /// From now on these are the fates, and what was kept is lost.
    pub fn change(&self, fates: Vec<Fate>) {
        let mut state = self.0.borrow_mut();
        state.fates = fates;
        state.kept.clear();
    }
}

impl State {
    fn fate(&mut self) -> Fate {
        let Some(place) = self.heard.checked_rem(self.fates.len()) else { return Fate::Passes };
        self.heard += 1;
        self.fates[place]
    }

    fn ring(&self, facts: Vec<InboxFact>) {
        let load = Budget::new(0).take(0).unwrap();
        signal(&self.hub, Committed { facts, are_found: false, load });
    }
}

impl Actor for Doorbell {
    type Context = Context<Self>;
}

impl Handler<Committed> for Doorbell {
    type Result = ();

    fn handle(&mut self, committed: Committed, _: &mut Self::Context) {
        let mut state = self.0.borrow_mut();
        let mut passing = Vec::new();
        for fact in committed.facts {
            let fate = state.fate();
            let fact = if fate == Fate::IsNews { news(fact) } else { fact };
            let (times, is_kept) = match fate {
                Fate::Passes | Fate::IsNews => (1, false),
                Fate::IsLost => (0, false),
                Fate::ComesTwice => (2, false),
                Fate::IsKept => (0, true),
                Fate::ComesAgain => (1, true),
            };
            passing.extend(std::iter::repeat_n(fact.clone(), times));
            state.kept.extend(is_kept.then_some(fact));
        }
        state.ring(passing);
    }
}

/// What is told of a notification that nobody has heard of.
fn news(fact: InboxFact) -> InboxFact {
    match fact {
        InboxFact::Appended { user, notification, counters } => {
            InboxFact::Changed { user, position: notification.position, counters }
        }
        other => other,
    }
}
