//! Sessions with everything below them, and clients that judge all they are told.

mod announced_gap;
mod client;
pub(crate) mod connection;
mod first_rooms;
pub(crate) mod house;
mod model;
mod witness;

use std::{collections::BTreeSet, future::poll_fn, task::Poll, time::Duration};

use super::*;
use crate::{
    auth::tokens::{MintClaims, mint},
    clock,
};

const SECRET: &str = "a secret for tests, of 32 bytes and more";
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A token for a user who may join these rooms and publish to all.
fn token(user: &str, rooms: &[&str]) -> String {
    let now = clock::now();
    let scopes: Vec<String> = rooms.iter().map(|room| format!("join:{room}")).collect();
    let claims = MintClaims {
        user: user.parse().unwrap(),
        issued_at: now,
        expires_at: now.plus(3600 * SECOND),
        scope: format!("publish:* {}", scopes.join(" ")),
        audience: None,
        issuer: None,
    };
    mint(SECRET.as_bytes(), &claims).unwrap()
}

/// Who comes with such a token.
pub(crate) fn identity(worker: &Worker, user: &str, rooms: &[&str]) -> Identity {
    worker.gate.verify(&token(user, rooms), clock::now()).unwrap()
}

/// Lets the tasks that are ready now have their turn. The runtime's own way would wait until all have
/// nothing more to do, and so never get between two of them.
pub(crate) async fn turn() {
    let mut is_over = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
