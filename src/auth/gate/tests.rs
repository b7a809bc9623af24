use std::time::Duration;

use actix::{Actor, Context, Handler};
use actix_web::test::TestRequest;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    auth::{
        Algorithm,
        signing::{NOW, SECRET, now, token},
    },
    config::StoreUrl,
    domain::{Revocation, Revoked},
    hub::{LocalUsers, messages::Committed},
    store::{
        Store,
        messages::{Others, PushPolicy, StoreOptions, WebhookBounds},
    },
};

const PAGE: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");

fn alice() -> String {
    token(Algorithm::Hs256, json!({}))
}

fn with_cookie() -> TestRequest {
    let cookie = ("cookie", format!("tidings_token={}", alice()));
    TestRequest::get().insert_header(("host", "tidings.example")).insert_header(cookie)
}

fn with_bearer(token: &str) -> TestRequest {
    TestRequest::get().insert_header(("authorization", format!("Bearer {token}")))
}

/// A hub that is told nothing.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<Committed> for Deaf {
    type Result = ();

    fn handle(&mut self, _: Committed, _: &mut Self::Context) {}
}

/// A gate, over a store that is there for as long as its folder.
fn gate() -> (Gate, TempDir) {
    let folder = TempDir::new().unwrap();
    let options = StoreOptions {
        url: StoreUrl::Sqlite(folder.path().join("tidings.db")),
        migrates: true,
        pool_size: 1,
        busy_timeout: Duration::from_secs(5),
        queue: 100,
        memory: usize::MAX,
        is_fully_synchronous: false,
        idempotency_retention: Duration::from_secs(3600),
        mutes_max: 200,
        tickets_max: 20,
        max_age: Duration::from_secs(90 * 24 * 3600),
        max_read: 1000,
        push: PushPolicy::default(),
        webhooks: Default::default(),
        webhook_bounds: WebhookBounds { waiting: 1_000_000, dead: 100_000 },
        others: Others::default(),
    };
    let store = Store::open(options, Deaf.start().recipient(), LocalUsers::default()).unwrap();
    let store = StoreLink::start(store, Duration::from_secs(5));
    let mut config = Config::default();
    config.auth.secret = Some(SECRET.into());
    config.http.allowed_origins = vec![PAGE.1.to_owned()];
    config.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    (Gate::new(Rules::new(&config).unwrap(), store), folder)
}

async fn admit(request: TestRequest, surface: Surface) -> Result<Option<String>, Refusal> {
    let (gate, _folder) = gate();
    let identity = gate.admit(&request.to_http_request(), surface, now()).await?;
    Ok(identity.map(|identity| identity.user.to_string()))
}

#[actix::test]
async fn a_bad_credential_is_never_nobody() {
    assert_eq!(admit(TestRequest::get(), Surface::Api).await, Ok(None));
    assert_eq!(admit(with_bearer(&alice()), Surface::Api).await, Ok(Some("alice".to_owned())));
    let late = token(Algorithm::Hs256, json!({"exp": NOW - 10}));
    for bad in ["", "a.b.c", &late] {
        assert_eq!(admit(with_bearer(bad), Surface::Api).await, Err(Refusal::InvalidToken), "{bad}");
    }
    let two = with_bearer(&alice()).uri("/?token=other");
    assert_eq!(admit(two, Surface::Api).await, Err(Refusal::TwoCredentials));
}

#[actix::test]
async fn b10_a_page_elsewhere_opens_no_socket_and_rides_no_cookie() {
    for surface in [Surface::WebSocket, Surface::Stream, Surface::Api] {
        assert_eq!(admit(with_cookie().insert_header(EVIL), surface).await, Err(Refusal::OriginNotAllowed));
        assert_eq!(admit(with_cookie(), surface).await, Err(Refusal::OriginNotAllowed));
        let page = with_cookie().insert_header(PAGE);
        assert_eq!(admit(page, surface).await, Ok(Some("alice".to_owned())));
    }
    let explicit = || with_bearer(&alice()).insert_header(EVIL);
    assert_eq!(admit(explicit(), Surface::WebSocket).await, Err(Refusal::OriginNotAllowed));
    assert_eq!(admit(explicit(), Surface::Stream).await, Err(Refusal::OriginNotAllowed));
    assert_eq!(admit(explicit(), Surface::Api).await, Ok(Some("alice".to_owned())));
    let anonymous = TestRequest::get().insert_header(EVIL);
    assert_eq!(admit(anonymous, Surface::WebSocket).await, Err(Refusal::OriginNotAllowed));
}

/// T19.
#[actix::test]
async fn a_ticket_is_used_up_by_the_request_that_it_lets_in_and_by_no_other() {
    let (gate, _folder) = gate();
    let identity = gate.verify(&alice(), now()).unwrap();
    let ticket = gate.issue_ticket(identity.clone()).await.unwrap().text;
    let with = |more: &str| TestRequest::get().uri(&format!("/?ticket={}{more}", ticket.expose_secret()));
    let admit =
        async |request: TestRequest| gate.admit(&request.to_http_request(), Surface::WebSocket, now()).await;
    assert_eq!(admit(with("").insert_header(EVIL)).await, Err(Refusal::OriginNotAllowed));
    assert_eq!(admit(with("&token=other")).await, Err(Refusal::TwoCredentials));
    assert_eq!(admit(with("&ticket=other")).await, Err(Refusal::TwoCredentials));
    assert_eq!(admit(with("").insert_header(PAGE)).await, Ok(Some(identity)));
    assert_eq!(admit(with("").insert_header(PAGE)).await, Err(Refusal::InvalidToken));
}

#[actix::test]
async fn a_ticket_does_not_outlast_its_token() {
    let (gate, _folder) = gate();
    let at = |seconds| Timestamp::from_secs(NOW + seconds);
    let identity = gate.verify(&token(Algorithm::Hs256, json!({"exp": NOW + 10})), now()).unwrap();
    for (seconds, is_good) in [(14, true), (15, false)] {
        let ticket = gate.issue_ticket(identity.clone()).await.unwrap().text;
        let redeemed = gate.redeem(ticket.expose_secret(), at(seconds)).await.unwrap();
        assert_eq!(redeemed.is_ok(), is_good, "{seconds}");
    }
}

#[actix::test]
async fn the_word_of_a_proxy_about_the_scheme_counts_only_if_it_is_trusted() {
    let from = |peer: &str| {
        let own = ("origin", "http://tidings.example");
        let request = with_cookie().insert_header(own).insert_header(("x-forwarded-proto", "https"));
        admit(request.peer_addr(peer.parse().unwrap()), Surface::Api)
    };
    assert_eq!(from("10.1.2.3:9").await, Err(Refusal::OriginNotAllowed));
    assert_eq!(from("192.0.2.1:9").await, Ok(Some("alice".to_owned())));
}

/// T4.
#[actix::test]
async fn what_is_revoked_is_let_in_no_more_and_a_ticket_goes_with_its_token() {
    let (gate, _folder) = gate();
    let token = |iat: Option<i64>| token(Algorithm::Hs256, json!({"jti": "one", "iat": iat}));
    let identity = gate.verify(&token(Some(NOW)), now()).unwrap();
    let ticket = gate.issue_ticket(identity).await.unwrap().text;
    gate.revocations.add(&Revocation { revoked: Revoked::User("alice".parse().unwrap()), at: now() });
    // One from the future would outlive it; a clock may be ahead by the leeway.
    let cases = [(None, false), (Some(NOW), false), (Some(NOW + 1), true), (Some(NOW + 5), true)];
    for (issued, is_good) in cases.into_iter().chain([(Some(NOW + 6), false), (Some(4_000_000_000), false)]) {
        assert_eq!(gate.verify(&token(issued), now()).is_ok(), is_good, "{issued:?}");
    }
    assert!(gate.redeem(ticket.expose_secret(), now()).await.unwrap().is_err());
    gate.revocations.add(&Revocation { revoked: Revoked::Token("one".parse().unwrap()), at: now() });
    assert!(gate.verify(&token(Some(NOW + 1)), now()).is_err());
}
