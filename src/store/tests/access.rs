//! Tickets, and what is revoked.

use futures_util::future::join_all;

use super::*;
use crate::domain::{Identity, Revocation, Revoked, Scopes};

fn identity(of: &str) -> Identity {
    Identity {
        user: user(of),
        scopes: Scopes::parse("join:a notify"),
        expires_at: Timestamp::from_secs(100),
        issued_at: Some(Timestamp::from_micros(1_500_000)),
        token_id: Some("a\0b".to_owned()),
    }
}

impl TestStore {
    async fn keep_ticket(&self, of: &str, name: u8, seconds: u64) -> Result<(), StoreError> {
        let (digest, lifetime) = ([name; 32], Duration::from_secs(seconds));
        self.link.ask(KeepTicket { digest, identity: identity(of), lifetime }).await
    }

    async fn redeem(&self, name: u8) -> Option<Identity> {
        self.link.ask(RedeemTicket { digest: [name; 32] }).await.unwrap()
    }

    async fn revoke(&self, revoked: &[(&str, &str)]) -> Vec<Revocation> {
        let revoked = revoked.iter().map(|(kind, value)| Revoked::from_words(kind, value).unwrap()).collect();
        self.link.ask(Revoke { revoked }).await.unwrap().1
    }

    /// What was revoked since then, page by page.
    async fn revoked(&self, since: Timestamp) -> Vec<Revocation> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.link.ask(ReadRevocations { since, after, limit: 10 }).await.unwrap();
            all.extend(page.revocations);
            if !page.has_more {
                return all;
            }
            after = all.last().cloned();
        }
    }
}

#[actix::test]
async fn a_ticket_is_its_whole_identity_once_and_in_the_next_process_too() {
    let store = TestStore::new();
    store.keep_ticket("alice", 1, 30).await.unwrap();
    store.keep_ticket("alice", 2, 30).await.unwrap();
    assert_eq!(store.redeem(1).await, Some(identity("alice")));
    let store = store.reopened().await;
    assert_eq!((store.redeem(1).await, store.redeem(2).await), (None, Some(identity("alice"))));
    assert_eq!((store.redeem(2).await, store.redeem(3).await), (None, None));
}

#[actix::test]
async fn whoever_redeems_at_the_same_time_only_one_gets_it() {
    let store = TestStore::new();
    for name in 0..10 {
        store.keep_ticket("alice", name, 30).await.unwrap();
        let all = join_all((0..20).map(|_| store.redeem(name))).await;
        assert_eq!(all.iter().flatten().count(), 1);
    }
}

#[actix::test]
async fn a_ticket_whose_time_is_over_opens_nothing_and_makes_room() {
    let store = TestStore::with(|options| options.tickets_max = 2);
    store.keep_ticket("alice", 1, 0).await.unwrap();
    assert_eq!(store.redeem(1).await, None);
    for name in 2..4 {
        store.keep_ticket("alice", name, 30).await.unwrap();
    }
    let refused = store.keep_ticket("alice", 4, 30).await;
    assert!(
        matches!(refused, Err(StoreError::TooManyTickets(wait)) if !wait.is_zero() && wait.as_secs() < 30)
    );
    store.keep_ticket("bob", 5, 30).await.unwrap();
    store.execute("UPDATE tickets SET expires_at = 1 WHERE user_id = 'alice'");
    store.keep_ticket("alice", 6, 30).await.unwrap();
    assert!(store.redeem(6).await.is_some());
    store.keep_ticket("alice", 7, 30).await.unwrap();
}

#[actix::test]
async fn what_is_revoked_is_read_in_order_page_by_page_and_in_the_next_process() {
    let store = TestStore::new();
    let names: Vec<String> = (0..21).map(|i| format!("u{i:02}")).collect();
    let words: Vec<(&str, &str)> = names.iter().map(|name| ("user", name.as_str())).collect();
    let mut expected = store.revoke(&words).await;
    expected.extend(store.revoke(&[("jti", "a b"), ("user", "zoe")]).await);
    let store = store.reopened().await;
    assert_eq!(store.revoked(Timestamp::from_micros(0)).await, expected);
    assert_eq!(store.revoked(expected[21].at).await, expected[21..]);
    assert_eq!(store.revoked(expected[22].at.plus(Duration::from_micros(1))).await, []);
}

#[actix::test]
async fn what_is_revoked_again_is_so_up_to_now_and_no_clock_takes_that_back() {
    let store = TestStore::new();
    let first = store.revoke(&[("user", "alice")]).await;
    let again = store.revoke(&[("user", "alice")]).await;
    assert!(first[0].at < again[0].at);
    assert_eq!(store.revoked(Timestamp::from_micros(0)).await, again);
    let far = i64::MAX;
    store.execute(&format!("UPDATE revocations SET revoked_at = {far}"));
    store.revoke(&[("user", "alice")]).await;
    assert_eq!(store.revoked(Timestamp::from_micros(0)).await[0].at, Timestamp::from_micros(far));
}
