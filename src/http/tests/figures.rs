//! `GET /metrics` where something is in trouble.

use actix::Arbiter;

use super::*;

fn body_of(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// It is when somebody looks for what holds it up that the numbers are needed.
#[actix_web::test]
async fn a_hub_that_does_not_answer_leaves_all_other_numbers() {
    let arbiter = Arbiter::new();
    let hub = NotificationHub::start_in_arbiter(&arbiter.handle(), |_| {
        NotificationHub::new(0, room_policy(), None)
    });
    let (release, held) = std::sync::mpsc::channel::<()>();
    let server = Server::start_beside(hub).await;
    arbiter.spawn_fn(move || {
        let _ = held.recv();
    });
    let request = server.request("GET", "/metrics").bearer_auth(token("root", "admin"));
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200);
    let text = body_of(&answer);
    for name in
        ["tidings_ready 1", "tidings_mailbox_messages{mailbox=\"hub\"}", "tidings_hub_response_seconds 5."]
    {
        assert!(text.contains(&format!("\n{name}")), "{name} in {text}");
    }
    for name in
        ["users ", "rooms ", "room_history_bytes ", "sessions{", "mailbox_messages{mailbox=\"workers\"}"]
    {
        assert!(!text.contains(&format!("\ntidings_{name}")), "{name} in {text}");
    }
    drop(release);
    let request = server.request("GET", "/metrics").bearer_auth(token("root", "admin"));
    let text = body_of(&Answer::read(request.send().await.unwrap()).await);
    assert!(text.contains("\ntidings_users 0") && text.contains("{mailbox=\"workers\"}"), "{text}");
    server.stop().await;
}
