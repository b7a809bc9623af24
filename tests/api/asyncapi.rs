//! The document of the WebSocket has every command, event, error and close code, and is true of the samples, which the
//! server is held against (PROTOCOL.md section 3).

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    app::{App, program},
    clients::program::run,
    tidy::reading::{root, rows, sources, ticked},
};

async fn document(app: &App) -> Value {
    let answer = app.anonymous().get("/asyncapi.json").await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    answer.json()
}

/// The messages that operations of this kind begin with, by name in the document.
fn messages(document: &Value, action: &str) -> BTreeSet<String> {
    let operations = document["operations"].as_object().unwrap().values();
    let of_it = operations.filter(|operation| operation["action"] == action);
    of_it.map(|operation| name(&operation["messages"][0])).collect()
}

/// What answers the commands.
fn answers(document: &Value) -> BTreeSet<String> {
    let operations = document["operations"].as_object().unwrap().values();
    let answers = operations.filter_map(|operation| operation["reply"]["messages"].as_array()).flatten();
    answers.map(name).collect()
}

fn name(reference: &Value) -> String {
    reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// The words of these messages.
fn words(document: &Value, names: &BTreeSet<String>) -> BTreeSet<String> {
    let word = |name: &String| {
        let kind = &document["components"]["messages"][name]["payload"]["properties"]["type"];
        kind["const"].as_str().map(str::to_owned)
    };
    names.iter().filter_map(word).collect()
}

fn words_of_paper(heading: &str) -> BTreeSet<String> {
    rows("PROTOCOL.md", &[heading]).iter().flat_map(|row| ticked(&row[0]).map(str::to_owned)).collect()
}

/// The texts in quotes behind this in a source.
fn quoted_behind(file: &str, before: &str) -> BTreeSet<String> {
    let source = sources("src").into_iter().find(|(name, _)| name == file).unwrap().1;
    let parts = source.split(before).skip(1).map(|part| part.split('"').next().unwrap().to_owned());
    parts.collect()
}

#[actix_web::test]
async fn the_document_has_every_frame_and_code_and_no_other() {
    let app = App::start();
    let document = document(&app).await;
    let commands = words(&document, &messages(&document, "receive"));
    assert_eq!(commands, words_of_paper("### Client commands"));
    let word = sources("src").into_iter().find(|(name, _)| name == "protocol/command.rs").unwrap().1;
    let word = word.split("pub fn word(&self)").nth(1).unwrap().split("\n    }\n").next().unwrap().to_owned();
    let known: BTreeSet<String> =
        word.split("=> \"").skip(1).map(|part| part.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(commands, known, "the commands that are parsed");

    let told: BTreeSet<String> = messages(&document, "send").union(&answers(&document)).cloned().collect();
    let events = words(&document, &told);
    assert_eq!(events, words_of_paper("### Server events"));
    let tagged = "#[serde(tag = \"type\", rename = \"";
    let written = ["protocol/event.rs", "protocol/event/answers.rs", "protocol/event/rooms.rs"]
        .iter()
        .flat_map(|file| quoted_behind(file, tagged))
        .chain(quoted_behind("protocol/event.rs", "serialize_struct(\""));
    assert_eq!(events, written.collect(), "the events that are written");
    assert!(told.contains("Notification"));

    let code = &document["components"]["messages"]["Error"]["payload"]["properties"]["code"]["enum"];
    let codes: BTreeSet<String> = serde_json::from_value(code.clone()).unwrap();
    assert_eq!(codes, words_of_paper("### Error codes of commands"));
    let closes = document["channels"]["session"]["x-close-codes"].as_array().unwrap();
    let paper: Vec<Vec<String>> = rows("PROTOCOL.md", &["### Close codes"]);
    let mut later = Vec::new();
    for close in closes {
        let number = close["code"].to_string();
        let Some(row) = paper.iter().find(|row| row[0] == number) else {
            later.push(number);
            continue;
        };
        assert_eq!(row[1], format!("`{}`", close["reason"].as_str().unwrap()));
        let then = if row[3] == "–" { "done" } else { &row[3] };
        assert_eq!(then, close["then"], "{number}");
    }
    assert_eq!(
        (closes.len() - later.len(), later),
        (paper.len(), vec!["1001".to_owned(), "1011".to_owned()])
    );
}

#[actix_web::test]
async fn every_sample_fits_its_message_and_no_other_and_nothing_is_left_open() {
    let app = App::start();
    let document = document(&app).await;
    let fits = |name: &String, value: &Value| {
        let mut schema = document["components"]["messages"][name]["payload"].clone();
        schema["components"] = document["components"].clone();
        let judge = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        judge.is_valid(value)
    };
    let said = messages(&document, "receive");
    let told: BTreeSet<String> = messages(&document, "send").union(&answers(&document)).cloned().collect();
    let mut shown = BTreeSet::new();
    for entry in fs::read_dir(root().join("tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let sample: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let file = path.file_stem().unwrap().to_str().unwrap();
        let among = if file.starts_with("command_") { &said } else { &told };
        let fitting: Vec<&String> = among.iter().filter(|name| fits(name, &sample)).collect();
        assert_eq!(fitting.len(), 1, "{file} is {fitting:?}");
        let examples = document["components"]["messages"][fitting[0]]["examples"].as_array().unwrap();
        assert!(
            examples.iter().any(|example| example["name"] == file && example["payload"] == sample),
            "{file}"
        );
        shown.insert(fitting[0].clone());
    }
    let all = said.union(&told).cloned().collect::<BTreeSet<_>>();
    let without: Vec<&String> = all.difference(&shown).collect();
    assert_eq!(without, ["Degraded", "Restored"], "messages without a sample");
    let since = "2026-01-02T03:04:05.678Z";
    assert!(fits(&"Degraded".to_owned(), &json!({"type": "degraded", "what": "rooms", "since": since})));
    assert!(fits(&"Restored".to_owned(), &json!({"type": "restored", "what": "rooms"})));

    let mut open = Vec::new();
    references(&document, &mut open);
    open.retain(|reference| document.pointer(reference.trim_start_matches('#')).is_none());
    assert_eq!(open, [""; 0], "references to nothing");
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The schemas of both standards, as they are published on npm.
#[test]
fn both_documents_are_valid_by_validators_that_are_not_ours_and_need_no_server() {
    let printed = |verb: &str| {
        let ended = run(program().current_dir(std::env::temp_dir()).arg(verb));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{verb}");
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    let both = json!({ "openapi": printed("openapi"), "asyncapi": printed("asyncapi") });
    let folder = root().join("tests/node");
    assert!(folder.join("node_modules").exists(), "make setup installs what this test needs");
    let mut node = Command::new("node")
        .current_dir(folder)
        .arg("validate.mjs")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(both.to_string().as_bytes()).unwrap();
    let judged = node.wait_with_output().unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
}

#[actix_web::test]
async fn what_is_printed_without_a_server_is_what_a_server_says() {
    let app = App::start_with(&[("http.base_path", "/tidings")]);
    for (verb, path) in [("openapi", "/tidings/openapi.json"), ("asyncapi", "/tidings/asyncapi.json")] {
        let printed =
            run(program().current_dir(std::env::temp_dir()).args([verb, "--set", "http.base_path=/tidings"]));
        let said = app.anonymous().get(path).await;
        assert_eq!(printed.stdout.trim_end(), said.text(), "{verb}");
        let tag = said.header("ETag").unwrap();
        let request = app.anonymous().request("GET", path).insert_header(("If-None-Match", tag));
        assert_eq!(app.anonymous().send(request, "").await.status, 304, "{path}");
    }
}
