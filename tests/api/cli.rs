//! The verbs of the command line: what they print, and the exit codes that scripts rely on.

use std::{
    fs::{self, File},
    process::Command,
};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{App, SECRET, program, token},
    clients::program::{Ended, run},
    engines::push_service::{Plan, PushService},
    pushing,
};

/// The program with these arguments, in a folder of its own.
struct Shell(TempDir);

impl Shell {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(&self.0).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    /// The same with the secret of the tests.
    fn run_with_secret(&self, arguments: &[&str]) -> Ended {
        run(self.command(arguments).env("TIDINGS_AUTH_SECRET", SECRET))
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn url(app: &App) -> String {
    format!("http://{}", app.address)
}

#[test]
fn the_version_is_that_of_the_package() {
    let shell = Shell::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(shell.run(&["version"]).stdout, format!("tidings {version}\n"));
    let json: Value = serde_json::from_str(&shell.run(&["version", "--json"]).stdout).unwrap();
    assert_eq!(json, json!({"name": "tidings", "version": version}));
    assert_eq!(shell.run(&["version", "-q"]).stdout, format!("{version}\n"));
    let bad = shell.run(&["versoin"]);
    assert!(bad.code == Some(2) && bad.stdout.is_empty() && bad.stderr.contains("version"), "{bad:?}");
}

/// All verbs that do something, as the program lists them.
fn verbs(shell: &Shell, of: &[String]) -> Vec<Vec<String>> {
    let arguments: Vec<&str> = of.iter().map(String::as_str).chain(["--help"]).collect();
    let help = shell.run(&arguments).stdout;
    let Some((_, commands)) = help.split_once("\nCommands:\n") else { return vec![of.to_vec()] };
    let commands = commands.split("\n\n").next().unwrap().lines();
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split([' ', '\n']).next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.flat_map(|name| verbs(shell, &[of, &[name.to_owned()]].concat())).collect()
}

#[test]
fn every_verb_that_prints_data_does_so_for_programs_and_as_the_value_alone() {
    // They run until they are stopped, or print a document of one form.
    const NEITHER: [&str; 6] = ["dev", "serve", "config schema", "openapi", "asyncapi", "completions"];
    // What they print is a text for people.
    const NO_VALUE: [&str; 2] = ["config doc", "config env"];
    let shell = Shell::new();
    let all = verbs(&shell, &[]);
    assert!(all.len() > 25, "{all:?}");
    for verb in all {
        let name = verb.join(" ");
        let arguments: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let help = shell.run(&arguments).stdout;
        let has = ["--json", "-q, --quiet"].map(|flag| help.contains(flag));
        let prints = !NEITHER.contains(&name.as_str());
        assert_eq!(has, [prints, prints && !NO_VALUE.contains(&name.as_str())], "{name}");
    }
}

#[actix_web::test]
async fn a_minted_token_lets_in_the_user_with_its_scopes() {
    let (app, shell) = (App::start(), Shell::new());
    let minted = shell.run_with_secret(&["token", "mint", "alice", "--scope", "notify join:*", "-q"]);
    assert_eq!((minted.code, minted.stderr.as_str(), minted.stdout.lines().count()), (Some(0), "", 1));
    let me = app.http(minted.stdout.trim_end()).get("/v1/me").await.json();
    assert_eq!((&me["user"], &me["scopes"]), (&json!("alice"), &json!(["notify", "join:*"])));

    let rooms = ["token", "mint", "alice", "--scope", "notify", "--room", "a", "--room", "b:c", "-q"];
    let me = app.http(shell.run_with_secret(&rooms).stdout.trim_end()).get("/v1/me").await.json();
    assert_eq!(me["scopes"], json!(["notify", "join:a", "publish:a", "join:b:c", "publish:b:c"]));

    let told = shell.run_with_secret(&["token", "mint", "alice", "--ttl", "90s", "--scope", "bogus"]);
    assert_eq!(app.http(told.stdout.trim_end()).get("/v1/me").await.json()["scopes"], json!([]));
    assert!(
        told.stderr.contains("alice") && told.stderr.contains("\"bogus\" is no scope"),
        "{}",
        told.stderr
    );

    let file = shell.write("secret", &format!("{SECRET}\n"));
    let from_file = run(shell
        .command(&["token", "mint", "bob", "--json"])
        .env("TIDINGS_AUTH_SECRET_FILE", file)
        .env("TIDINGS_AUTH_SECRET", ""));
    let minted: Value = serde_json::from_str(&from_file.stdout).unwrap();
    assert_eq!((&minted["sub"], &minted["scopes"]), (&json!("bob"), &json!([])));
    assert_eq!(app.http(minted["token"].as_str().unwrap()).get("/v1/me").await.json()["user"], "bob");
}

#[actix_web::test]
async fn a_token_of_any_life_is_taken_and_lives_until_the_date_that_is_told() {
    let (app, shell) = (App::start(), Shell::new());
    assert_eq!(shell.run_with_secret(&["token", "mint", "alice", "--ttl", "1s"]).code, Some(0));
    for ttl in ["1m", "3650d"] {
        let minted = shell.run_with_secret(&["token", "mint", "alice", "--ttl", ttl, "--json"]);
        let minted: Value = serde_json::from_str(&minted.stdout).unwrap();
        let me = app.http(minted["token"].as_str().unwrap()).get("/v1/me").await.json();
        assert_eq!((&me["user"], &me["expires_at"]), (&json!("alice"), &minted["expires_at"]), "{ttl}");
    }
}

#[actix_web::test]
async fn a_key_for_push_is_made_that_a_server_takes() {
    let shell = Shell::new();
    let made = shell.run(&["keys", "vapid"]);
    let (public, private) = made.stdout.split_once('\n').unwrap();
    let public = public.strip_prefix("# public key: ").unwrap();
    let private = private.trim_end().strip_prefix("TIDINGS_PUSH_VAPID_PRIVATE_KEY=").unwrap();
    let contact = ("push.subject", "mailto:ops@example.com");
    let app = App::start_with(&[("push.enabled", "true"), contact, ("push.vapid_private_key", private)]);
    assert_eq!(app.user("alice").get("/v1/push/key").await.json()["key"], public);
    let another: Value = serde_json::from_str(&shell.run(&["keys", "vapid", "--json"]).stdout).unwrap();
    assert_eq!(another["public_key"].as_str().unwrap().len(), 87);
    assert_ne!(another["private_key"], private);
    assert_eq!(shell.run(&["keys", "vapid", "-q"]).stdout.trim_end().len(), private.len());
}

/// A token that this private key signs.
fn signed(algorithm: Algorithm, made: &Value) -> String {
    let pem = made["private_key"].as_str().unwrap().as_bytes();
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_ed_pem(pem),
    };
    let header = Header { kid: made["kid"].as_str().map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, &json!({"sub": "alice", "exp": 4_000_000_000_u64}), &key.unwrap()).unwrap()
}

#[actix_web::test]
async fn keys_for_tokens_are_made_that_a_server_takes_beside_those_before() {
    let shell = Shell::new();
    let make = |algorithm: &str| -> Value {
        let made = shell.run(&["keys", "jwt", "--algorithm", algorithm, "--json"]);
        assert!(made.code == Some(0) && made.stderr.is_empty(), "{made:?}");
        serde_json::from_str(&made.stdout).unwrap()
    };
    for (name, algorithm) in
        [("RS256", Algorithm::RS256), ("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)]
    {
        let (old, new) = (make(name), make(name));
        assert_ne!(old["kid"], new["kid"]);
        let jwks = json!({"keys": [old["jwks"]["keys"][0], new["jwks"]["keys"][0]]}).to_string();
        let settings = [("auth.algorithm", name), ("auth.secret", ""), ("auth.jwks", &jwks)];
        let app = App::start_with(&settings);
        for made in [&old, &new] {
            assert_eq!(
                app.http(&signed(algorithm, made)).get("/v1/me").await.json()["user"],
                "alice",
                "{name}"
            );
        }
        app.http(&signed(algorithm, &make(name))).get("/v1/me").await.problem(401, "invalid_token");
    }
    let told = shell.run(&["keys", "jwt", "--algorithm", "EdDSA", "--kid", "2026-11"]);
    for words in ["TIDINGS_AUTH_ALGORITHM=EdDSA\n", "\"kid\":\"2026-11\"", "-----BEGIN PRIVATE KEY-----"] {
        assert!(told.stdout.contains(words), "{told:?}");
    }
    assert!(told.stderr.contains("SIGHUP"), "{told:?}");
    assert!(shell.run(&["keys", "jwt", "--algorithm", "EdDSA", "-q"]).stdout.starts_with("-----BEGIN"));
    let secret = shell.run(&["keys", "jwt"]).stdout;
    let secret = secret.trim_end().strip_prefix("TIDINGS_AUTH_SECRET=").unwrap();
    assert_eq!((secret.len(), shell.run(&["keys", "jwt", "-q"]).stdout.len()), (64, 65));
    for bad in [&["--kid", "a"][..], &["--algorithm", "none"], &["--algorithm", "EdDSA", "--kid", "a b"]] {
        let ended = shell.run(&[&["keys", "jwt"], bad].concat());
        assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{ended:?}");
    }
}

/// What the server answers to all of these is the same 401; here it is said why.
#[test]
fn a_token_is_explained_with_the_reason_for_which_a_server_would_refuse_it() {
    let shell = Shell::new();
    let inspect =
        |token: &str, more: &[&str]| shell.run_with_secret(&[&["token", "inspect", token], more].concat());
    let good = token("alice", "join:chat:*", 3590);
    let told = inspect(&good, &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(lines.contains(&"alg    HS256") && lines.contains(&"sub    alice"), "{told:?}");
    assert!(lines.iter().any(|line| line.starts_with("exp    ") && line.ends_with("(in 59m)")), "{told:?}");
    assert_eq!(*lines.last().unwrap(), "accepted: alice, allows join:chat:*");
    assert_eq!(inspect(&good, &["-q"]).stdout, "accepted\n");
    let json: Value = serde_json::from_str(&inspect(&good, &["--json"]).stdout).unwrap();
    assert_eq!(
        (&json["is_accepted"], &json["scopes"], &json["claims"]["sub"]),
        (&json!(true), &json!(["join:chat:*"]), &json!("alice"))
    );

    let key = EncodingKey::from_secret(b"another secret, of 32 bytes and more");
    let claims = json!({"sub": "alice", "exp": 4_000_000_000_u64});
    let foreign = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let (header, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{claims}.{signature}");
    let es256 = "auth.algorithm=ES256";
    let key = format!("auth.public_key={}", include_str!("../keys/es256.public.pem"));
    let cases: [(&str, &[&str], &str, &str); 8] = [
        (&token("alice", "", -3700), &[], "refused: it has expired", "(1h ago)"),
        (&foreign, &[], "no configured key made the signature", "sub    alice"),
        (&format!("{header}.{claims}.AAAA"), &[], "no configured key", "sub    alice"),
        (&none, &[], "its alg is unknown", "(auth.algorithm is HS256)"),
        (&good, &["--set", "auth.audience=app"], "it is for another audience", "sub    alice"),
        (&good, &["--set", "auth.issuer=app"], "it is of another issuer", "sub    alice"),
        (
            &good,
            &["--set", es256, "--set", &key],
            "another algorithm",
            "alg    HS256  (auth.algorithm is ES256)",
        ),
        ("no token", &[], "not three parts of base64url", ""),
    ];
    for (token, more, why, said) in cases {
        let refused = inspect(token, more);
        assert!(refused.code == Some(1) && refused.stderr.contains(why), "{why}: {refused:?}");
        assert!(refused.stdout.contains(said), "{said}: {refused:?}");
        assert!(!refused.stdout.contains(signature) && !refused.stderr.contains(signature), "{refused:?}");
    }
    let json = inspect(&foreign, &["--json"]);
    let reason = &serde_json::from_str::<Value>(&json.stdout).unwrap()["reason"];
    assert!(json.code == Some(1) && reason == "no configured key made the signature", "{json:?}");

    let file = shell.write("token", &format!("Bearer {good}\n"));
    let piped = shell
        .command(&["token", "inspect", "-q"])
        .env("TIDINGS_AUTH_SECRET", SECRET)
        .stdin(File::open(file).unwrap())
        .output();
    assert_eq!(String::from_utf8(piped.unwrap().stdout).unwrap(), "accepted\n");
    let unset = shell.run(&["token", "inspect", &good]);
    assert!(unset.code == Some(2) && unset.stdout.contains("sub    alice"), "{unset:?}");
    assert!(unset.stderr.contains("auth.secret: is not set"), "{unset:?}");
}

#[actix_web::test]
async fn pushes_that_were_given_up_are_tried_again_from_a_shell() {
    let (service, shell) = (PushService::start().await, Shell::new());
    let app = pushing::start(&service, &[]);
    let server = url(&app);
    pushing::subscribe(&app, &service, "alice", "laptop").await;
    service.plan("laptop", [Plan::Status(400)]);
    let id = pushing::publish(&app, "alice", json!({})).await;
    pushing::expect_state(&app, &id, "dead").await;
    let of_one = shell.run_with_secret(&["push", "retry", "--user", "bob", "--server", &server, "--json"]);
    assert_eq!(of_one.stdout, "{\"retried\":0}\n");
    let retried = shell.run_with_secret(&["push", "retry", "--server", &server]);
    assert_eq!((retried.code, retried.stdout.as_str()), (Some(0), "due again: 1\n"), "{retried:?}");
    pushing::expect_state(&app, &id, "sent").await;
    assert_eq!(shell.run_with_secret(&["push", "retry", "--server", &server, "-q"]).stdout, "0\n");
    let token = app.token("alice", "");
    let refused = shell.run(&["push", "retry", "--server", &server, "--token", &token]);
    assert!(refused.code == Some(1) && refused.stderr.contains("403"), "{refused:?}");
}

#[test]
fn no_token_is_minted_without_a_secret_or_for_nobody() {
    let shell = Shell::new();
    let weak = "TIDINGS_AUTH_SECRET=too short".split_once('=').unwrap();
    for ended in [
        shell.run(&["token", "mint", "alice"]),
        run(shell.command(&["token", "mint", "alice"]).env(weak.0, weak.1)),
        shell.run(&["token", "dev"]),
        shell.run_with_secret(&["token", "mint", "a b"]),
        shell.run_with_secret(&["token", "mint", "alice", "--ttl", "soon"]),
        shell.run_with_secret(&["token", "mint", "alice", "--ttl", "0s"]),
        shell.run_with_secret(&["token", "mint", "alice", "--ttl", "999ms"]),
        shell.run_with_secret(&["token", "mint", "alice", "--ttl", "3651d"]),
        shell.run_with_secret(&["token", "mint", "alice", "--ttl", "99999999d"]),
        shell.run_with_secret(&["token", "mint"]),
    ] {
        assert!(ended.code == Some(2) && ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
        assert!(!ended.stderr.contains(weak.1), "{ended:?}");
    }
}

/// As `serve` tells it: the setting, where it came from, and what to do.
#[test]
fn verbs_that_sign_say_where_a_bad_secret_came_from() {
    let shell = Shell::new();
    shell.write("tidings.toml", "[auth]\nsecret = \"too short\"\n");
    let file = shell.write("secret", "shorter");
    let verbs: [&[&str]; 7] = [
        &["serve"],
        &["token", "mint", "alice"],
        &["token", "inspect", "a.b.c"],
        &["send", "alice", "x"],
        &["listen", "alice"],
        &["user", "forget", "alice"],
        &["webhooks", "status"],
    ];
    for verb in verbs {
        let of_file = shell.run(verb);
        let of_variable = run(shell.command(verb).env("TIDINGS_AUTH_SECRET_FILE", &file));
        let places = ["tidings.toml:2", "environment variable TIDINGS_AUTH_SECRET_FILE"];
        for (ended, place) in [of_file, of_variable].into_iter().zip(places) {
            let told = format!("auth.secret (from {place}");
            assert!(ended.code == Some(2) && ended.stderr.contains(&told), "{verb:?}: {ended:?}");
            assert!(ended.stderr.contains("openssl rand -hex 32"), "{verb:?}: {ended:?}");
            assert!(!ended.stderr.contains("too short") && !ended.stderr.contains("shorter"), "{ended:?}");
        }
    }
}

#[actix_web::test]
async fn a_text_is_sent_from_a_shell() {
    let (app, shell) = (App::start(), Shell::new());
    let server = url(&app);
    let send =
        |more: &[&str]| shell.run_with_secret(&[&["send", "a@b.c", "--server", &server], more].concat());
    let sent =
        send(&["Build finished", "--title", "CI", "--url", "https://ci.example/7", "--type", "build.done"]);
    assert_eq!((sent.code, sent.stderr.as_str()), (Some(0), ""), "{sent:?}");
    let kept = app.user("a@b.c").get("/v1/notifications").await.json()["notifications"][0].clone();
    let (id, position) = (kept["id"].as_str().unwrap(), kept["position"].as_str().unwrap());
    assert_eq!(sent.stdout, format!("{id} {position}\n"));
    assert_eq!(kept["type"], "build.done");
    assert_eq!(
        kept["payload"],
        json!({"text": "Build finished", "title": "CI", "url": "https://ci.example/7"})
    );

    let (once, again) =
        (send(&["x", "--idempotency-key", "k", "-q"]), send(&["x", "--idempotency-key", "k", "-q"]));
    assert!(
        once.code == Some(0) && once.stdout == again.stdout && once.stdout.starts_with("ntf_"),
        "{once:?}"
    );
    let answer: Value = serde_json::from_str(&send(&["x", "--json"]).stdout).unwrap();
    assert_eq!(answer["notifications"][0]["to"], "a@b.c");
    assert_eq!(app.unread("a@b.c").await["unread"], 3);

    let refused = send(&["x", "--type", "ping"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("422"), "{refused:?}");
    let reader = app.token("alice", "");
    let refused = send(&["x", "--token", &reader]);
    assert!(refused.code == Some(1) && refused.stderr.contains("403"), "{refused:?}");
    assert!(!refused.stderr.contains(&reader), "{refused:?}");
}

#[actix_web::test]
async fn a_message_is_said_in_a_room_from_a_shell() {
    let (app, shell) = (App::start(), Shell::new());
    let server = url(&app);
    let send = |more: &[&str]| {
        shell.run_with_secret(&[&["send", "room:chat:general", "--server", &server], more].concat())
    };
    let said = send(&["Hello, \"all\""]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    let (once, again) =
        (send(&["x", "--idempotency-key", "k"]), send(&["x", "--idempotency-key", "k", "-q"]));
    assert!(once.code == Some(0) && once.stdout == again.stdout, "{once:?} {again:?}");
    let reader = app.http(&app.token("alice", "join:chat:*"));
    let history = reader.get("/v1/rooms/chat:general/messages").await.json();
    let messages = history["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{history}");
    assert_eq!((&messages[0]["from"], &messages[0]["data"]), (&json!("cli"), &json!("Hello, \"all\"")));
    assert_eq!(format!("{}\n", messages[0]["position"].as_str().unwrap()), said.stdout);
    assert_eq!(format!("{}\n", messages[1]["position"].as_str().unwrap()), once.stdout);

    let refused = send(&["x", "--token", &app.token("alice", "publish:other")]);
    assert!(refused.code == Some(1) && refused.stderr.contains("403"), "{refused:?}");
    let usage = send(&["x", "--title", "CI"]);
    assert!(usage.code == Some(2) && usage.stderr.contains("--title"), "{usage:?}");
}

#[actix_web::test]
async fn a_server_that_is_killed_is_neither_healthy_nor_published_to() {
    let (mut app, shell) = (App::start(), Shell::new());
    let server = url(&app);
    let health = |more: &[&str]| shell.run(&[&["health", "--server", &server], more].concat());
    assert_eq!(health(&[]).stdout, "{\"ok\":true}\n");
    assert_eq!(
        (health(&["--json"]).stdout.as_str(), health(&["-q"]).stdout.as_str()),
        ("{\"ok\":true}\n", "ok\n")
    );
    let ready = health(&["--ready"]);
    assert_eq!((ready.code, ready.stdout.as_str()), (Some(0), "{\"store\":\"ok\",\"bridge\":\"off\"}\n"));
    app.kill();
    for ended in [
        health(&[]),
        health(&["--ready"]),
        shell.run_with_secret(&["send", "alice", "x", "--server", &server]),
    ] {
        assert!(ended.code == Some(1) && ended.stdout.is_empty(), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    let usage = shell.run(&["health", "--server", "nowhere"]);
    assert_eq!(usage.code, Some(2), "{usage:?}");
}

#[actix_web::test]
async fn a_server_without_its_database_is_healthy_but_not_ready() {
    let (app, shell) = (App::start(), Shell::new());
    fs::rename(app.database(), app.database().with_extension("away")).unwrap();
    let server = url(&app);
    assert_eq!(shell.run(&["health", "--server", &server]).code, Some(0));
    let ready = shell.run(&["health", "--server", &server, "--ready"]);
    assert!(ready.code == Some(1) && ready.stderr.contains("503"), "{ready:?}");
    let body = json!({"to": "alice", "type": "a.b", "payload": {}});
    app.http(&app.publisher()).post("/v1/notifications", &body).await.problem(503, "unavailable");
}

#[actix_web::test]
async fn settings_come_from_the_file_then_the_environment_then_the_flags() {
    let (app, shell) = (App::start(), Shell::new());
    let (address, port) = (app.address.to_string(), app.address.port().to_string());
    let listen = format!("http.listen={address}");
    let nowhere = "127.0.0.1:1";
    let good = shell.write("good.toml", &format!("[http]\nlisten = \"{address}\"\n"));
    let bad = shell.write("bad.toml", &format!("[http]\nlisten = \"{nowhere}\"\n"));
    let health = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = shell.command(&[&["health"], arguments].concat());
        run(command.envs(environment.iter().copied())).code
    };
    assert_eq!(health(&["--config", &good], &[]), Some(0));
    assert_eq!(health(&[], &[("TIDINGS_CONFIG", &good)]), Some(0));
    assert_eq!(health(&["--config", &bad], &[("TIDINGS_HTTP_LISTEN", &address)]), Some(0));
    assert_eq!(health(&["--config", &good], &[("TIDINGS_HTTP_LISTEN", nowhere)]), Some(1));
    assert_eq!(health(&["--config", &bad, "--set", &listen], &[("TIDINGS_HTTP_LISTEN", nowhere)]), Some(0));
    assert_eq!(health(&[], &[("PORT", &port)]), Some(0));
    assert_eq!(health(&[], &[("PORT", "1"), ("TIDINGS_HTTP_LISTEN", &address)]), Some(0));
    assert_eq!(health(&["--config", &good], &[("PORT", ""), ("TIDINGS_HTTP_LISTEN", "")]), Some(0));
    let file = shell.write("listen", &format!("{address}\n"));
    assert_eq!(health(&["--config", &bad], &[("TIDINGS_HTTP_LISTEN_FILE", &file)]), Some(0));
    assert_eq!(
        health(&["--config", &good], &[("TIDINGS_PORT", "tcp://x"), ("TIDINGS_SERVICE_HOST", "x")]),
        Some(0)
    );
    fs::rename(good, shell.0.path().join("tidings.toml")).unwrap();
    assert_eq!(health(&[], &[]), Some(0));
}
