//! One-time tickets, so that a token need not stand in an address (PROTOCOL.md section 2, T19).
//!
//! Owns who holds which ticket, in the memory of this process: a ticket lives so short that a restart may
//! forget it. Must never keep a ticket itself, give one twice, or let one outlast the token behind it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hashlink::LinkedHashMap;
use secrecy::SecretString;

use crate::{
    domain::{Identity, UserId},
    random,
};

/// How long a ticket may wait for its one use.
const LIFETIME: Duration = Duration::from_secs(30);

/// Open tickets of all users together: about 50 MiB with tokens of the usual size.
const OPEN_MAX: usize = 100_000;

/// By this, what is no ticket is told from one at sight.
const PREFIX: &str = "tkt_";

/// A fresh ticket.
#[derive(Debug)]
pub struct Ticket {
    pub text: SecretString,
    pub expires_in: Duration,
}

/// Why there is no ticket now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefusal {
    #[error("the user has as many open tickets as one may have")]
    TooMany,
    #[error("no ticket can be given now")]
    Unavailable,
}

/// SHA-256 of a ticket. Looked up instead of the ticket: how long a comparison takes says something about the
/// digest of a guess, which nobody can choose byte by byte; and what is kept opens nothing.
type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// The open tickets. Time is an argument.
pub struct Tickets {
    /// Of one user; `None` is no limit.
    per_user: Option<usize>,
    /// Oldest first. All live equally long, so those that have expired stand in front.
    open: LinkedHashMap<Digest, Open>,
    of_user: HashMap<UserId, usize>,
}

struct Open {
    identity: Identity,
    ends: Instant,
}

impl Tickets {
    pub fn new(per_user: Option<usize>) -> Self {
        Self { per_user, open: LinkedHashMap::new(), of_user: HashMap::new() }
    }

    /// Gives a ticket that stands for this identity, once.
    ///
    /// # Errors
    /// If the user, or all users together, have too many that are open.
    pub fn issue(&mut self, identity: Identity, now: Instant) -> Result<Ticket, TicketRefusal> {
        self.sweep(now);
        let held = self.of_user.get(&identity.user).copied().unwrap_or_default();
        if self.per_user.is_some_and(|most| held >= most) {
            return Err(TicketRefusal::TooMany);
        }
        if self.open.len() >= OPEN_MAX {
            return Err(TicketRefusal::Unavailable);
        }
        let secret = random::secret().ok_or(TicketRefusal::Unavailable)?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        *self.of_user.entry(identity.user.clone()).or_default() += 1;
        self.open.insert(digest_of(&text), Open { identity, ends: now + LIFETIME });
        Ok(Ticket { text: text.into(), expires_in: LIFETIME })
    }

    /// Takes a ticket for good; who asks for it again gets nothing.
    pub fn redeem(&mut self, text: &str, now: Instant) -> Option<Identity> {
        self.sweep(now);
        let open = self.open.remove(&digest_of(text))?;
        self.forget(&open.identity.user);
        Some(open.identity)
    }

    /// Lets go of what has expired; each ticket is let go of once.
    fn sweep(&mut self, now: Instant) {
        while let Some((_, oldest)) = self.open.front()
            && oldest.ends <= now
            && let Some((_, expired)) = self.open.pop_front()
        {
            self.forget(&expired.identity.user);
        }
    }

    fn forget(&mut self, user: &UserId) {
        if let Some(held) = self.of_user.get_mut(user) {
            *held -= 1;
            if *held == 0 {
                self.of_user.remove(user);
            }
        }
    }
}

fn digest_of(text: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::{Barrier, Mutex},
    };

    use secrecy::ExposeSecret;

    use super::*;
    use crate::domain::{Scopes, Timestamp};

    fn identity(user: &str) -> Identity {
        Identity {
            user: user.parse().unwrap(),
            scopes: Scopes::parse("join:a notify"),
            expires_at: Timestamp::from_secs(100),
            issued_at: Some(Timestamp::from_secs(1)),
            token_id: Some("id".to_owned()),
        }
    }

    fn issue(tickets: &mut Tickets, user: &str, now: Instant) -> String {
        tickets.issue(identity(user), now).unwrap().text.expose_secret().to_owned()
    }

    #[test]
    fn a_ticket_is_its_whole_identity_once() {
        let (mut tickets, now) = (Tickets::new(Some(20)), Instant::now());
        let (first, second) = (issue(&mut tickets, "alice", now), issue(&mut tickets, "alice", now));
        assert!(first != second && first.starts_with("tkt_") && first.len() == 4 + 43, "{first}");
        assert!(first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{first}");
        assert_eq!(tickets.redeem(&first, now), Some(identity("alice")));
        for gone in [first.as_str(), "", "tkt_", "x", &second[..46], &format!("{second}A")] {
            assert_eq!(tickets.redeem(gone, now), None, "{gone}");
        }
        assert_eq!(tickets.redeem(&second, now), Some(identity("alice")));
    }

    #[test]
    fn a_ticket_lives_thirty_seconds_and_makes_room_then() {
        let (mut tickets, start) = (Tickets::new(Some(1)), Instant::now());
        let second = Duration::from_secs(1);
        let in_time = issue(&mut tickets, "alice", start);
        assert!(tickets.redeem(&in_time, start + 29 * second).is_some());
        let late = issue(&mut tickets, "alice", start);
        assert_eq!(tickets.redeem(&late, start + 30 * second), None);
        issue(&mut tickets, "alice", start + 30 * second);
        assert_eq!((tickets.open.len(), tickets.of_user.len()), (1, 1));
    }

    #[test]
    fn the_twenty_first_open_ticket_of_a_user_is_refused_and_a_used_one_makes_room() {
        let (mut tickets, now) = (Tickets::new(Some(20)), Instant::now());
        let open: Vec<String> = (0..20).map(|_| issue(&mut tickets, "alice", now)).collect();
        assert_eq!(tickets.issue(identity("alice"), now).unwrap_err(), TicketRefusal::TooMany);
        issue(&mut tickets, "bob", now);
        assert!(tickets.redeem(&open[7], now).is_some());
        issue(&mut tickets, "alice", now);
        assert_eq!(tickets.issue(identity("alice"), now).unwrap_err(), TicketRefusal::TooMany);
        let mut without = Tickets::new(None);
        (0..50).for_each(|_| drop(issue(&mut without, "alice", now)));
    }

    #[test]
    fn all_users_together_have_so_many_and_no_trace_is_left_of_them() {
        let (mut tickets, now) = (Tickets::new(Some(20)), Instant::now());
        for i in 0..OPEN_MAX {
            issue(&mut tickets, &format!("user{}", i % 10_000), now);
        }
        assert_eq!(tickets.issue(identity("alice"), now).unwrap_err(), TicketRefusal::Unavailable);
        issue(&mut tickets, "alice", now + LIFETIME);
        assert_eq!((tickets.open.len(), tickets.of_user.len()), (1, 1));
    }

    #[test]
    fn whoever_redeems_at_the_same_time_only_one_gets_it() {
        const THREADS: usize = 8;
        let tickets = Mutex::new(Tickets::new(None));
        for _ in 0..200 {
            let ticket = issue(&mut tickets.lock().unwrap(), "alice", Instant::now());
            let start = Barrier::new(THREADS);
            let redeem = || {
                start.wait();
                tickets.lock().unwrap().redeem(&ticket, Instant::now()).is_some()
            };
            let winners: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(redeem)).collect();
                threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
            });
            assert_eq!(winners, 1);
        }
    }

    #[test]
    fn no_ticket_is_like_another_and_none_shows_itself() {
        let (mut tickets, now) = (Tickets::new(None), Instant::now());
        let texts: HashSet<String> = (0..1000).map(|_| issue(&mut tickets, "alice", now)).collect();
        assert_eq!(texts.len(), 1000);
        let shown = format!("{:?}", tickets.issue(identity("alice"), now).unwrap());
        assert!(!shown.contains(PREFIX), "{shown}");
    }
}
