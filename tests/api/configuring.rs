//! Settings as an operator meets them: `init`, `config`, and errors that say where to look.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{SECRET, program},
    clients::{
        http::Http,
        program::{Ended, Running, run},
    },
};

fn tidings(folder: &TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let environment = environment.iter().copied();
    run(program().current_dir(folder).args(arguments).envs(environment))
}

/// What it prints, where all is well.
fn printed(folder: &TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let ended = tidings(folder, arguments, environment);
    assert!(ended.code == Some(0), "{arguments:?}: {ended:?}");
    ended.stdout
}

fn parsed(folder: &TempDir, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(folder, arguments, &[("TIDINGS_AUTH_SECRET", SECRET)])).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[actix_web::test]
async fn what_init_writes_passes_the_check_and_a_server_starts_with_it() {
    let folder = folder();
    let made = tidings(&folder, &["init"], &[]);
    assert!(
        made.code == Some(0) && made.stdout.starts_with("tidings.toml: every setting explained"),
        "{made:?}"
    );
    assert_eq!(made.stderr, "next: tidings serve\n");
    let path = folder.path().join("tidings.toml");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();

    let checked = tidings(&folder, &["config", "check"], &[]);
    assert!(checked.code == Some(0) && checked.stderr.is_empty(), "{checked:?}");
    assert_eq!(
        checked.stdout,
        "a server would start: 2 settings are set, and all others have their defaults\n"
    );
    let served =
        Running::start(program().current_dir(&folder).args(["serve", "--set", "http.listen=127.0.0.1:0"]));
    let listening: Value = serde_json::from_str(&served.stderr.expect("\"listening\"")).unwrap();
    let token = printed(&folder, &["token", "mint", "alice", "-q"], &[]);
    let address = listening["address"].as_str().unwrap().parse().unwrap();
    let me = Http::new(address, Some(token.trim_end())).get("/v1/me").await.json();
    assert_eq!(me["user"], "alice");

    // It keeps what is there, and writes over it only when told so, for its owner alone again.
    let refused = tidings(&folder, &["init"], &[]);
    assert!(refused.code == Some(2) && refused.stdout.is_empty(), "{refused:?}");
    assert!(refused.stderr.starts_with("tidings: tidings.toml is there already"), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(printed(&folder, &["init", "--force", "-q"], &[]), "tidings.toml\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_ne!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(
        fs::read_dir(&folder)
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().contains("toml") })
            .count(),
        1
    );

    let json = parsed(&folder, &["init", "--config", "other.toml", "--json"]);
    assert_eq!((&json["path"], json["vapid_public_key"].as_str().unwrap().len()), (&json!("other.toml"), 87));
    assert_eq!(tidings(&folder, &["init", "--config", "none/x.toml"], &[]).code, Some(1));
}

#[test]
fn the_settings_that_count_are_shown_with_their_origin_and_without_secrets() {
    let folder = folder();
    let file = "[http]\nbody_limit = 1024\n\n[auth]\nsecret = \"SECRET\"\naudience = \"app\"\n";
    fs::write(folder.path().join("tidings.toml"), file.replace("SECRET", SECRET)).unwrap();
    let environment =
        [("TIDINGS_AUTH_AUDIENCE", "web"), ("DATABASE_URL", "postgres://u:hunter2@db/t"), ("PORT", "9000")];
    let set = ["--set", "limits.sessions=7"];
    let shown = printed(&folder, &[&["config", "show", "--origin"], &set[..]].concat(), &environment);
    for line in [
        "listen = \"0.0.0.0:9000\"  # environment variable PORT",
        "body_limit = \"1KiB\"  # tidings.toml:2",
        "#secret = (hidden)  # tidings.toml:5",
        "#previous_secret =  # default",
        "audience = \"web\"  # environment variable TIDINGS_AUTH_AUDIENCE",
        "url = \"postgres://u@db/t\"  # environment variable DATABASE_URL",
        "sessions = 7  # --set",
        "level = \"info\"  # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} is not in {shown}");
    }
    assert!(!shown.contains(SECRET) && !shown.contains("hunter2"), "{shown}");

    let bare = printed(&folder, &["config", "show", "log"], &[]);
    assert_eq!(bare, "[log]\nlevel = \"info\"\nformat = \"auto\"\n");
    assert_eq!(printed(&folder, &["config", "show", "auth.audience", "-q"], &environment), "web\n");
    let json = parsed(&folder, &["config", "show", "auth.secret", "--json"]);
    let origin = "environment variable TIDINGS_AUTH_SECRET";
    assert_eq!(json, json!([{ "key": "auth.secret", "value": "(hidden)", "origin": origin }]));
    // Also where a server would not start with it: this is where one looks then.
    printed(&folder, &["config", "show", "--set", "auth.secret="], &[]);
    let unknown = tidings(&folder, &["config", "show", "log.levle"], &[]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("did you mean log.level?"), "{unknown:?}");
}

#[test]
fn the_papers_about_settings_are_printed_for_people_and_programs() {
    let folder = folder();
    let doc = printed(&folder, &["config", "doc", "http.listen"], &[]);
    assert!(doc.starts_with("http.listen (address with port; default: 127.0.0.1:8080)\n"), "{doc}");
    assert!(doc.contains("\n    TIDINGS_HTTP_LISTEN\n"), "{doc}");
    assert_eq!(parsed(&folder, &["config", "doc", "log", "--json"])[0]["default"], "info");
    assert!(tidings(&folder, &["config", "doc", "nothing"], &[]).stderr.contains("is not a setting"));
    let table = printed(&folder, &["config", "doc", "--markdown"], &[]);
    assert!(table.starts_with("| key | type | default | meaning |\n"), "{table}");
    let variables = printed(&folder, &["config", "env"], &[]);
    assert!(variables.contains("\n#TIDINGS_SESSION_PING_INTERVAL=25s\n"), "{variables}");
    assert_eq!(parsed(&folder, &["config", "env", "--json"])["TIDINGS_LIMITS_ROOMS"], 10_000);
    let schema = parsed(&folder, &["config", "schema"]);
    assert_eq!(schema["properties"]["store"]["properties"]["url"]["default"], "sqlite://tidings.db");
    jsonschema::draft202012::meta::validate(&schema).unwrap();

    let checked = parsed(&folder, &["config", "check", "--json", "--set", "push.grace=1s"]);
    let warning = "push.grace has no effect without push.enabled";
    assert_eq!(checked, json!({ "is_good": true, "set": 2, "warnings": [warning] }));
    let secret = [("TIDINGS_AUTH_SECRET", SECRET)];
    let warned = tidings(&folder, &["config", "check", "-q", "--set", "push.grace=1s"], &secret);
    assert_eq!((warned.stdout.as_str(), warned.stderr), ("good\n", format!("warning: {warning}\n")));
}

/// `chmod 644` is what one does where the server may not read it, and shows the key of all tokens to everybody.
#[test]
fn a_secret_in_a_file_that_everybody_may_read_is_warned_of_and_is_no_failure() {
    let folder = folder();
    let file = folder.path().join("tidings.toml");
    let check = |text: &str, mode: u32| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        tidings(&folder, &["config", "check"], &[("TIDINGS_AUTH_SECRET", "")])
    };
    let with_secret = format!("[log]\nlevel = \"info\"\n[auth]\nsecret = \"{SECRET}\"\n");
    let warned = check(&with_secret, 0o644);
    assert_eq!(warned.code, Some(0), "{warned:?}");
    let told =
        "warning: auth.secret (from tidings.toml:4) may be read by everybody on this machine: chmod 600";
    assert!(warned.stderr.contains(told) && warned.stderr.contains("TIDINGS_AUTH_SECRET_FILE"), "{warned:?}");
    for mode in [0o600, 0o640] {
        assert_eq!(check(&with_secret, mode).stderr, "");
    }
    let set = ["config", "check", "--set", &format!("auth.secret={SECRET}")];
    check("[log]\nlevel = \"info\"\n", 0o644);
    assert_eq!(tidings(&folder, &set, &[]).stderr, "", "it holds nothing to hide");

    check(&with_secret, 0o604);
    let doctor = tidings(&folder, &["doctor", "--json"], &[("TIDINGS_AUTH_SECRET", "")]);
    let findings: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let all = findings.as_array().unwrap();
    assert!(all.iter().any(|one| one.to_string().contains("may be read by everybody")), "{doctor:?}");
    // It is the start that tells, whatever comes of it.
    let serve = ["serve", "--set", "store.url=sqlite:///nowhere/tidings.db"];
    let started = tidings(&folder, &serve, &[("TIDINGS_AUTH_SECRET", "")]);
    let warned = |line: &str| line.contains("\"warn\"") && line.contains("may be read by everybody");
    assert!(started.code == Some(1) && started.stderr.lines().any(warned), "{started:?}");
}

/// Arguments, environment, and words of the refusal.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Whatever is wrong is told before anything starts: which setting, where it came from, and what to do.
#[test]
fn what_is_wrong_is_told_with_the_setting_its_origin_and_the_way_out() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("typo.toml", "[http]\n\nlisen = \"x\"\n");
    write("value.toml", "# a comment\n[session]\nping_interval = \"25\"\n");
    write("weak.toml", "[auth]\nsecret = \"too short\"\n");
    write("bus.toml", "[bridge]\nurl = \"http://bus\"\n");
    write("word", "quick\n");
    let cases: [Case; 13] = [
        (&["--config", "typo.toml"], &[], &["http.lisen in typo.toml:3", "did you mean http.listen?"]),
        (&["--config", "value.toml"], &[], &["session.ping_interval (from value.toml:3)", "such as 25s"]),
        (
            &["--config", "weak.toml"],
            &[("TIDINGS_AUTH_SECRET", "")],
            &["auth.secret (from weak.toml:2)", "openssl"],
        ),
        (&["--config", "bus.toml"], &[], &["bridge.url (from bus.toml:2)", "redis://"]),
        (&["--config", "none.toml"], &[], &["\"none.toml\" (from --config)", "`tidings init`"]),
        (&[], &[("TIDINGS_CONFIG", "none.toml")], &["\"none.toml\" (from TIDINGS_CONFIG)", "`tidings init`"]),
        (
            &[],
            &[("TIDINGS_LOG_LEVEL_FILE", "word")],
            &["log.level (from environment variable TIDINGS_LOG_LEVEL_FILE, \"word\")"],
        ),
        (&[], &[("TIDINGS_LOG_LEVEL_FILE", "none")], &["log.level (from", "cannot be read", "name a file"]),
        (&[], &[("PORT", "http")], &["http.listen (from environment variable PORT)", "such as 8080"]),
        (
            &[],
            &[("TIDINGS_SESION_ROOMS", "1")],
            &["TIDINGS_SESION_ROOMS", "did you mean TIDINGS_SESSION_ROOMS?"],
        ),
        (&["--set", "nothing.like=it"], &[], &["--set nothing.like", "`tidings config doc` lists"]),
        (
            &[
                "--set",
                "push.enabled=true",
                "--set",
                "push.subject=mailto:a@b.example",
                "--set",
                "push.vapid_private_key=x",
            ],
            &[],
            &["push.vapid_private_key (from --set)", "base64url"],
        ),
        (
            &[],
            &[("TIDINGS_AUTH_SECRET", "")],
            &["auth.secret: is not set", "`tidings init`", "`export TIDINGS_AUTH_SECRET="],
        ),
    ];
    for (arguments, environment, words) in cases {
        for verb in [&["serve"][..], &["config", "check"]] {
            let mut command = program();
            command.current_dir(&folder).env("TIDINGS_AUTH_SECRET", SECRET).args(verb).args(arguments);
            let ended = run(command.envs(environment.iter().copied()));
            assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
            for word in words {
                assert!(ended.stderr.contains(word), "{word:?} is not in {ended:?}");
            }
        }
    }
    assert!(!folder.path().join("tidings.db").exists());
}

#[test]
fn colours_are_for_those_who_want_them() {
    let folder = folder();
    let lines = |environment: &[(&str, &str)]| {
        let mut command = program();
        command.current_dir(&folder).env("TIDINGS_AUTH_SECRET", SECRET).envs(environment.iter().copied());
        command.args(["serve", "--set", "http.listen=127.0.0.1:0", "--set", "log.format=text"]);
        Running::start(&mut command).stderr.expect("listening")
    };
    assert!(lines(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!lines(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn the_log_is_text_on_a_terminal_and_json_elsewhere() {
    let folder = folder();
    let words = "serve --set webhooks.max_dead=1 --set store.url=sqlite:///nowhere/tidings.db";
    let line = |mut command: Command| {
        let ended = run(command.current_dir(&folder).env("TIDINGS_AUTH_SECRET", SECRET));
        let is_it = |line: &&str| line.contains("webhooks.max_dead has no effect");
        let line = ended.stdout.lines().chain(ended.stderr.lines()).find(is_it);
        line.unwrap_or_else(|| panic!("{ended:?}")).to_owned()
    };
    let mut elsewhere = program();
    elsewhere.args(words.split(' '));
    let whole = [elsewhere.get_program()].into_iter().chain(elsewhere.get_args());
    let whole = whole.map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    assert_eq!(serde_json::from_str::<Value>(&line(elsewhere)).unwrap()["level"], "warn");
    // It has a terminal of its own.
    let mut terminal = Command::new("script");
    terminal.args(["-qc", &whole, "/dev/null"]);
    let line = line(terminal);
    assert!(line.contains("WARN") && serde_json::from_str::<Value>(&line).is_err(), "{line}");
}

#[test]
fn a_shell_completes_verbs_and_flags() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&folder, &["completions", shell], &[]);
        assert!(script.contains("inspect") && script.contains("idempotency-key"), "{shell}: {script}");
        fs::write(folder.path().join(shell), script).unwrap();
    }
    let ask = "source ./bash; COMP_WORDS=(tidings config ''); COMP_CWORD=2; _tidings tidings '' config; \
               echo \"${COMPREPLY[@]}\"";
    let completed = run(Command::new("bash").current_dir(&folder).args(["-c", ask]));
    for verb in ["check", "show", "doc", "env", "schema"] {
        assert!(completed.stdout.split_whitespace().any(|word| word == verb), "{completed:?}");
    }
}
