//! `tidings listen`: a user's notifications and rooms in a terminal, through a restart of the server.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    app::{App, SECRET, program},
    clients::program::{Running, run},
};

fn listen(app: &App, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(["listen", "alice", "--server", &format!("http://{}", app.address)]);
    command.args(arguments).env("TIDINGS_AUTH_SECRET", SECRET);
    command
}

/// The numbers of the notifications up to this one.
fn ns_up_to(listener: &Running, last: u64) -> Vec<u64> {
    let mut ns = Vec::new();
    while ns.last() != Some(&last) {
        let event: Value = serde_json::from_str(&listener.stdout.next()).unwrap();
        ns.extend((event["type"] == "test.event").then(|| event["payload"]["n"].as_u64().unwrap()));
    }
    ns
}

/// All ways to listen show the same notifications and messages.
const WAYS: [&str; 3] = ["ws", "sse", "poll"];

#[actix_web::test]
async fn a_listener_prints_each_notification_once_through_kill_9_and_restart() {
    for way in WAYS {
        let mut app = App::start();
        app.publish("alice", 0).await;
        let listener = Running::start(&mut listen(&app, &["--json", "--transport", way]));
        listener.stderr.expect("connected");
        for n in 1..=3 {
            app.publish("alice", n).await;
            app.publish("bob", 99).await;
        }
        assert_eq!(ns_up_to(&listener, 3), [1, 2, 3], "{way}");
        for (kill, from) in [(true, 4), (false, 7)] {
            if kill {
                app.kill();
            } else {
                app.signal("-TERM");
                assert!(app.wait().success());
            }
            listener.stderr.expect("reconnecting");
            app.restart();
            for n in from..from + 3 {
                app.publish("alice", n).await;
            }
            assert_eq!(ns_up_to(&listener, from + 2), [from, from + 1, from + 2], "{way}");
        }
        listener.signal("-INT");
        let ended = listener.end();
        assert_eq!(ended.code, Some(0), "{way}: {ended:?}");
        assert!(!ended.stdout.contains("test.event"), "{way}: {ended:?}");
    }
}

#[actix_web::test]
async fn a_listener_goes_on_in_its_rooms_whatever_the_transport() {
    let mut app = App::start();
    let bob = app.http(&app.token("bob", "publish:*"));
    let say = async |text: &str| {
        let answer = bob.post("/v1/rooms/general/messages", &json!({"data": text})).await;
        assert_eq!(answer.status, 201);
        answer.json()["position"].as_str().unwrap().to_owned()
    };
    let since = format!("general@{}", say("before").await);
    say("missed").await;
    for way in WAYS {
        let arguments = ["--room", "general", "--since", &since, "--transport", way];
        let listener = Running::start(&mut listen(&app, &arguments));
        listener.stdout.expect(" general bob: missed");
        say(way).await;
        listener.stdout.expect(&format!(" general bob: {way}"));
        listener.signal("-INT");
        assert_eq!(listener.end().code, Some(0), "{way}");
    }
    let listener = Running::start(&mut listen(&app, &["--room", "general", "--transport", "poll"]));
    listener.stderr.expect("connected");
    app.kill();
    listener.stderr.expect("reconnecting");
    app.restart();
    listener.stderr.expect("gap: some messages of general are lost to this listener (epoch)");
}

#[actix_web::test]
async fn a_listener_tells_a_person_what_came_and_what_became_of_the_connection() {
    let app = App::start();
    let since = app.publish("alice", 1).await;
    let listener = Running::start(&mut listen(&app, &[]));
    assert_eq!(listener.stderr.next(), "connected");
    let payload =
        json!({"title": "Build", "text": "it \u{1b}[2Jfailed\r\nbadly", "url": "https://ci.example"});
    let body = json!({"to": "alice", "type": "build.failed", "payload": payload});
    assert_eq!(app.http(&app.publisher()).post("/v1/notifications", &body).await.status, 201);
    let line = listener.stdout.next();
    assert!(line.contains(" build.failed Build · it ") && line.ends_with(" · https://ci.example"), "{line}");
    assert!(!line.chars().any(char::is_control), "{line:?}");
    listener.signal("-INT");
    assert_eq!(listener.end().code, Some(0));

    let bare = Running::start(&mut listen(&app, &["-q", "--since", &since]));
    assert_eq!(bare.stdout.next(), line.split_once(" build.failed ").unwrap().1);
    bare.signal("-INT");
    let ended = bare.end();
    assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{ended:?}");
}

#[actix_web::test]
async fn a_listener_starts_behind_a_position() {
    let app = App::start();
    let mut positions = Vec::new();
    for n in 1..=3 {
        positions.push(app.publish("alice", n).await);
    }
    let cursor = format!("inbox@{}", positions[0]);
    for since in [&positions[0], &cursor] {
        let listener = Running::start(&mut listen(&app, &["--json", "--since", since]));
        assert_eq!(ns_up_to(&listener, 3), [2, 3]);
    }
    let bad = run(&mut listen(&app, &["--since", "yesterday"]));
    assert!(bad.code == Some(2) && bad.stdout.is_empty(), "{bad:?}");
}

#[actix_web::test]
async fn a_listener_hears_its_rooms_and_goes_on_where_it_stood() {
    let mut app = App::start();
    let token = app.token("bob", "publish:*");
    let say = async |app: &App, room: &str, text: &str| {
        let path = format!("/v1/rooms/{room}/messages");
        let said = app.http(&token).post(&path, &json!({ "data": text })).await;
        assert_eq!(said.status, 201);
        said.json()["position"].as_str().unwrap().to_owned()
    };
    let before = say(&app, "general", "before").await;
    say(&app, "general", "missed").await;
    let since = format!("general@{before}");
    let rooms = ["--room", "general", "--room", "ops"];
    let listener = Running::start(listen(&app, &rooms).args(["--since", &since]));
    // What is missed is shown once the rooms are joined.
    for note in ["connected", "in general: 1 here", "in ops: 1 here", "recovered 1 of general"] {
        assert_eq!(listener.stderr.next(), note);
    }
    assert!(listener.stdout.next().ends_with(" general bob: missed"));
    say(&app, "other", "not for here").await;
    app.publish("alice", 1).await;
    assert!(listener.stdout.next().contains(" test.event "));
    say(&app, "ops", "it \u{1b}[2J burns").await;
    assert!(listener.stdout.next().ends_with(r" ops bob: it \u{1b}[2J burns"));

    app.kill();
    listener.stderr.expect("reconnecting");
    app.restart();
    listener.stderr.expect("gap: some messages of general are lost to this listener (epoch)");
    say(&app, "general", "after").await;
    assert!(listener.stdout.next().ends_with(" general bob: after"));
    listener.signal("-INT");
    assert_eq!(listener.end().code, Some(0));
}

#[actix_web::test]
async fn a_listener_of_rooms_that_it_may_not_join_or_that_are_none_gives_up() {
    let app = App::start();
    let allowed = app.token("alice", "join:general");
    let ended = run(&mut listen(&app, &["--room", "secret", "--token", &allowed]));
    assert!(ended.code == Some(1) && ended.stderr.contains("403"), "{ended:?}");
    let many: Vec<String> = (0..11).flat_map(|n| ["--room".to_owned(), format!("r{n}")]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let unused = ["--room", "general", "--since", "other@e1e1e1e1.4"];
    for usage in [&["--room", "inbox"][..], &many, &unused] {
        let ended = run(&mut listen(&app, usage));
        assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{ended:?}");
    }
}

#[actix_web::test]
async fn a_listener_that_will_never_be_let_in_gives_up() {
    let app = App::start();
    let other = "another secret, of 32 bytes and more too";
    for command in [
        &mut listen(&app, &["--token", "abc"]),
        &mut listen(&app, &["--token", "abc", "--transport", "sse"]),
        &mut listen(&app, &["--token", "abc", "--transport", "poll"]),
        &mut listen(&app, &["--token", &app.token_for("alice", "", -60)]),
        listen(&app, &[]).env("TIDINGS_AUTH_SECRET", other),
    ] {
        let ended = run(command);
        assert!(ended.code == Some(1) && ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.contains("401") && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    let ended = run(listen(&app, &[]).env_remove("TIDINGS_AUTH_SECRET"));
    assert!(ended.code == Some(2) && ended.stderr.contains("auth.secret"), "{ended:?}");
}

#[actix_web::test]
async fn a_listener_with_the_token_of_another_user_shows_nothing_and_says_why() {
    let app = App::start();
    let position = app.publish("bob", 1).await;
    app.publish("bob", 2).await;
    for more in
        [&[][..], &["--json"], &["--since", &position], &["--transport", "sse"], &["--transport", "poll"]]
    {
        let ended = run(listen(&app, &["--token", &app.token("bob", "")]).args(more));
        assert!(ended.code == Some(1) && ended.stdout.is_empty(), "{ended:?}");
        let why = "tidings: the token is for bob, so the notifications of alice cannot be shown\n";
        assert_eq!(ended.stderr, why);
    }
}

#[actix_web::test]
async fn a_listener_whose_output_nobody_reads_ends_well() {
    let app = App::start();
    let line = format!(
        "{:?} listen alice --server http://{} | head -n 1",
        env!("CARGO_BIN_EXE_tidings"),
        app.address
    );
    let mut pipe = Command::new("sh");
    pipe.args(["-c", &line]).env("TIDINGS_AUTH_SECRET", SECRET);
    let pipe = Running::start(&mut pipe);
    pipe.stderr.expect("connected");
    app.publish("alice", 1).await;
    assert!(pipe.stdout.next().contains("test.event"));
    app.publish("alice", 2).await;
    let ended = pipe.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
}
