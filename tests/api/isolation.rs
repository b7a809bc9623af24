//! G9: what belongs to one user never reaches another, whichever way it is asked for.

use serde_json::json;

use crate::{app::App, clients::ws::is_numbered};

const USERS: [&str; 3] = ["alice", "bob", "alice.x"];

#[actix_web::test]
async fn every_user_sees_the_own_marker_and_nobody_elses() {
    let app = App::start();
    let publisher = app.http(&app.publisher());
    let mut sessions = Vec::new();
    for user in USERS {
        sessions.push(app.ws(user).await);
    }
    for n in 0..10 {
        for user in USERS {
            let payload = json!({"marker": format!("secret of <{user}>"), "n": n});
            let body =
                json!({"to": user, "type": "a.b", "payload": payload, "key": format!("key of <{user}> {n}")});
            assert_eq!(publisher.post("/v1/notifications", &body).await.status, 201);
        }
    }
    for (user, live) in USERS.iter().zip(&mut sessions) {
        let mut seen = Vec::new();
        let mut replay = app.ws_at(user, "?since=inbox@00000000.0").await;
        seen.push(replay.welcome.to_string());
        for session in [live, &mut replay] {
            let mut count = 0;
            while count < 10 {
                let event = session.next().await;
                count += usize::from(is_numbered(&event));
                seen.push(event.to_string());
            }
        }
        let http = app.user(user);
        for path in
            ["/v1/notifications", "/v1/notifications?state=unread", "/v1/notifications?state=archived"]
        {
            seen.push(http.get(path).await.text());
        }
        seen.push(http.get("/v1/notifications/unread").await.text());
        seen.push(http.get("/v1/me").await.text());
        let seen = seen.join("\n");
        // Ten live, ten replayed, ten listed twice.
        assert_eq!(seen.matches(&format!("secret of <{user}>")).count(), 40, "{user}");
        for other in USERS.iter().filter(|other| *other != user) {
            assert!(!seen.contains(&format!("<{other}>")), "{user} sees what is {other}'s");
        }
    }
}
