//! What is no longer let in, in the memory of this process: the store has the same on disk.
//!
//! Asked at every verification, so it asks nobody itself. What is revoked of users and tokens stays for as long as
//! the process: nobody says when the last token that it is about ends. It costs about 150 bytes each.

use std::{
    collections::{HashMap, HashSet},
    sync::{PoisonError, RwLock},
    time::Duration,
};

use crate::domain::{Identity, Revocation, Revoked, SessionId, Timestamp, UserId, revocation::TokenId};

/// How long it is known that a session was ended, so that reading of it again does nothing: longer than it is kept.
const SESSION_AGE: Duration = Duration::from_secs(15 * 60);

/// Held for no longer than a look into a table, and never over anything that could panic.
#[derive(Default)]
pub struct Revocations(RwLock<Known>);

#[derive(Default)]
struct Known {
    users: HashMap<UserId, Timestamp>,
    tokens: HashSet<TokenId>,
    sessions: HashMap<SessionId, Timestamp>,
}

impl Revocations {
    /// Takes note of a revocation; whether it says anything new.
    pub fn add(&self, revocation: &Revocation) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Revocation { revoked, at } = revocation;
        match revoked {
            Revoked::User(user) => {
                let is_news = known.users.get(user).is_none_or(|known| known < at);
                if is_news {
                    known.users.insert(user.clone(), *at);
                }
                is_news
            }
            Revoked::Token(id) => known.tokens.insert(id.clone()),
            Revoked::Session(id) => {
                known.sessions.retain(|_, known| *known >= at.minus(SESSION_AGE));
                known.sessions.insert(id.clone(), *at).is_none_or(|known| known < *at)
            }
        }
    }

    /// Whether the token that said this is not good any more.
    pub fn is_revoked(&self, identity: &Identity) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_of = |at: &Timestamp| identity.issued_at.is_none_or(|issued| issued <= *at);
        known.users.get(&identity.user).is_some_and(is_of)
            || identity.token_id.as_deref().is_some_and(|id| known.tokens.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Scopes;

    fn identity(user: u8, issued_at: Option<i64>, token: Option<u8>) -> Identity {
        Identity {
            user: format!("u{user}").parse().unwrap(),
            scopes: Scopes::default(),
            expires_at: Timestamp::from_secs(1000),
            issued_at: issued_at.map(Timestamp::from_secs),
            token_id: token.map(|token| token.to_string()),
        }
    }

    fn revocation() -> impl Strategy<Value = Revocation> {
        let user = (0..3u8).prop_map(|user| Revoked::User(format!("u{user}").parse().unwrap()));
        let token = (0..3u8).prop_map(|token| Revoked::Token(token.to_string().parse().unwrap()));
        let at = (0..9i64).prop_map(Timestamp::from_secs);
        (prop_oneof![user, token], at).prop_map(|(revoked, at)| Revocation { revoked, at })
    }

    #[test]
    fn of_a_user_the_latest_revocation_counts() {
        let known = Revocations::default();
        let of_user =
            |at| Revocation { revoked: Revoked::User("u1".parse().unwrap()), at: Timestamp::from_secs(at) };
        assert!(known.add(&of_user(5)) && known.add(&of_user(9)));
        assert!(!known.add(&of_user(7)) && !known.add(&of_user(9)));
        assert!(known.is_revoked(&identity(1, Some(9), None)));
        assert!(!known.is_revoked(&identity(1, Some(10), None)));
    }

    #[test]
    fn the_end_of_a_session_is_news_once_and_is_forgotten_after_a_quarter_of_an_hour() {
        let known = Revocations::default();
        let [first, second] = [SessionId::generate(), SessionId::generate()];
        let ended = |session: &SessionId, at| Revocation {
            revoked: Revoked::Session(session.clone()),
            at: Timestamp::from_secs(at),
        };
        assert!(known.add(&ended(&first, 100)) && !known.add(&ended(&first, 100)));
        assert!(!known.add(&ended(&first, 99)) && known.add(&ended(&first, 101)));
        assert!(known.add(&ended(&second, 101 + 900)));
        assert!(!known.add(&ended(&first, 101)), "it is known for a quarter of an hour");
        assert!(known.add(&ended(&second, 101 + 901)));
        assert!(known.add(&ended(&first, 101)), "and not for longer");
    }

    proptest! {
        /// In whatever order they come, and however often.
        #[test]
        fn whatever_one_of_them_is_of_is_revoked_and_nothing_else(
            revocations in proptest::collection::vec(revocation(), 0..8),
            user in 0..3u8, issued_at in proptest::option::of(0..9i64), token in proptest::option::of(0..3u8),
        ) {
            let known = Revocations::default();
            for revocation in &revocations {
                known.add(revocation);
                prop_assert!(!known.add(revocation));
            }
            let identity = identity(user, issued_at, token);
            let expected = revocations.iter().any(|revocation| revocation.is_of(&identity));
            prop_assert_eq!(known.is_revoked(&identity), expected);
        }
    }
}
