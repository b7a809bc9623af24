//! The hub hears of everything, and in the end also of what it had no room for.

use std::sync::mpsc as std_mpsc;

use actix::Arbiter;

use super::*;

#[actix::test]
async fn facts_are_offered_before_the_answer_is_given() {
    let mut store = TestStore::new();
    for offset in 1..=50 {
        store.publish("alice").await;
        // The listener lives on this thread, so what was offered before the answer is handled before
        // an answer that is asked for now.
        store.state("alice").await;
        match store.facts.try_recv() {
            Ok(InboxFact::Appended { notification, .. }) => assert_eq!(notification.position.offset, offset),
            other => panic!("{other:?}"),
        }
    }
}

/// A hub with a small mailbox that stands still until it is told to go on.
struct Busy {
    go_on: std_mpsc::Receiver<()>,
    facts: mpsc::UnboundedSender<InboxFact>,
}

impl Actor for Busy {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1);
    }
}

impl Handler<Committed> for Busy {
    type Result = ();

    fn handle(&mut self, committed: Committed, _: &mut Self::Context) {
        let _ = self.go_on.recv();
        for fact in committed.facts {
            self.facts.send(fact).unwrap();
        }
    }
}

/// Publishes once to each of `user0` to `user19` while the hub stands still, and then lets it go on.
async fn twenty_publishes_past_a_full_hub(
    dir: &TempDir,
) -> (StoreLink, mpsc::UnboundedReceiver<InboxFact>, Arbiter) {
    let (hold, go_on) = std_mpsc::channel();
    let (facts, heard) = mpsc::unbounded_channel();
    let hub_thread = Arbiter::new();
    let hub = Busy::start_in_arbiter(&hub_thread.handle(), |_| Busy { go_on, facts });
    let store = Store::open(options(dir), hub.recipient(), LocalUsers::default()).unwrap();
    let link = StoreLink::start(store, Duration::from_secs(5));
    for i in 0..20 {
        link.ask(publish(draft(&format!("user{i}")))).await.unwrap();
    }
    drop(hold);
    (link, heard, hub_thread)
}

#[actix::test]
async fn what_a_full_hub_did_not_take_is_told_again() {
    let dir = TempDir::new().unwrap();
    let (link, mut heard, hub_thread) = twenty_publishes_past_a_full_hub(&dir).await;
    let mut told = std::collections::HashSet::new();
    let mut again = 0;
    within(async {
        while told.len() < 20 {
            let fact = heard.recv().await.unwrap();
            again += usize::from(matches!(&fact, InboxFact::Changed { position, counters, .. }
                if position.offset == 1 && counters.unread == 1));
            told.insert(fact.user().clone());
        }
    })
    .await;
    assert!(again >= 10, "only {again} were told again");
    link.flush().await;
    hub_thread.stop();
}

/// A mark moves the time of its inbox, and must not hide what was appended before it.
#[actix::test]
async fn what_a_full_hub_did_not_take_is_told_again_though_it_was_marked_meanwhile() {
    let dir = TempDir::new().unwrap();
    let (link, mut heard, hub_thread) = twenty_publishes_past_a_full_hub(&dir).await;
    let mark = Mark { mark_as: MarkAs::Read, target: MarkTarget::All };
    link.ask(ApplyMark { user: user("user19"), mark, origin: None }).await.unwrap();
    within(async {
        loop {
            let fact = heard.recv().await.unwrap();
            if matches!(&fact, InboxFact::Changed { user, position, .. }
                if user.as_str() == "user19" && position.offset == 1)
            {
                return;
            }
        }
    })
    .await;
    link.flush().await;
    hub_thread.stop();
}

#[actix::test]
async fn many_inboxes_are_told_again_page_by_page_and_each_once() {
    let store = TestStore::new();
    let users: Vec<String> = (0..600).map(|i| format!("u{i}")).collect();
    for part in users.chunks(300) {
        store.link.ask(publish(draft(&part.join(",")))).await.unwrap();
    }
    let mut conn = store.other_connection();
    let (mut from, mut told) = (inboxes::Place::START, Vec::new());
    loop {
        let page = inboxes::changed(&mut conn, &from, 70).unwrap();
        let Some(last) = page.last() else { break };
        from = last.place.clone();
        told.extend(page.into_iter().map(|inbox| inbox.user));
    }
    assert_eq!(told.len(), 600);
    assert_eq!(told.into_iter().collect::<std::collections::HashSet<_>>().len(), 600);
}
