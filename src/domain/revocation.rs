//! What an administrator takes back: the tokens of a user, one token, one session.

use std::{borrow::Borrow, str::FromStr};

use super::{Identity, Invalid, SessionId, Timestamp, UserId};

/// Longest `jti` that can be revoked, in characters.
const TOKEN_ID_MAX: usize = 255;

/// Something that is no longer let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub revoked: Revoked,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// The tokens of this user that were issued up to then; one that does not say when is as old as can be.
    User(UserId),
    /// One token, whenever it was issued.
    Token(TokenId),
    /// One session; its token stays good.
    Session(SessionId),
}

impl Revocation {
    /// Whether a token that said this is not good any more.
    pub fn is_of(&self, identity: &Identity) -> bool {
        match &self.revoked {
            Revoked::User(user) => {
                identity.user == *user && identity.issued_at.is_none_or(|issued| issued <= self.at)
            }
            Revoked::Token(id) => identity.token_id.as_deref() == Some(id.as_str()),
            Revoked::Session(_) => false,
        }
    }

    /// Whether this session has to end.
    pub fn ends(&self, session: &SessionId, identity: &Identity) -> bool {
        matches!(&self.revoked, Revoked::Session(id) if id == session) || self.is_of(identity)
    }
}

impl Revoked {
    /// How it is called where it is kept: what it is of, and its name.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::User(user) => ("user", user.as_str()),
            Self::Token(id) => ("jti", id.as_str()),
            Self::Session(id) => ("session", id.as_str()),
        }
    }

    /// # Errors
    /// What is wrong with the words.
    pub fn from_words(kind: &str, value: &str) -> Result<Self, Invalid> {
        match kind {
            "user" => value.parse().map(Self::User),
            "jti" => value.parse().map(Self::Token),
            "session" => value.parse().map(Self::Session),
            _ => Err(Invalid::new("a user, a jti or a session is revoked")),
        }
    }
}

/// The `jti` of a token: 1 to 255 characters, none of them a control.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TokenId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (1..=TOKEN_ID_MAX).contains(&text.chars().count()) && !text.contains(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new("a jti is 1 to 255 characters, none of them a control character"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Scopes;

    const AT: Timestamp = Timestamp::from_secs(100);

    fn token(issued_at: Option<i64>, token_id: Option<&str>) -> Identity {
        Identity {
            user: "alice".parse().unwrap(),
            scopes: Scopes::default(),
            expires_at: Timestamp::from_secs(1000),
            issued_at: issued_at.map(Timestamp::from_secs),
            token_id: token_id.map(str::to_owned),
        }
    }

    fn revocation(kind: &str, value: &str) -> Revocation {
        Revocation { revoked: Revoked::from_words(kind, value).unwrap(), at: AT }
    }

    #[test]
    fn of_a_user_go_all_tokens_up_to_then_and_those_without_a_time() {
        let alice = revocation("user", "alice");
        for (issued_at, is_revoked) in [(None, true), (Some(99), true), (Some(100), true), (Some(101), false)]
        {
            assert_eq!(alice.is_of(&token(issued_at, None)), is_revoked, "{issued_at:?}");
        }
        assert!(!revocation("user", "bob").is_of(&token(None, None)));
    }

    #[test]
    fn one_token_goes_whenever_it_was_issued_and_no_other() {
        let one = revocation("jti", "a");
        assert!(one.is_of(&token(Some(500), Some("a"))));
        assert!(!one.is_of(&token(None, Some("b"))) && !one.is_of(&token(None, None)));
    }

    #[test]
    fn a_session_ends_and_its_token_stays() {
        let id = SessionId::generate();
        let one = revocation("session", id.as_str());
        let token = token(None, None);
        assert!(one.ends(&id, &token) && !one.ends(&SessionId::generate(), &token) && !one.is_of(&token));
    }

    #[test]
    fn what_is_revoked_reads_back_from_its_words() {
        for (kind, value) in [("user", "alice"), ("jti", "ü 1"), ("session", SessionId::generate().as_str())]
        {
            assert_eq!(Revoked::from_words(kind, value).unwrap().words(), (kind, value));
        }
        let long = "x".repeat(256);
        for (kind, value) in
            [("user", "a b"), ("jti", ""), ("jti", "a\0"), ("jti", &long), ("session", "x"), ("x", "x")]
        {
            assert!(Revoked::from_words(kind, value).is_err(), "{kind} {value}");
        }
    }
}
