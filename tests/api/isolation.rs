//! G9: what belongs to one user never reaches another, whichever way it is asked for.

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{poll::Poll, sse::stream, ws::is_numbered},
};

const USERS: [&str; 3] = ["alice", "bob", "alice.x"];

#[actix_web::test]
async fn every_user_sees_the_own_marker_and_nobody_elses() {
    let app = App::start();
    let publisher = app.http(&app.publisher());
    let (mut sessions, mut streams, mut polls) = (Vec::new(), Vec::new(), Vec::new());
    for user in USERS {
        sessions.push(app.ws(user).await);
        streams.push(stream(&app, user, "", "").await);
        polls.push(Poll::start(&app, user, "", "").await);
    }
    for n in 0..10 {
        for user in USERS {
            let payload = json!({"marker": format!("secret of <{user}>"), "n": n});
            let body = json!({"to": user, "type": "a.b", "payload": payload, "key": format!("key of <{user}>, {n}")});
            assert_eq!(publisher.post("/v1/notifications", &body).await.status, 201);
        }
    }
    let live = sessions.iter_mut().zip(&mut streams).zip(&mut polls);
    for (user, ((live, sse), poll)) in USERS.iter().zip(live) {
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
        sse.next_ns(10).await;
        seen.push(String::from_utf8(sse.body.clone()).unwrap());
        seen.extend(poll.collect(10, is_numbered).await.iter().map(Value::to_string));
        let http = app.user(user);
        for path in
            ["/v1/notifications", "/v1/notifications?state=unread", "/v1/notifications?state=archived"]
        {
            seen.push(http.get(path).await.text());
        }
        seen.push(http.get("/v1/notifications/unread").await.text());
        seen.push(http.get("/v1/me").await.text());
        let seen = seen.join("\n");
        // Ten live, ten replayed, ten streamed, ten polled, ten listed twice.
        assert_eq!(seen.matches(&format!("secret of <{user}>")).count(), 60, "{user}");
        for other in USERS.iter().filter(|other| *other != user) {
            assert!(!seen.contains(&format!("<{other}>")), "{user} sees what is {other}'s");
        }
    }
}
