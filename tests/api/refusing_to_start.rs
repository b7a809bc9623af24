//! G17: what is wrong with the settings or the database stops the start, with one clear line and the exit
//! code that says whether to try again.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::FileExt, process::ExitStatusExt},
    process::Command,
};

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use tempfile::TempDir;

use crate::{
    app::{App, SECRET, program},
    clients::program::run,
};

const USAGE: Option<i32> = Some(2);
const FAILED: Option<i32> = Some(1);

const PASSWORD: &str = "hunter2";

/// `serve` in a folder of its own, with all it needs.
fn serve(folder: &TempDir) -> Command {
    let mut command = program();
    command.current_dir(folder).args(["serve", "--set", "http.listen=127.0.0.1:0"]);
    command.env("TIDINGS_AUTH_SECRET", SECRET);
    command
}

/// Fails unless the program ends with this code and one line of its own that holds these words.
fn refuses(command: &mut Command, code: Option<i32>, words: &[&str]) {
    let ended = run(command);
    assert!(ended.code == code && ended.stdout.is_empty(), "{ended:?}");
    let own: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("tidings: ")).collect();
    assert_eq!(own.len(), 1, "{ended:?}");
    for word in words {
        assert!(own[0].contains(word), "{word:?} is not in {own:?}");
    }
    assert!(![SECRET, PASSWORD].iter().any(|secret| ended.stderr.contains(secret)));
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

#[test]
fn an_unknown_setting_is_named_with_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.toml"), "[http]\nlisten_adress = \"x\"\nlisten = \"127.0.0.1:0\"\n")
        .unwrap();
    fs::write(folder.path().join("slip.toml"), "[htpt]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    refuses(
        serve(&folder).args(["--config", "slip.toml"]),
        USAGE,
        &["htpt.listen", "did you mean http.listen?"],
    );
    refuses(serve(&folder).args(["--config", "bad.toml"]), USAGE, &["http.listen_adress", "bad.toml"]);
    refuses(
        serve(&folder).env("TIDINGS_HTTP_LISTN", "x"),
        USAGE,
        &["TIDINGS_HTTP_LISTN", "did you mean TIDINGS_HTTP_LISTEN?"],
    );
    refuses(
        serve(&folder).args(["--set", "http.lisen=x"]),
        USAGE,
        &["http.lisen", "did you mean http.listen?"],
    );
    assert!(!folder.path().join("tidings.db").exists());
}

#[test]
fn a_setting_that_cannot_be_is_named_with_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.toml"), format!("[auth]\nsecret = \"{SECRET}\n")).unwrap();
    refuses(serve(&folder).args(["--config", "broken.toml"]), USAGE, &["broken.toml"]);
    refuses(serve(&folder).args(["--config", "none.toml"]), USAGE, &["none.toml"]);
    refuses(serve(&folder).args(["--set", "http.listen=here"]), USAGE, &["http.listen", "--set"]);
    refuses(serve(&folder).args(["--set", "http.listen"]), USAGE, &["http.listen"]);
    refuses(serve(&folder).args(["--set", "auth.default_scopes=notify"]), USAGE, &["auth.default_scopes"]);
    refuses(serve(&folder).args(["--set", "http.allowed_origins=*"]), USAGE, &["http.allowed_origins"]);
    refuses(
        serve(&folder).env("TIDINGS_HTTP_WORKERS", "many"),
        USAGE,
        &["http.workers", "TIDINGS_HTTP_WORKERS"],
    );
    refuses(serve(&folder).env("TIDINGS_STORE_URL_FILE", "none"), USAGE, &["none"]);
    refuses(
        serve(&folder).env("TIDINGS_AUTH_SECRET_FILE", "none"),
        USAGE,
        &["TIDINGS_AUTH_SECRET", "both are set"],
    );
    refuses(serve(&folder).env_remove("TIDINGS_AUTH_SECRET").env("PORT", "http"), USAGE, &["PORT"]);
}

#[test]
fn a_secret_that_is_missing_or_weak_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let weak = "0123456789abcdef0123456789abcde";
    refuses(serve(&folder).env_remove("TIDINGS_AUTH_SECRET"), USAGE, &["auth.secret", "32 bytes"]);
    refuses(serve(&folder).env("TIDINGS_AUTH_SECRET", ""), USAGE, &["auth.secret", "is not set"]);
    let ended = run(serve(&folder).env("TIDINGS_AUTH_SECRET", weak));
    assert!(ended.code == USAGE && ended.stderr.contains("has 31"), "{ended:?}");
    assert!(!ended.stderr.contains(weak), "{ended:?}");
    refuses(serve(&folder).args(["--set", "auth.algorithm=ES256"]), USAGE, &["auth.public_key"]);
}

#[test]
fn keys_and_origins_that_can_never_work_are_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let pem = include_str!("../keys/rs256.public.pem");
    let rs256 = |setting: &str| {
        let mut command = serve(&folder);
        command.args(["--set", "auth.algorithm=RS256", "--set", setting]);
        command
    };
    refuses(&mut rs256("auth.public_key=junk"), USAGE, &["auth.public_key (from --set)", "RS256"]);
    refuses(&mut rs256("auth.jwks={}"), USAGE, &["auth.jwks (from --set)"]);
    refuses(&mut rs256(r#"auth.jwks={"keys":[]}"#), USAGE, &["auth.jwks (from --set)", "RS256"]);
    refuses(
        serve(&folder).env("TIDINGS_AUTH_SECRET", pem),
        USAGE,
        &["auth.secret (from environment variable TIDINGS_AUTH_SECRET)", "PEM"],
    );
    refuses(
        serve(&folder).args(["--set", "http.allowed_origins=https://x:abc"]),
        USAGE,
        &["http.allowed_origins (from --set)", "https://x:abc"],
    );
    assert!(!folder.path().join("tidings.db").exists());
}

#[test]
fn a_database_that_cannot_be_opened_is_worth_another_try() {
    let folder = tempfile::tempdir().unwrap();
    refuses(
        serve(&folder).args(["--set", "store.url=sqlite://none/tidings.db"]),
        FAILED,
        &["none/tidings.db"],
    );
    refuses(serve(&folder).args(["--set", "store.url=sqlite://."]), FAILED, &["database"]);
    fs::write(folder.path().join("tidings.db"), "this is no database, but it is long enough".repeat(99))
        .unwrap();
    refuses(&mut serve(&folder), FAILED, &["tidings.db", "not a database"]);
    refuses(serve(&folder).args(["--set", "store.url=mysql://x"]), USAGE, &["store.url"]);
    refuses(
        serve(&folder).args(["--set", &format!("store.url=postgres://u:{PASSWORD}@127.0.0.1:1/x")]),
        FAILED,
        &["store.url: ", "postgres://u@127.0.0.1:1/x", "refused"],
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("http.listen={}", taken.local_addr().unwrap());
    let address = taken.local_addr().unwrap().to_string();
    refuses(serve(&folder).args(["--set", &listen]), FAILED, &["http.listen", &address]);
}

#[actix_web::test]
async fn x18_a_database_that_is_corrupt_or_of_a_newer_version_is_not_touched() {
    let mut app = App::start();
    for n in 0..20 {
        app.publish("alice", n).await;
    }
    app.signal("-TERM");
    assert!(app.wait().success());
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("tidings.db");
    let url = format!("store.url=sqlite://{}", copy.display());

    fs::copy(app.database(), &copy).unwrap();
    let mut database = SqliteConnection::establish(&copy.display().to_string()).unwrap();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    sql_query(newer).execute(&mut database).unwrap();
    drop(database);
    refuses(serve(&folder).args(["--set", &url]), FAILED, &["newer version", "99990101000000"]);

    fs::copy(app.database(), &copy).unwrap();
    let file = File::options().write(true).open(&copy).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
    file.write_all_at(&[0xff; 4096], middle).unwrap();
    let damaged = fs::read(&copy).unwrap();
    refuses(serve(&folder).args(["--set", &url]), FAILED, &["tidings.db"]);
    assert!(fs::read(&copy).unwrap() == damaged, "it is left for those who can mend it");
}

/// Live events travel inside one process: a second one on the same file would answer 201 and tell nobody.
#[actix_web::test]
async fn a_second_process_on_the_same_database_does_not_start() {
    let app = App::start();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("store.url=sqlite://{}", app.database().display());
    refuses(serve(&folder).args(["--set", &database]), FAILED, &["another process uses it"]);
    app.publish("alice", 1).await;
}

#[test]
fn an_address_that_is_no_bus_is_named_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["http://:hunter2@bus", "redis://", "hunter2", "redis://:hunter2@bus/x"] {
        refuses(
            serve(&folder).args(["--set", &format!("bridge.url={url}")]),
            USAGE,
            &["bridge.url", "redis://"],
        );
        refuses(serve(&folder).env("REDIS_URL", url), USAGE, &["bridge.url"]);
    }
    for (setting, words) in [
        ("bridge.prefix={a}", "without spaces and braces"),
        ("bridge.secret=hunter2", "at least 32 bytes"),
        ("bridge.timeout=0", "must be more than 0"),
        ("bridge.url=rediss://bus#insecure", "leave #insecure out"),
    ] {
        refuses(serve(&folder).args(["--set", setting]), USAGE, &[setting.split('=').next().unwrap(), words]);
    }
}

/// A Redis that lets everybody in and says nothing holds a start up as long as one answer may take.
#[test]
fn a_process_that_is_starting_ends_at_a_signal() {
    let (folder, silent) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let bus = format!("bridge.url=redis://{}", silent.local_addr().unwrap());
    let mut child = serve(&folder).args(["--set", &bus, "--set", "bridge.timeout=5s"]).spawn().unwrap();
    let _asked = silent.accept().unwrap();
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}
