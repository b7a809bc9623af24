//! How a user wants to be told (PROTOCOL.md section 6).

use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/v1/preferences";

fn untold() -> Value {
    json!({"quiet": null, "push": true})
}

#[actix_web::test]
async fn preferences_are_replaced_as_a_whole_and_kept_for_the_next_process() {
    let mut app = App::start();
    let alice = app.user("alice");
    assert_eq!(alice.get("/v1/preferences").await.json(), untold());
    let night = json!({"zone": "Europe/Berlin", "from": "22:00", "to": "07:00"});
    let stored = alice.put("/v1/preferences", &json!({"quiet": night, "push": false})).await;
    assert_eq!((stored.status, stored.json()), (200, json!({"quiet": night, "push": false})));
    assert_eq!(alice.get(PATH).await.json(), stored.json());
    // Of another user it says nothing.
    assert_eq!(app.user("bob").get(PATH).await.json(), untold());
    app.kill();
    app.restart();
    let alice = app.user("alice");
    assert_eq!(alice.get(PATH).await.json(), stored.json());
    let only_quiet =
        alice.put(PATH, &json!({"quiet": {"zone": "utc", "from": "00:00", "to": "06:30"}})).await;
    let expected = json!({"quiet": {"zone": "UTC", "from": "00:00", "to": "06:30"}, "push": true});
    assert_eq!((only_quiet.json(), alice.get(PATH).await.json()), (expected.clone(), expected));
    assert_eq!(alice.put(PATH, &json!({})).await.json(), untold());
    assert_eq!(alice.get(PATH).await.json(), untold());
}

#[actix_web::test]
async fn preferences_that_make_no_sense_change_nothing_and_every_fault_is_named() {
    let app = App::start();
    let alice = app.user("alice");
    alice.put(PATH, &json!({"push": false})).await;
    let refused = alice
        .put(
            PATH,
            &json!({"quiet": {"zone": "Atlantis", "from": "7", "until": 1}, "push": "yes", "sound": 1}),
        )
        .await;
    assert_eq!(
        refused.faults(),
        ["/quiet/zone", "/quiet/from", "/quiet/to", "/quiet/until", "/push", "/sound"]
    );
    assert_eq!(alice.put(PATH, &json!([])).await.status, 400);
    let untyped = alice.send(alice.request("PUT", PATH), "{}").await;
    untyped.problem(415, "bad_message");
    app.anonymous().get(PATH).await.problem(401, "invalid_token");
    assert_eq!(alice.get(PATH).await.json(), json!({"quiet": null, "push": false}));
}
